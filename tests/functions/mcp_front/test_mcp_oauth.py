"""Tokens of OAuth at /mcp: who is let in, as whom, and what becomes of his token."""

from dataclasses import replace

import pytest

from gateway_core.domain.caller import Limits
from gateway_core.domain.oauth import ClaimNames, FirstRights
from tests.functions.mcp_front.conftest import MODERN, message, result_of
from tests.functions.mcp_front.oauth_world import LIST, OAuthWorld
from tests.functions.mcp_front.test_mcp_gate import refused
from tests.oauth_issuer import ISSUER, SUBJECT, policy_of

ASK = {"messages": [{"role": "user", "content": "hi"}]}
METADATA = "http://localhost/.well-known/oauth-protected-resource/mcp"


@pytest.fixture
def world():
    return OAuthWorld()


async def test_a_token_is_let_in_and_counts_for_its_user(world):
    """In the project that is configured, as the token's subject; what it costs is in the books."""
    token = world.issuer.token()
    assert {tool["name"] for tool in result_of(await world.as_bearer(token))["tools"]} >= {"complete", "embed"}
    result = await world.use("complete", token, **ASK)
    assert result["structuredContent"]["content"]
    (record,) = await world.world.records("alpha")
    assert (record.user_id, record.project_id) == (SUBJECT, "alpha")
    (key,) = await world.world.store.list_keys("alpha")
    assert (key.user_id, key.id, key.limits.rpm) == (SUBJECT, record.key_id, 100)


async def test_both_algorithms_are_taken(world):
    """RSA and elliptic curves, as issuers have them."""
    for kid in ("rsa", "ec"):
        assert (await world.as_bearer(world.issuer.token(kid))).status_code == 200


async def test_the_token_goes_nowhere(world):
    """Functions are told by the front who calls; no header, no argument and no line of the log has the token."""
    token = world.issuer.token()
    await world.use("complete", token, **ASK)
    await world.use("get_usage", token)
    await world.as_bearer(token[:-8] + "AAAAAAAA")
    assert len(world.invoker.asked) == 2
    for _function, request in world.invoker.asked:
        assert world.identity_of(request)
        assert "authorization" not in request.headers
        assert token.split(".")[2] not in repr(request) + request.body.decode()
        assert world.identity_of(request) not in repr(request)
    assert token.split(".")[1] not in world.world.log.getvalue()


async def test_keys_work_beside_tokens(world):
    """As without OAuth."""
    key = await world.world.key()
    for headers in ({"x_api_key": key}, {"authorization": f"Bearer {key}"}):
        assert (await world.send(LIST[1], **LIST[0], **headers)).status_code == 200


@pytest.mark.parametrize(
    "headers", [{"x_api_key": "gk_alpha_wrong"}, {"authorization": "Bearer gk_alpha_wrong"}, {"x_api_key": "sk-other"}]
)
async def test_a_wrong_key_says_that_it_is_wrong(world, headers):
    """At a 401 a client of OAuth would sign its user in, and send the same key again."""
    answer = await world.send(LIST[1], **LIST[0], **headers)
    assert "API key" in refused(answer, 403, "forbidden")["message"]
    assert "www-authenticate" not in answer.headers


async def test_nothing_at_all_is_401_and_says_where_a_token_is_to_be_had(world):
    """By RFC 9728, with the scope to ask for."""
    answer = await world.send(LIST[1], **LIST[0], x_api_key="")
    refused(answer, 401, "unauthenticated")
    said = answer.headers["www-authenticate"]
    assert said == f'Bearer resource_metadata="{METADATA}", scope="gateway:use"'


async def test_without_scopes_none_is_asked_for(world):
    """Neither in the challenge nor in the metadata, and a token needs none."""
    world.configure(policy_of(scopes=()))
    answer = await world.send(LIST[1], **LIST[0], x_api_key="")
    assert answer.headers["www-authenticate"] == f'Bearer resource_metadata="{METADATA}"'
    told = await world.send(b"", "GET", "/.well-known/oauth-protected-resource", x_api_key="")
    assert "scopes_supported" not in told.json()
    assert (await world.as_bearer(world.issuer.token(scope=None))).status_code == 200


async def test_a_token_that_is_not_good_is_401_and_says_so(world):
    """What is wrong is in header and body."""
    answer = await world.as_bearer(world.issuer.token(exp=1))
    text = refused(answer, 401, "unauthenticated")["message"]
    assert "expired" in text
    said = answer.headers["www-authenticate"]
    assert said.startswith(f'Bearer error="invalid_token", error_description="{text}", resource_metadata="{METADATA}"')


async def test_a_missing_scope_is_403_and_names_it(world):
    """A client can ask its user for more."""
    answer = await world.as_bearer(world.issuer.token(scope="openid"))
    assert "gateway:use" in refused(answer, 403, "forbidden")["message"]
    said = answer.headers["www-authenticate"]
    assert said.startswith('Bearer error="insufficient_scope"')
    assert said.endswith('scope="gateway:use"')


async def test_metadata_is_at_both_places(world):
    """Clients look below the path first, then at the root."""
    for path in ("/.well-known/oauth-protected-resource", "/.well-known/oauth-protected-resource/mcp"):
        answer = await world.send(b"", "GET", path, x_api_key="")
        assert answer.json() == {
            "resource": "http://localhost/mcp",
            "authorization_servers": [ISSUER],
            "scopes_supported": ["gateway:use"],
            "bearer_methods_supported": ["header"],
            "resource_name": "llm-gateway",
        }
        refused(await world.send(b"", "POST", path, x_api_key=""), 405, "method_not_allowed")


async def test_without_oauth_there_is_none_of_it(mcp):
    """No metadata, and no token is taken."""
    for path in ("/.well-known/oauth-protected-resource", "/.well-known/oauth-protected-resource/mcp"):
        refused(await mcp.send(b"", "GET", path), 404, "not_found")
    answer = await mcp.send(LIST[1], **LIST[0], authorization=f"Bearer {OAuthWorld().issuer.token()}")
    refused(answer, 401, "unauthenticated")
    assert answer.headers["www-authenticate"] == "Bearer"


async def test_a_client_that_would_be_registered_here_is_told_where(world):
    """Clients are the issuer's to know."""
    answer = await world.send(b"{}", path="/register", x_api_key="")
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_client_metadata")
    assert ISSUER in answer.json()["error_description"]


async def test_an_issuer_that_is_away_is_503(world):
    """And the same token is good when it is back."""
    token = world.issuer.token()
    world.issuer.away = True
    answer = await world.as_bearer(token)
    assert refused(answer, 503, "issuer_unavailable")["retryable"] is True
    assert answer.headers["retry-after"] == "5"
    assert "www-authenticate" not in answer.headers
    world.issuer.away = False
    world.world.clock.advance(6)
    assert (await world.as_bearer(token)).status_code == 200


async def test_a_project_that_is_not_allowed_is_403(world):
    """Signing in again would not help, so nobody is told to."""
    policy = policy_of(project=None, projects=frozenset({"alpha"}), claims=ClaimNames(project="team"))
    world.configure(policy)
    for changes in ({}, {"team": "beta"}, {"team": ["alpha"]}):
        answer = await world.as_bearer(world.issuer.token(**changes))
        assert "'team'" in refused(answer, 403, "forbidden")["message"]
        assert "www-authenticate" not in answer.headers
    assert (await world.as_bearer(world.issuer.token(team="alpha"))).status_code == 200


async def test_one_user_may_be_in_two_projects(world):
    """Each with limits of his own."""
    world.configure(policy_of(project=None, projects=frozenset({"alpha", "beta"}), claims=ClaimNames(project="team")))
    for team in ("alpha", "beta"):
        result = await world.use("complete", world.issuer.token(team=team), **ASK)
        assert not result.get("isError")
        assert len(await world.world.records(team)) == 1


async def test_limits_of_the_first_call_hold(world):
    """Money and requests, of this user and no other one."""
    world.configure(policy_of(first=FirstRights(limits=Limits(rpm=1))))
    token, other = world.issuer.token(), world.issuer.token(sub="auth0|bob")
    assert not (await world.use("complete", token, **ASK)).get("isError")
    assert "rate_limited" in (await world.use("complete", token, **ASK))["content"][0]["text"]
    assert not (await world.use("complete", other, **ASK)).get("isError")
    world.configure(policy_of(first=FirstRights(limits=Limits(day_nano=1))))
    poor = world.issuer.token(sub="auth0|poor")
    assert "budget_exceeded" in (await world.use("complete", poor, **ASK))["content"][0]["text"]


async def test_a_user_who_is_revoked_is_403_and_stays_so(world):
    """His tokens are good until they end; his record says that he is not."""
    token = world.issuer.token()
    await world.as_bearer(token)
    (record,) = await world.world.store.list_keys("alpha")
    assert await world.world.store.revoke_key(record.id, now_ms=1)
    world.world.clock.advance(31)
    for _ in range(2):
        answer = await world.as_bearer(token)
        assert "revoked" in refused(answer, 403, "forbidden")["message"]
    assert len(await world.world.store.list_keys("alpha")) == 1


async def test_a_token_narrows_what_its_user_may(world):
    """By the claims that are configured; what is left holds in the functions, too."""
    claims = ClaimNames(groups="g", tools="t")
    world.configure(policy_of(claims=claims, first=FirstRights(groups=("fast",))))
    token = world.issuer.token(g=["fast", "reasoning"], t=["complete", "get_usage"])
    listed = result_of(await world.as_bearer(token))["tools"]
    assert {tool["name"] for tool in listed} == {"complete", "get_usage"}
    assert not (await world.use("complete", token, model_group="fast", **ASK)).get("isError")
    assert "forbidden" in (await world.use("complete", token, model_group="reasoning", **ASK))["content"][0]["text"]
    assert "forbidden" in (await world.use("embed", token, input=["x"]))["content"][0]["text"]
    answer = await world.as_bearer(world.issuer.token(g=["reasoning"], t=["complete"]))
    assert "groups" in refused(answer, 403, "forbidden")["message"]


async def test_an_administrator_by_token_is_one_for_this_call_alone(world):
    """Only where a claim is named for it; the record does not say so."""
    plain = await world.use("get_usage", world.issuer.token(boss=True), group_by="project")
    assert "forbidden" in plain["content"][0]["text"]
    world.configure(policy_of(claims=ClaimNames(admin="boss")))
    assert not (await world.use("get_usage", world.issuer.token(boss=True), group_by="project")).get("isError")
    assert (await world.use("get_usage", world.issuer.token(), group_by="project"))["isError"]
    (record,) = await world.world.store.list_keys("alpha")
    assert record.admin is False


async def test_a_user_cannot_be_another_one(world):
    """The token says who he is, whatever the arguments do."""
    result = await world.use("complete", world.issuer.token(), user_id="bob", **ASK)
    assert "forbidden" in result["content"][0]["text"]


async def test_a_change_of_the_key_set_url_counts_at_once(world):
    """The keys of another place are asked for there."""
    await world.as_bearer(world.issuer.token())
    world.configure(replace(policy_of(), jwks_url="https://issuer.example/other"))
    assert (await world.as_bearer(world.issuer.token())).status_code == 200
    assert world.issuer.asked == [f"{ISSUER}jwks", f"{ISSUER}other"]


async def test_a_token_in_the_address_is_none(world):
    """It would be in logs of all who pass it on."""
    path = f"/mcp?access_token={world.issuer.token()}"
    refused(await world.send(LIST[1], path=path, x_api_key="", **LIST[0]), 401, "unauthenticated")


async def test_resources_are_read_in_the_users_name(world):
    """Not the tools alone."""
    asked = message("resources/read", MODERN, {"uri": "usage://today"})
    headers = {**asked[0], "mcp_name": "usage://today"}
    answer = await world.as_bearer(world.issuer.token(), (headers, asked[1]))
    assert answer.status_code == 200
    assert "contents" in result_of(answer)
