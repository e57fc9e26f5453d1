"""An AWS account behind HTTP: moto's SSM, Secrets Manager and EventBridge, for who calls them without boto3."""

from __future__ import annotations

import re
from collections.abc import Iterator
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
        return _client(service)


@cache
def _client(service: str) -> Any:
    """Made once: it takes a tenth of a second, and moto stands behind each client that there is."""
    import boto3  # noqa: PLC0415 - it takes half a second

    keys = {name.lower(): value for name, value in KEYS.items()}
    return boto3.client(service, region_name=REGION, **keys)


@contextmanager
def running_aws() -> Iterator[AwsServer]:
    """On a free port of this machine, with nothing in it."""
    from moto import mock_aws  # noqa: PLC0415 - it takes a second

    with (
        mock_aws(config={"core": {"mock_credentials": False}}),
        ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as server,
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

    def do_POST(self) -> None:
        import requests  # noqa: PLC0415 - moto brings it

        body = self.rfile.read(int(self.headers["content-length"]))
        scope = re.search(r"Credential=[^/]+/\d{8}/([^/]+)/([^/]+)/aws4_request", self.headers["authorization"])
        assert scope is not None
        headers = {name: value for name, value in self.headers.items() if name.lower() != "host"}
        url = f"https://{scope[2]}.{scope[1]}.amazonaws.com/"
        answer = requests.post(url, data=body, headers=headers, timeout=60)
        self.send_response(answer.status_code)
        self.send_header("content-length", str(len(answer.content)))
        self.end_headers()
        self.wfile.write(answer.content)

    @override
    def log_message(self, format: str, *args: Any) -> None:
        pass
