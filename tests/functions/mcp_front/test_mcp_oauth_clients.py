"""Clients with a provider of tokens, over real HTTP, also where `WWW-Authenticate` is renamed as by API Gateway."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import httpx
import httpx2
import pytest
from fastmcp import Client as FastClient
from fastmcp.client.transports import StreamableHttpTransport
from mcp.client.auth import OAuthClientProvider
from mcp.client.client import Client as OfficialClient
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import AuthorizationCodeResult, OAuthClientMetadata
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from local.serving import serve
from tests.functions.mcp_front.oauth_world import OAuthWorld
from tests.oauth_issuer import Issuer, issuer_app, policy_of
from tests.patience import patience
from tests.plain_http import NOBODY

RENAMED = b"x-amzn-remapped-www-authenticate"
HELLO = {"messages": [{"role": "user", "content": "hello there"}]}


class Late:
    """Serves an app that is only known once its address is."""

    def __init__(self) -> None:
        self.app: ASGIApp | None = None
        self.paths: list[str] = []
        self.statuses: list[int] = []
        self.renames = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or self.app is None:
            return
        self.paths.append(scope["path"])

        async def renamed(message: Message) -> None:
            if message["type"] == "http.response.start":
                self.statuses.append(message["status"])
                if self.renames:
                    pairs = message["headers"]
                    pairs = [(RENAMED if name == b"www-authenticate" else name, value) for name, value in pairs]
                    message = {**message, "headers": pairs}
            await send(message)

        await self.app(scope, receive, renamed)


class Site:
    """A gateway and an issuer that know each other's addresses."""

    def __init__(self, gateway: Late, url: str, issuer: Issuer) -> None:
        self.gateway, self.url, self.issuer = gateway, f"{url}/mcp", issuer
        issuer.audience = self.url
        self.world = OAuthWorld(issuer, policy_of(issuer, resource=self.url))
        gateway.app = self.world.app


@contextmanager
def site() -> Iterator[Site]:
    gateway, authority = Late(), Late()
    with serve(gateway) as url, serve(authority) as issuer_url:
        issuer = Issuer(issuer=issuer_url)
        authority.app = issuer_app(issuer)
        yield Site(gateway, url, issuer)


@pytest.fixture(params=[False, True], ids=["as it is", "renamed"])
def made(request) -> Iterator[Site]:
    """With the header, and as behind API Gateway's REST API."""
    with site() as made:
        made.gateway.renames = request.param
        yield made


class Browser:
    """A user who agrees to everything, and a storage that forgets nothing."""

    def __init__(self) -> None:
        self.visited = ""
        self.kept: dict[str, Any] = {}

    async def open(self, url: str) -> None:
        self.visited = url

    async def come_back(self) -> AuthorizationCodeResult:
        async with httpx.AsyncClient(trust_env=False, verify=NOBODY) as http:
            answer = await http.get(self.visited)
        query = httpx.URL(answer.headers["location"]).params
        return AuthorizationCodeResult(code=query["code"], state=query["state"], iss=query["iss"])

    async def get_tokens(self) -> Any:
        return self.kept.get("tokens")

    async def set_tokens(self, tokens: Any) -> None:
        self.kept["tokens"] = tokens

    async def get_client_info(self) -> Any:
        return self.kept.get("client")

    async def set_client_info(self, client_info: Any) -> None:
        self.kept["client"] = client_info


def provider_of(browser: Browser, url: str) -> OAuthClientProvider:
    about = OAuthClientMetadata(
        client_name="a test",
        redirect_uris=["http://localhost:1/callback"],
        grant_types=["authorization_code"],
        response_types=["code"],
        token_endpoint_auth_method="none",
    )
    return OAuthClientProvider(url, about, browser, browser.open, browser.come_back)


@asynccontextmanager
async def official(url: str, **http: Any) -> AsyncIterator[OfficialClient]:
    async with (
        httpx2.AsyncClient(timeout=patience(60), **http) as sent,
        OfficialClient(streamable_http_client(url, http_client=sent)) as client,
    ):
        yield client


async def test_the_official_client_finds_the_issuer_by_itself(made):
    """Signs its user in, and calls a tool in his name: by the header, and without it by the well-known path."""
    browser = Browser()
    async with official(made.url, auth=provider_of(browser, made.url)) as client:
        answer = await client.call_tool("complete", HELLO)
        assert [block.text for block in answer.content] == ["hello there"]
    assert "/.well-known/oauth-protected-resource/mcp" in made.gateway.paths
    assert "scope=gateway%3Ause" in browser.visited
    assert {record.user_id for record in await made.world.world.records()} == {"auth0|ann"}


async def test_fastmcps_client_does_so_too(made):
    """With the same provider."""
    transport = StreamableHttpTransport(made.url, auth=provider_of(Browser(), made.url))
    async with FastClient(transport) as client:
        answer = await client.call_tool("complete", HELLO)
        assert answer.structured_content["content"] == "hello there"


async def test_a_token_that_has_ended_is_renewed(made):
    """The client signs in again, and the user notices nothing."""
    browser = Browser()
    async with official(made.url, auth=provider_of(browser, made.url)) as client:
        await client.list_tools()
    first = browser.kept["tokens"].access_token
    made.world.world.clock.advance(3600)
    made.issuer.now_s += 3600
    async with official(made.url, auth=provider_of(browser, made.url)) as client:
        await client.list_tools()
    assert browser.kept["tokens"].access_token != first
    assert 401 in made.gateway.statuses


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        ("gk_alpha_wrong", "403"),
        ("expired", "401"),
        ("scope", "403"),
    ],
)
async def test_a_client_with_a_header_of_its_own_reads_a_refusal(made, sent, told):
    """A wrong key, an old token, a missing scope: the client says so and opens no page."""
    tokens = {"expired": made.issuer.token(exp=1), "scope": made.issuer.token(scope="openid")}
    headers = {"authorization": f"Bearer {tokens.get(sent, sent)}"}
    with pytest.raises(BaseException) as caught:  # noqa: PT011 - the SDK's groups of errors differ by era
        async with official(made.url, headers=headers) as client:
            await client.list_tools()
    assert told in repr(caught.value) + "".join(map(str, made.gateway.statuses))
    assert not any(path.startswith("/.well-known") for path in made.gateway.paths)


async def test_a_wrong_key_beside_a_provider_starts_no_sign_in():
    """The user reads that the key is wrong, and is not sent to a page that cannot help."""
    with site() as made:
        browser = Browser()
        async with httpx2.AsyncClient(auth=provider_of(browser, made.url), timeout=patience(60)) as http:
            key = {"x-api-key": "gk_alpha_wrong", "content-type": "application/json"}
            answer = await http.post(made.url, headers=key, content=b"{}")
        assert answer.status_code == 403
        assert "API key is unknown" in answer.json()["error"]["message"]
        assert browser.visited == ""
