"""Time stamps made by the `openssl` program, which nobody here wrote."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509

CONFIG = """
[req]
distinguished_name = dn
prompt = no
[dn]
CN = test
[ca]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[tsa]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = critical, timeStamping
subjectKeyIdentifier = hash
[stamp]
serial = serial
crypto_device = builtin
default_policy = 1.2.3.4.1
digests = sha256
accuracy = secs:2, millisecs:500, microsecs:100
ordering = yes
tsa_name = yes
ess_cert_id_chain = no
ess_cert_id_alg = sha256
clock_precision_digits = 6
"""
KEYS = {
    "rsa2048": ["RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
    "rsa3072": ["RSA", "-pkeyopt", "rsa_keygen_bits:3072"],
    "p256": ["EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
    "p384": ["EC", "-pkeyopt", "ec_paramgen_curve:P-384"],
    "ed25519": ["ED25519"],
}


@dataclass(frozen=True)
class Stamps:
    """A root, an intermediate and a stamper in `folder`, all keys of one kind."""

    folder: Path
    kind: str

    def run(self, *arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=self.folder, check=True, capture_output=True, timeout=60)

    def certificate(self, name: str) -> x509.Certificate:
        return x509.load_pem_x509_certificate((self.folder / f"{name}.pem").read_bytes())

    def prepare(self) -> Stamps:
        """Makes keys and certificates."""
        (self.folder / "config").write_text(CONFIG)
        (self.folder / "serial").write_text("0A")
        for name, section, issuer in (("root", "ca", ""), ("middle", "ca", "root"), ("stamper", "tsa", "middle")):
            self.run("genpkey", "-algorithm", *KEYS[self.kind], "-out", f"{name}.key")
            subject = ["-new", "-config", "config", "-key", f"{name}.key", "-subj", f"/O=Test/CN={name}"]
            self.run("req", *subject, "-out", f"{name}.csr")
            signer = ["-CA", f"{issuer}.pem", "-CAkey", f"{issuer}.key", "-CAcreateserial"]
            self.run(
                "x509", "-req", "-in", f"{name}.csr", "-out", f"{name}.pem", "-days", "30", "-extfile", "config",
                "-extensions", section, *(signer if issuer else ["-signkey", f"{name}.key"]),
            )  # fmt: skip
        return self

    def stamp(self, data: bytes, digest: str = "sha256", *options: str) -> bytes:
        """A TimeStampResp of `openssl ts` over `data`, with the intermediate inside."""
        (self.folder / "data").write_bytes(data)
        self.run("ts", "-query", "-data", "data", "-sha256", "-cert", "-out", "query")
        self.run(
            "ts", "-reply", "-config", "config", "-section", "stamp", "-queryfile", "query", "-signer", "stamper.pem",
            "-inkey", "stamper.key", "-chain", "middle.pem", f"-{digest}", "-out", "reply", *options,
        )  # fmt: skip
        return (self.folder / "reply").read_bytes()

    def sign(self, info: bytes, digest: str = "sha256", *options: str) -> bytes:
        """A token of `openssl cms` around a TSTInfo: for the keys and paddings that `openssl ts` cannot use."""
        (self.folder / "info").write_bytes(info)
        self.run(
            "cms", "-sign", "-binary", "-nodetach", "-cades", "-econtent_type", "1.2.840.113549.1.9.16.1.4", "-in",
            "info", "-signer", "stamper.pem", "-inkey", "stamper.key", "-certfile", "middle.pem", "-md", digest,
            "-outform", "DER", "-out", "token", *options,
        )  # fmt: skip
        return (self.folder / "token").read_bytes()
