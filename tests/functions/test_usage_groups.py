"""What `/v1/usage` tells by key, provider and session, and the names that it takes."""

from datetime import UTC, datetime

import pytest

from gateway_core.api.usage_reports import MOST_RECORDS
from tests.functions.test_usage_route import HELLO, complete

CHAT = {"model": "reasoning", **HELLO}


async def rows(client, group_by, **query):
    answer = await client.get("/v1/usage", params={"group_by": group_by, **query})
    assert answer.status_code == 200, answer.text
    body = answer.json()
    column = {"provider": "provider"}.get(group_by, f"{group_by}_id")
    assert body["totals"]["requests"] >= sum(row["requests"] for row in body["rows"])
    return {row[column]: row["requests"] for row in body["rows"]}


async def test_by_provider(client):
    """Each provider has a row."""
    await complete(client)
    await complete(client, model="second")
    assert await rows(client, "provider") == {"first-provider": 1, "second-provider": 1}


async def test_by_key_and_of_a_key(client, world):
    """Keys are named by their ids, which a report takes as a filter."""
    await complete(client)
    other = {"authorization": f"Bearer {await world.key()}"}
    await client.post("/v1/complete", json=HELLO, headers=other)
    found = await rows(client, "key")
    assert sorted(found.values()) == [1, 1]
    key_id = next(iter(found))
    assert await rows(client, "key", key_id=key_id) == {key_id: 1}
    body = (await client.get("/v1/usage", params={"key_id": key_id})).json()
    assert (body["totals"]["requests"], len(body["rows"])) == (1, 1)


@pytest.mark.parametrize("header", ["x-session-id", "X-Claude-Code-Session-Id", "session-id"])
@pytest.mark.parametrize("path", ["/v1/complete", "/v1/chat/completions", "/v1/stream"])
async def test_by_session(client, header, path):
    """Whoever names a session has its sum; requests without one are in the totals."""
    body = CHAT if path == "/v1/chat/completions" else HELLO
    for session in ("one", "two", "one", ""):
        answer = await client.post(path, json=body, headers={header: session} if session else {})
        assert answer.status_code == 200, answer.text
    assert await rows(client, "session") == {"one": 2, "two": 1}


async def test_a_session_in_metadata_goes_first(client):
    """It is the request's own; a header may be the whole client's."""
    body = {**CHAT, "metadata": {"session_id": "mine"}}
    assert (await client.post("/v1/chat/completions", json=body, headers={"session-id": "x"})).status_code == 200
    assert await rows(client, "session") == {"mine": 1}


async def test_sessions_of_a_filter(client):
    """Records know everything, so every filter combines with sessions."""
    for agent, user in (("bot", "ada"), ("bot", "eve"), ("cat", "ada")):
        body = {**HELLO, "agent_id": agent, "user_id": user}
        await client.post("/v1/complete", json=body, headers={"x-session-id": f"{agent}-{user}"})
    assert await rows(client, "session", agent_id="bot", user_id="ada") == {"bot-ada": 1}
    assert await rows(client, "session", model="second") == {}


async def test_a_session_with_a_name_that_is_too_long_counts_under_its_digest(client):
    """A client made it up, and its user can do nothing about it."""
    await client.post("/v1/complete", json=HELLO, headers={"x-session-id": "s" * 129})
    (name,) = await rows(client, "session")
    assert (name[:2], len(name)) == ("s-", 34)


async def test_a_report_by_session_has_an_end(client, world):
    """More records than it adds up are a 422 that says what to do."""
    ticket = (await complete(client), (await world.records())[0])[1]
    day = f"{datetime.fromtimestamp(ticket.at_ms / 1000, UTC):%Y%m%d}"
    world.store._state.records["alpha", day] = [("00", ticket)] * (MOST_RECORDS + 1)
    answer = await client.get("/v1/usage", params={"group_by": "session"})
    assert (answer.status_code, answer.json()["error"]["param"]) == (422, "start_date")
    assert str(MOST_RECORDS) in answer.json()["error"]["message"]


@pytest.mark.parametrize("field", ["agent_id", "user_id"])
async def test_names_that_take_very_many_bytes_are_refused(client, field):
    """128 characters may be four times as many bytes, and the store keeps a name with all that is counted for it."""
    for path, body in (("/v1/complete", HELLO), ("/v1/chat/completions", CHAT)):
        wide = {field: "😀" * 33}
        sent = {**body, **wide} if path == "/v1/complete" else {**body, "metadata": wide}
        answer = await client.post(path, json=sent)
        error = answer.json()["error"]
        assert (answer.status_code, error["param"]) == (422, field)
        assert "128 bytes" in error["message"]
    await complete(client, **{field: "😀" * 32})


async def test_openais_user_is_counted_under_its_digest(client):
    """OpenAI sets no limit to it."""
    assert (await client.post("/v1/chat/completions", json={**CHAT, "user": "😀" * 33})).status_code == 200
    (name,) = await rows(client, "user")
    assert (name[:2], len(name)) == ("u-", 34)
