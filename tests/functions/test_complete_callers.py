"""POST /v1/complete: who may ask, for whom it counts, and who is refused by a budget."""

import re

import pytest

from tests.functions.completions import HELLO, post


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": ""},
        {"authorization": "Bearer"},
        {"authorization": "Basic gk_alpha_0123456789"},
        {"authorization": "Bearer sk-somebody-elses"},
        {"authorization": "Bearer gk_alpha_wrongwrongwrong"},
        {"authorization": "Bearer gk_ALPHA_wrongwrongwrong"},
        {"authorization": "", "x-api-key": "gk_beta_wrongwrongwrong"},
        {"authorization": b"Bearer gk_alpha_\xe9\xe9\xe9"},
    ],
)
async def test_no_valid_key_is_401(client, world, headers):
    """Missing, malformed and unknown keys; the body is not even read."""
    answer = await post(client, b"{", headers=headers)
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "unauthenticated")
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.headers["x-should-retry"] == "false"
    assert world.provider.calls == []


async def test_a_key_may_come_in_x_api_key(client, world):
    """Both headers are served."""
    answer = await post(client, HELLO, headers={"authorization": "", "x-api-key": await world.key()})
    assert answer.status_code == 200


async def test_a_revoked_key_is_401(client, world):
    """At once, though the caller is cached."""
    key = await world.key()
    headers = {"authorization": f"Bearer {key}"}
    assert (await post(client, HELLO, headers=headers)).status_code == 200
    record = (await world.store.list_keys("alpha"))[-1]
    for listed in await world.store.list_keys("alpha"):
        await world.store.revoke_key(listed.id, now_ms=1)
    assert record.revoked_ms is None
    assert (await post(client, HELLO, headers=headers)).status_code == 401


async def test_a_foreign_project_is_403(client, world):
    """A key spends for its own project."""
    answer = await post(client, {**HELLO, "project_id": "beta"})
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["param"]) == (403, "forbidden", "project_id")
    assert world.provider.calls == []


async def test_an_admin_key_may_spend_for_any_project(client, world):
    """The record goes to the named project."""
    headers = {"authorization": f"Bearer {await world.key('ops', admin=True)}"}
    answer = await post(client, {**HELLO, "project_id": "beta"}, headers=headers)
    assert answer.status_code == 200
    assert [record.cost_nano for record in await world.records("beta")] == [9000]


async def test_a_key_without_the_tool_is_403(client, world):
    """Tools are an allow-list."""
    headers = {"authorization": f"Bearer {await world.key(tools=('embed',))}"}
    assert (await post(client, HELLO, headers=headers)).status_code == 403


async def test_budget_exceeded_is_402(client, world):
    """With the attempts that were skipped."""
    await world.budget(day_nano=1)
    answer = await post(client, HELLO)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], len(error["attempts"])) == (402, "budget_exceeded", 3)


async def test_a_refusal_names_the_limit_to_its_caller_and_to_the_operator(client, world):
    """Which of all limits it is, what is left of it, and whose key met it."""
    await world.budget(month_tokens=120, day_nano=10**12)
    error = (await post(client, HELLO)).json()["error"]
    assert re.fullmatch(
        r"The monthly budget of this project is 120 tokens, of which 120 tokens are left and 0 tokens are held, and "
        r"the request may take up to [0-9]{4} tokens. Set max_tokens to [0-9]{1,2}, which would fit, or raise it: "
        r"gateway budgets set --project ID.",
        error["message"],
    )
    fits = int(error["message"].partition("max_tokens to ")[2].partition(",")[0])
    assert (await post(client, {**HELLO, "max_tokens": fits + 1})).status_code == 402
    assert (await post(client, {**HELLO, "max_tokens": fits})).status_code == 200
    line = next(line for line in world.lines() if line["message"] == "request failed")
    assert line["detail"].startswith("scope=p:month_tokens limit=120 left=120 held=0 wanted=")
    assert (line["error.type"], line["project_id"]) == ("budget_exceeded", "alpha")
    assert line["key_id"].startswith("key_alpha_")


async def test_a_request_of_nobody_fails_without_a_name(client, world):
    """A key that is not known belongs to no project."""
    await post(client, HELLO, headers={"authorization": "Bearer gk_alpha_nobody"})
    (line,) = [line for line in world.lines() if line["message"] == "request failed"]
    assert (line["error.type"], "project_id" in line, "key_id" in line) == ("unauthenticated", False, False)
