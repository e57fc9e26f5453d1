"""Key sets over HTTP: the configured URL and nowhere else, within seconds, and not more than fits."""

import asyncio
import json
from collections.abc import AsyncIterator

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

from gateway_core.adapters.key_sets import MOST_BYTES, HttpKeySetSource
from gateway_core.domain.errors import IssuerUnavailable
from local.serving import serve
from tests.oauth_issuer import Issuer, issuer_app


async def test_a_key_set_is_fetched():
    """As it is there."""
    issuer = Issuer()
    with serve(issuer_app(issuer)) as url:
        assert json.loads(await HttpKeySetSource().fetch(f"{url}/jwks")) == issuer.key_set()


class Host:
    """Answers in many wrong ways, and notes who comes."""

    def __init__(self) -> None:
        self.paths: list[str] = []

    async def answer(self, request: Request) -> Response:
        self.paths.append(request.url.path)
        match request.url.path:
            case "/elsewhere":
                return RedirectResponse("/secret")
            case "/large":
                return PlainTextResponse("x" * (MOST_BYTES + 1))
            case "/packed":
                return PlainTextResponse("x", headers={"content-encoding": "gzip"})
            case "/endless":
                return StreamingResponse(_drops())
            case "/silent":
                while (await request.receive())["type"] != "http.disconnect":
                    pass
        return PlainTextResponse("away", 500)


async def _drops() -> AsyncIterator[bytes]:
    while True:  # until nobody listens any more
        yield b"x"
        await asyncio.sleep(0.01)


@pytest.mark.parametrize("path", ["/elsewhere", "/large", "/packed", "/endless", "/silent", "/broken"])
async def test_anything_else_is_told_as_away(path):
    """Within the deadline; a redirect is not followed."""
    host = Host()
    source = HttpKeySetSource(deadline_s=0.5) if path in {"/endless", "/silent"} else HttpKeySetSource()
    app = Starlette(routes=[Route("/{path:path}", host.answer)])
    with serve(app) as url, pytest.raises(IssuerUnavailable) as caught:
        await source.fetch(f"{url}{path}")
    assert set(host.paths) <= {path}
    assert caught.value.detail.startswith("oauth.jwks_url: ")
    assert caught.value.retry_after_s


async def test_nobody_there_is_told_as_away():
    """A port on which nothing listens."""
    with pytest.raises(IssuerUnavailable):
        await HttpKeySetSource().fetch("http://127.0.0.1:9/jwks")
