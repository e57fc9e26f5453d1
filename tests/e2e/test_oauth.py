"""`make run` with an issuer: its tokens are taken at /mcp, by the real functions, store and HTTP."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator

import httpx
import pytest

from local.serving import serve
from tests.e2e.conftest import KEY, UNHURRIED, Stack, fork, stop
from tests.oauth_issuer import Issuer, issuer_app
from tests.patience import patience

pytestmark = pytest.mark.xdist_group("e2e")

MODERN = "2025-11-25"
ASK = {"messages": [{"role": "user", "content": "Hello"}], "model_group": "fast"}


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    made = Issuer(now_s=int(time.time()), audience="https://gateway.example.com/mcp")
    with serve(issuer_app(made)) as url:
        made.issuer = url
        yield made


@pytest.fixture
def stack(issuer, providers_url, tmp_path) -> Iterator[Stack]:
    document = tmp_path / "oauth.yaml"
    document.write_text(
        f"oauth:\n  issuer: {issuer.issuer}\n  resource: {issuer.audience}\n  jwks_url: {issuer.issuer}/jwks\n"
        "  scopes: [gateway:use]\n  project: team\n  first: {rpm: 50, day_usd: 5}\n"
    )
    named = f"{document},{UNHURRIED['GATEWAY_CONFIG']}"
    running = fork(GATEWAY_CONFIG=named, GATEWAY_DEV_KEY=KEY)
    yield running
    assert stop(running) == 0


@pytest.fixture
def mcp(stack):
    """Calls a method of MCP with this header."""

    def call(token: str, tool: str = "", **arguments: object) -> httpx.Response:
        method = "tools/call" if tool else "tools/list"
        params = {"name": tool, "arguments": arguments} if tool else {}
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        headers = {
            "authorization": f"Bearer {token}",
            "accept": "application/json, text/event-stream",
            "mcp-protocol-version": MODERN,
        }
        url = f"{stack.urls['Gateway']}/mcp"
        return httpx.post(url, json=body, headers=headers, timeout=patience(60), trust_env=False)

    return call


def result_of(answer):
    assert answer.status_code == 200, answer.text
    return json.loads(answer.text.rpartition("data: ")[2])["result"]


def test_a_token_is_taken_by_every_kind_of_function(stack, issuer, mcp):
    """Whole, streamed, a job, a report: in the name of its user, whose record an operator can see."""
    token = issuer.token()
    for tool, arguments in (
        ("complete", ASK),
        ("stream_complete", ASK),
        ("list_models", {}),
        ("health_check", {}),
        ("count_tokens", {"text": "one", "model": "fast"}),
    ):
        assert not result_of(mcp(token, tool, **arguments)).get("isError"), tool
    questions = [{"index": 1, "question": "Hello", "model": "fast"}]
    job = result_of(mcp(token, "litellm_batch_ask", questions=questions, mode="job"))["structuredContent"]["id"]
    assert job.startswith("job_team_")
    until = time.monotonic() + patience(60)
    while (told := result_of(mcp(token, "batch_status", id=job))["structuredContent"])["state"] != "succeeded":
        assert time.monotonic() < until, told
    usage = result_of(mcp(token, "get_usage", group_by="user"))["structuredContent"]
    assert {row["user_id"] for row in usage["rows"]} == {"auth0|ann"}
    url, head = f"{stack.urls['Gateway']}/admin/keys", {"authorization": f"Bearer {KEY}"}
    listed = httpx.get(url, params={"project_id": "team"}, headers=head, trust_env=False, timeout=patience(60))
    (record,) = listed.json()["keys"]
    assert (record["user_id"], record["issuer"], record["rpm"]) == ("auth0|ann", issuer.issuer, 50)


def test_what_is_refused_and_what_is_told(stack, issuer, mcp):
    """At /mcp alone tokens are taken; nobody can vouch for himself; nothing of a token is in the log."""
    token = issuer.token()
    assert mcp(issuer.token(exp=1)).status_code == 401
    assert mcp(issuer.token(scope="openid")).status_code == 403
    assert mcp("gk_team_wrong").status_code == 403
    found = httpx.get(f"{stack.urls['Gateway']}/.well-known/oauth-protected-resource/mcp", trust_env=False)
    assert found.json()["authorization_servers"] == [issuer.issuer]
    assert found.json()["resource"] == issuer.audience
    for headers in ({"authorization": f"Bearer {token}"}, {"gatewayidentity": "x.y"}):
        url = f"{stack.urls['Gateway']}/v1/complete"
        assert httpx.post(url, json=ASK, headers=headers, trust_env=False).status_code == 401
    result_of(mcp(token))
    assert re.search(r"eyJ|gatewayIdentity", stack.text) is None
