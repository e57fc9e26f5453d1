"""Requests of the gateway's HTTP client, and answers to them as bytes."""

from __future__ import annotations

from gateway_core.http1 import (
    Limits,
    Pool,
    Request,
    Template,
    Url,
)

OK = b"HTTP/1.1 200 OK\r\n"
HELLO = OK + b"content-length: 5\r\n\r\nhello"
CHUNKED = OK + b"transfer-encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n"
PATIENT = Limits(connect_s=30, idle_s=1000)


class Wall:
    """The clock on the wall, which obeys."""

    now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


async def post(pool: Pool, url: str, content: bytes = b"{}") -> bytes:
    """The whole body of the answer."""
    response = await pool.send(Request("POST", Url.parse(url), {"x-a": "b"}, content))
    body = b""
    try:
        while piece := await response.read():
            body += piece
    finally:
        response.close()
    return body


async def fetch(pool: Pool, url: str, *, answer_s: float = 30, most_bytes: int = 1000) -> bytes:
    return (await pool.fetch(Template(Url.parse(url), {}), b"{}", answer_s=answer_s, most_bytes=most_bytes)).body
