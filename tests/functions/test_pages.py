"""Web pages that call the HTTP API: the browser asks first, and lets a page read what it is told to."""

import pytest

PAGE = "http://localhost:3000"
KEY_AND_MORE = "authorization,content-type,x-stainless-lang,anthropic-dangerous-direct-browser-access"


def asks(origin, method="POST", headers=KEY_AND_MORE):
    """A preflight's headers; it has no key."""
    named = {"origin": origin, "access-control-request-method": method, "access-control-request-headers": headers}
    return {**named, "authorization": ""}


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/v1/chat/completions"), ("POST", "/v1/stream"), ("GET", "/v1/models"), ("DELETE", "/ask/job_a_1")],
)
async def test_a_page_of_this_machine_may_call(client, method, path):
    """On any route, with whatever header an SDK has; errors can be read as well."""
    preflight = await client.options(path, headers=asks(PAGE, method))
    assert (preflight.status_code, preflight.headers["access-control-allow-origin"]) == (200, PAGE)
    assert preflight.headers["access-control-allow-headers"] == KEY_AND_MORE
    assert method in preflight.headers["access-control-allow-methods"]
    refused = await client.request(method, path, headers={"origin": PAGE, "authorization": "Bearer gk_alpha_no"})
    assert (refused.status_code, refused.headers["access-control-allow-origin"]) == (401, PAGE)
    assert "x-request-id" in refused.headers["access-control-expose-headers"]


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://localhost.evil.example"])
async def test_another_page_may_not(client, origin):
    """Its browser sends nothing, or keeps the answer from it."""
    preflight = await client.options("/v1/models", headers=asks(origin))
    assert preflight.status_code == 400
    assert "access-control-allow-origin" not in preflight.headers
    answer = await client.get("/v1/models", headers={"origin": origin})
    assert "access-control-allow-origin" not in answer.headers


async def test_a_program_sees_nothing_of_it(client):
    """It sends no origin."""
    answer = await client.get("/v1/models")
    assert answer.status_code == 200
    assert not [name for name in answer.headers if name.startswith("access-control") or name == "vary"]
    assert (await client.options("/v1/models")).status_code == 405
