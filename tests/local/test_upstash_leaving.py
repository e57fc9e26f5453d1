"""A client that leaves the stand-in: nothing is raised, so that no server prints a trace."""

from __future__ import annotations

from typing import Any

import pytest

from local.upstash.app import create_app

HEADERS = [(b"authorization", b"Bearer t"), (b"host", b"127.0.0.1")]


@pytest.mark.parametrize("path", ["/", "/pipeline", "/multi-exec", "/set/a"])
@pytest.mark.parametrize("parts", [[], [b"["], [b'["PING"', b', "x']])
async def test_before_its_request_is_whole(valkey, path, parts):
    """Nothing runs, and nobody is answered."""
    app = create_app(redis_port=valkey.port, token="t")
    coming: list[Any] = [{"type": "http.request", "body": part, "more_body": True} for part in parts]
    coming.append({"type": "http.disconnect"})
    sent: list[Any] = []

    async def receive() -> Any:
        return coming.pop(0)

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": HEADERS,
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 1),
    }
    await app(scope, receive, send)
    assert (sent, coming) == ([], [])
