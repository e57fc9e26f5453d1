"""Adds a key to each request: the conformance suite cannot send headers of its own."""

from __future__ import annotations

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from tests.patience import patience

_HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "date", "server"}
_METHODS = ["GET", "POST", "DELETE", "OPTIONS", "PUT"]


def with_key(url: str, key: str) -> Starlette:
    """An app that forwards everything to `url`, Host and Origin unchanged, and streams answers back."""
    client = httpx.AsyncClient(base_url=url, timeout=patience(60))

    async def forward(request: Request) -> Response:
        headers = [(name, value) for name, value in request.headers.raw if name.decode() not in _HOP_BY_HOP]
        body = await request.body()
        sent = client.build_request(
            request.method, request.url.path, content=body, headers=[*headers, (b"x-api-key", key.encode())]
        )
        answer = await client.send(sent, stream=True)
        kept = {name: value for name, value in answer.headers.items() if name not in _HOP_BY_HOP}
        return StreamingResponse(answer.aiter_raw(), answer.status_code, kept)

    return Starlette(routes=[Route("/{path:path}", forward, methods=_METHODS)])
