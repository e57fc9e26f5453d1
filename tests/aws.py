"""An AWS account behind HTTP: moto's SSM, Secrets Manager and EventBridge, for who calls them without boto3."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, override

REGION = "eu-central-1"
KEYS = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing", "AWS_SESSION_TOKEN": "token"}


@dataclass(frozen=True)
class AwsServer:
    """`url` is of all services; `environ` says so to whoever calls them."""

    url: str

    @property
    def environ(self) -> dict[str, str]:
        return {"AWS_ENDPOINT_URL": self.url, "AWS_REGION": REGION, **KEYS}

    def client(self, service: str) -> Any:
        """boto3's, to put things there."""
        return client_of(service)


@cache
def client_of(service: str) -> Any:
    """Made once: it takes a tenth of a second, and moto, where it runs, stands behind each client that there is."""
    import boto3  # noqa: PLC0415 - it takes half a second
    import moto  # noqa: F401, PLC0415 - before the client is made, or it does not stand there

    keys = {name.lower(): value for name, value in KEYS.items()}
    return boto3.client(service, region_name=REGION, **keys)


type Instead = Callable[[str, str, str], bytes | None]
"""Answers a request in moto's place, by its service, its path and its body; None for what moto answers."""


@contextmanager
def running_aws(instead: Instead = lambda _service, _path, _body: None) -> Iterator[AwsServer]:
    """On a free port of this machine, with nothing in it."""
    from moto import mock_aws  # noqa: PLC0415 - it takes a second

    with (
        mock_aws(config={"core": {"mock_credentials": False}}),
        ThreadingHTTPServer(
            ("127.0.0.1", 0), type("Handler", (_Handler,), {"instead": staticmethod(instead)})
        ) as server,
    ):
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield AwsServer(f"http://127.0.0.1:{server.server_address[1]}")
        finally:
            server.shutdown()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    """moto stands behind the library requests: there each call goes to where its signature says that it should."""

    protocol_version = "HTTP/1.1"

    instead: Instead

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        scope = re.search(r"Credential=[^/]+/\d{8}/([^/]+)/([^/]+)/aws4_request", self.headers["authorization"])
        assert scope is not None
        own = self.instead(scope[2], self.path, body.decode("utf-8", "replace"))
        status, answer = self._moto(f"https://{scope[2]}.{scope[1]}.amazonaws.com", body) if own is None else (200, own)
        self.send_response(status)
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    do_DELETE = do_GET = do_HEAD = do_PATCH = do_PUT = do_POST  # noqa: N815 - as http.server wants them named

    def _moto(self, host: str, body: bytes) -> tuple[int, bytes]:
        import requests  # noqa: PLC0415 - moto brings it

        headers = {name: value for name, value in self.headers.items() if name.lower() != "host"}
        answer = requests.request(self.command, f"{host}{self.path}", data=body, headers=headers, timeout=60)
        return answer.status_code, answer.content

    @override
    def log_message(self, format: str, *args: Any) -> None:
        pass
