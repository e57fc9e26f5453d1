"""An HTTP server on this machine that answers as it is told, and keeps what it was asked."""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, override


class Peer(ThreadingHTTPServer):
    """Answers with what it is told, in turn, then with the last again. An answer of None cuts the connection."""

    daemon_threads = True

    def __init__(self, *answers: tuple[int, bytes] | None) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers = list(answers)
        self.asked: list[tuple[str, Mapping[str, str], bytes]] = []
        self.connections = 0
        self.keeps = True
        self.scheme = "http"

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Peer

    @override
    def setup(self) -> None:
        super().setup()
        self.server.connections += 1

    @override
    def log_message(self, format: str, *args: Any) -> None:
        pass

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.asked.append((self.path, {k.lower(): v for k, v in self.headers.items()}, body))
        answer = self.server.answers.pop(0) if len(self.server.answers) > 1 else self.server.answers[0]
        if answer is None:
            self.close_connection = True
            return
        self.close_connection = not self.server.keeps  # as it is now: who has the answer may change it
        self.send_response(answer[0])
        self.send_header("content-length", str(len(answer[1])))
        self.end_headers()
        self.wfile.write(answer[1])

    def do_GET(self) -> None:
        self.server.asked.append((self.path, {k.lower(): v for k, v in self.headers.items()}, b""))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.server.answers[0][1])  # type: ignore[index]
        self.close_connection = True


@contextmanager
def peer(*answers: tuple[int, bytes] | None, tls: ssl.SSLContext | None = None) -> Iterator[Peer]:
    with Peer(*answers) as server:
        if tls:
            server.socket, server.scheme = tls.wrap_socket(server.socket, server_side=True), "https"
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
