"""An independent timestamp authority: `openssl ts -reply` behind HTTP, with a CA of its own.

Nothing of it is ours but the few lines of HTTP: the tokens are OpenSSL's, made by a process per request. It can be
told to lie (`lie = …`) in the ways that openssl can be brought to; for tokens that openssl refuses to sign, or a time
that it cannot be given, see token_maker. As a process of its own: `python -m tests.fakes.openssl_authority FOLDER`
prints the address and where its root's certificate lies, and serves until it is ended.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType

import pytest
from asn1crypto import tsp
from cryptography import x509

from tests.fakes.certificate_maker import BEGINS, ENDS, Identity, make_issuer, make_signer

POLICY = "1.3.6.1.4.1.32473.2.1"
OTHER_POLICY = "1.3.6.1.4.1.32473.2.2"

LIES_IN_THE_TOKEN = ("imprint", "nonce", "no nonce", "policy", "no certificate", "replay")
LIES_IN_HTTP = ("error", "redirect", "huge", "trickle", "html", "compressed", "cut short", "hang up")

_CONFIG = """
[tsa]
default_tsa = authority
[authority]
serial = {folder}/serial
signer_cert = {folder}/signer.pem
certs = {folder}/chain.pem
signer_key = {folder}/key.pem
signer_digest = sha256
default_policy = {policy}
other_policies = {other}
digests = sha256, sha384, sha512
accuracy = {accuracy}
ordering = no
tsa_name = {tsa_name}
ess_cert_id_chain = no
ess_cert_id_alg = {ess}
"""


def need_openssl() -> None:
    """Skip the test where the program is not installed, or may not be run."""
    if shutil.which("openssl") is None:
        pytest.skip("the openssl program is not installed")


class OpensslAuthority:
    """Serve RFC 3161 on 127.0.0.1, at an ephemeral port, from `start()` to `stop()`, or as a context manager."""

    def __init__(
        self,
        folder: Path,
        *,
        name: str = "Independent authority",
        kind: str = "p256",
        intermediate: bool = False,
        expired: bool = False,
        accuracy: str = "secs:1",
        ess: str = "sha256",
        tsa_name: bool = False,
    ) -> None:
        """`kind` is the signer's key; `expired` gives it a certificate that ended; `ess` sha1 means ESSCertID v1."""
        need_openssl()
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.lie: str | None = None
        self.asked = 0
        self.root = make_issuer(f"{name} root")
        self.intermediate = make_issuer(f"{name} intermediate", self.root) if intermediate else None
        ends = BEGINS.replace(year=BEGINS.year + 1) if expired else ENDS
        self.signer = make_signer(self.intermediate or self.root, common_name=name, kind=kind, ends=ends)
        self._write(accuracy=accuracy, ess=ess, tsa_name="yes" if tsa_name else "no")
        self._lock = threading.Lock()
        self._first: bytes | None = None
        self._closing = threading.Event()
        self._server: ThreadingHTTPServer | None = None

    @property
    def anchors(self) -> list[x509.Certificate]:
        return [self.root.certificate]

    @property
    def root_path(self) -> Path:
        return self.folder / "root.pem"

    @property
    def url(self) -> str:
        if self._server is None:
            raise RuntimeError("the authority is not started")
        return f"http://127.0.0.1:{self._server.server_address[1]}/tsa"

    def start(self) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        self._closing.set()
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()

    def __enter__(self) -> OpensslAuthority:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def reply(self, request: bytes) -> bytes:
        """OpenSSL's answer to a request, after `lie` has been at the request."""
        with self._lock:
            self.asked += 1
            request_file, response_file = self.folder / "request.tsq", self.folder / "response.tsr"
            request_file.write_bytes(self._bent(request))
            subprocess.run(
                ["openssl", "ts", "-reply", "-config", self.folder / "tsa.cnf", "-queryfile", request_file,
                 "-out", response_file],
                check=True, capture_output=True,
            )  # fmt: skip
            response = response_file.read_bytes()
            self._first = self._first or response
            return self._first if self.lie == "replay" else response

    def verify(self, response: bytes, data: bytes, root: Identity | None = None) -> None:
        """Raise CalledProcessError unless `openssl ts -verify` accepts the response under this authority's root."""
        verify_with_openssl(response, data, (root or self.root).pem, self.folder)

    def _bent(self, request: bytes) -> bytes:
        bent = tsp.TimeStampReq.load(request).copy()
        if self.lie == "imprint":
            bent["message_imprint"]["hashed_message"] = bytes(32)
        elif self.lie == "nonce":
            bent["nonce"] = bent["nonce"].native ^ 1
        elif self.lie == "no nonce":
            bent["nonce"] = None
        elif self.lie == "policy":
            bent["req_policy"] = OTHER_POLICY
        elif self.lie == "no certificate":
            bent["cert_req"] = False
        return bytes(bent.dump(force=True))

    def _write(self, **settings: str) -> None:
        (self.folder / "root.pem").write_bytes(self.root.pem)
        (self.folder / "chain.pem").write_bytes((self.intermediate or self.root).pem)
        (self.folder / "signer.pem").write_bytes(self.signer.pem)
        (self.folder / "key.pem").write_bytes(self.signer.key_pem)
        (self.folder / "serial").write_text("01\n", encoding="ascii")
        config = _CONFIG.format(folder=self.folder, policy=POLICY, other=OTHER_POLICY, **settings)
        (self.folder / "tsa.cnf").write_text(config, encoding="utf-8")

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        authority = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                request = self.rfile.read(int(self.headers["Content-Length"]))
                if authority.lie in LIES_IN_HTTP:
                    authority._misbehave(self)
                    return
                response = authority.reply(request)
                self._send(200, response)

            def do_GET(self) -> None:
                raise AssertionError("a redirect was followed")

            def _send(self, status: int, body: bytes, **headers: str) -> None:
                self.send_response(status)
                for key, value in headers.items():
                    self.send_header(key.replace("_", "-"), value)
                self.send_header("Content-Type", "application/timestamp-reply")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                """Keep the test's output quiet."""

        return Handler

    def _misbehave(self, handler: BaseHTTPRequestHandler) -> None:
        """Answer as no authority should; the connection ends with the answer."""
        handler.close_connection = True
        answers = {
            "error": b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n",
            "redirect": b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n",
            "huge": b"HTTP/1.1 200 OK\r\n\r\n" + bytes(1 << 20),
            "html": b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>",
            "compressed": b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n\x1f\x8b",
            "cut short": b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n0",
            "trickle": b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n",
            "hang up": b"",
        }
        try:
            handler.wfile.write(answers[self.lie or "error"])
            while self.lie == "trickle" and not self._closing.wait(0.05):
                handler.wfile.write(b"0")
        except OSError:
            return  # the client has had enough, as it should


def verify_with_openssl(response: bytes, data: bytes, root_pem: bytes, folder: Path, *, at: int | None = None) -> None:
    """Raise CalledProcessError unless stock `openssl ts -verify` accepts `response` on `data` under the root.

    `at`: seconds since 1970 at which the certificates must be valid; openssl takes the present otherwise.
    """
    need_openssl()
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in (("checked.tsr", response), ("checked.data", data), ("checked.pem", root_pem)):
        (folder / name).write_bytes(content)
    subprocess.run(
        ["openssl", "ts", "-verify", "-in", "checked.tsr", "-data", "checked.data", "-CAfile", "checked.pem",
         *([] if at is None else ["-attime", str(at)])],
        check=True, capture_output=True, cwd=folder,
    )  # fmt: skip


def main() -> None:
    with OpensslAuthority(Path(sys.argv[1])) as authority:
        print(authority.url, authority.root_path, flush=True)
        while True:
            time.sleep(3600)


if __name__ == "__main__":
    main()
