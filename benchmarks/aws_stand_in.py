"""SSM and EventBridge over HTTPS, as far as a function's start and first answer go, with certificates of their own."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, override

import certifi

from tests.contract.raw_server import certificates

PATH = "/llm-gateway"


@contextmanager
def running_aws(folder: Path, parameters: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """Serve SSM with `parameters` below PATH, and a bus of events; gives the variables that say so.

    The certificates to trust are all the world's and one more: to read them is a part of a start.
    """
    made = certificates(folder)
    (bundle := folder / "bundle.pem").write_text(Path(certifi.where()).read_text() + made.trusted.read_text())
    with _Server(("127.0.0.1", 0), _Handler) as server:
        server.parameters = {f"{PATH}/{name}": value for name, value in parameters.items()}
        server.socket = made.server.wrap_socket(server.socket, server_side=True)
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        url = f"https://127.0.0.1:{server.server_address[1]}"
        try:
            yield {
                "AWS_ENDPOINT_URL_SSM": url,
                "AWS_ENDPOINT_URL_EVENTBRIDGE": url,
                "AWS_CA_BUNDLE": str(bundle),
                "SSL_CERT_FILE": str(bundle),
            }
        finally:
            server.shutdown()
            thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    parameters: Mapping[str, str]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        target = self.headers["x-amz-target"]
        answer = self._parameters(asked) if target.endswith("ByPath") else self._events(asked)
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("content-type", "application/x-amz-json-1.1")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _parameters(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        below = {n: v for n, v in self.server.parameters.items() if n.startswith(asked["Path"] + "/")}
        kind = {"Type": "SecureString", "Version": 1}
        return {"Parameters": [{"Name": name, "Value": value, **kind} for name, value in below.items()]}

    def _events(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        return {"FailedEntryCount": 0, "Entries": [{"EventId": str(n)} for n, _ in enumerate(asked["Entries"])]}

    @override
    def log_message(self, format: str, *args: Any) -> None:
        pass
