"""Both generations of MCP's SDK for TypeScript where tokens are taken, also where the challenge's header is renamed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.functions.mcp_front.test_mcp_oauth_clients import Site, site

pytestmark = [pytest.mark.xdist_group("clients"), pytest.mark.timeout(300)]

GENERATIONS = pytest.mark.parametrize("generation", ["v1", "v2"])
READABLE = {
    "wrong key": "The API key is unknown or revoked.",
    "expired": "The token has expired.",
    "missing scope": "gateway:use",
}
"""By what is sent: what the error says that the SDK throws."""


@pytest.fixture(params=[False, pytest.param(True, marks=pytest.mark.long)], ids=["as it is", "renamed"])
def made(request) -> Iterator[Site]:
    """A gateway with an issuer; with the header, and as behind API Gateway's REST API."""
    with site() as made:
        made.gateway.renames = request.param
        yield made


@pytest.fixture
def run(run_node, made):
    """What the script tells, of this gateway and with this header."""

    def run(generation, how, key=""):
        return run_node("mcp_oauth.mjs", generation, how, key=key, GATEWAY_URL=made.url.removesuffix("/mcp"))

    return run


@GENERATIONS
async def test_a_key_and_a_token_are_taken(run, made, generation):
    """In the same header."""
    for key in (await made.world.world.key(), made.issuer.token()):
        assert run(generation, "header", key)["result"] == {"text": "hello there"}


@GENERATIONS
@pytest.mark.parametrize("sent", READABLE)
def test_a_refusal_can_be_read(run, made, generation, sent):
    """It says what is wrong, and no page is opened."""
    tokens = {"expired": made.issuer.token(exp=1), "missing scope": made.issuer.token(scope="openid")}
    error = run(generation, "header", tokens.get(sent, "gk_alpha_wrong"))["error"]
    assert READABLE[sent] in error["message"]
    assert not any(path.startswith("/.well-known") for path in made.gateway.paths)


@GENERATIONS
def test_a_user_signs_in(run, made, generation):
    """The SDK finds the issuer, asks for the scope and for this gateway, and comes back with a token."""
    told = run(generation, "signin")["result"]
    assert told["text"] == "hello there"
    assert "scope=gateway%3Ause" in told["visited"]
    assert "resource=http" in told["visited"]
    assert "/.well-known/oauth-protected-resource/mcp" in made.gateway.paths
