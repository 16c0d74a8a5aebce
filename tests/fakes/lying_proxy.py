"""A proxy in front of a real ledger that changes what comes back: what a dishonest operator can do to a reader."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self

import httpx


@dataclass(frozen=True)
class Answer:
    """What the real server answers to a path with its query, or what goes to the reader instead."""

    body: bytes
    media: str = "application/json"
    status: int = 200


Lie = Callable[[str, Answer], Answer]


def honest(path: str, answer: Answer) -> Answer:
    """No lie at all."""
    return answer


class LyingProxy:
    """Forwards every request to `upstream`, and hands the answer through `lie`. A context manager; stands at `url`.

    `paths`: the paths that were asked for, in their order.
    """

    def __init__(self, upstream: str) -> None:
        self.lie: Lie = honest
        self.paths: list[str] = []
        outer = self
        client = self._client = httpx.Client(timeout=30, trust_env=False)

        class Handler(BaseHTTPRequestHandler):
            def respond(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                kept = {name: value for name, value in self.headers.items() if name.lower() in _FORWARDED}
                real = client.request(self.command, upstream + self.path, headers=kept, content=body)
                outer.paths.append(self.path)
                media = real.headers.get("Content-Type", "application/octet-stream")
                told = outer.lie(self.path, Answer(real.content, media, real.status_code))
                self.send_response(told.status)
                self.send_header("Content-Type", told.media)
                self.send_header("Content-Length", str(len(told.body)))
                self.end_headers()
                self.wfile.write(told.body)

            do_GET = do_POST = respond

            def log_message(self, format: str, *args: object) -> None:
                """Nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        self._client.close()


_FORWARDED = frozenset({"authorization", "content-type", "accept", "accept-encoding"})
