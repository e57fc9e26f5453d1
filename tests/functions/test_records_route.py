"""/v1/usage/records: those of a day that match, those that are new, and the one of a request."""

import pytest

from gateway_core.domain.provider_errors import ProviderUnavailable
from gateway_core.domain.request_ids import new_request_id

HELLO = {"messages": [{"role": "user", "content": "one two three"}]}
RECORDS = "/v1/usage/records"


async def complete(client, status=200, **fields):
    answer = await client.post("/v1/complete", json={**HELLO, **fields})
    assert answer.status_code == status
    return answer.headers["x-gateway-request-id"]


async def records(client, headers=None, **query):
    answer = await client.get(RECORDS, params=query, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def ids(client, headers=None, **query):
    return [record["request_id"] for record in (await records(client, headers, **query))["records"]]


async def headers_of(world, **rights):
    return {"authorization": f"Bearer {await world.key(**rights)}"}


def broken(_call):
    raise ProviderUnavailable("The provider failed.")


async def test_a_day_is_looked_through_by_what_records_say(client, world):
    """Each page says how far it has looked, whether or not anything matched."""
    bot = await complete(client, agent_id="bot", user_id="ada")
    world.behave["second"] = broken
    failed = await complete(client, status=502, model="second", agent_id="cat")
    (record,) = (await records(client, agent_id="bot"))["records"]
    for query, wanted in (
        ({"agent_id": "bot"}, [bot]),
        ({"user_id": "ada", "model": "first"}, [bot]),
        ({"key_id": record["key_id"]}, [bot, failed]),
        ({"error": "any"}, [failed]),
        ({"error": "provider_error", "model": "second"}, [failed]),
        ({"error": "rate_limited"}, []),
        ({"request_id": bot}, [bot]),
        ({"session_id": "s"}, []),
    ):
        assert await ids(client, **query) == wanted, query
    page = await records(client, error="any", limit=1)
    assert (page["records"], page["looked_at"], page["looked_up_to"]) == ([], 1, record["at"])
    assert [
        found["request_id"] for found in (await records(client, error="any", cursor=page["next_cursor"]))["records"]
    ]
    assert (await records(client, date="2026-11-19"))["looked_up_to"] is None


async def test_new_records_come_behind_a_cursor(client):
    """Once each; the first cursor is that of the latest."""
    first = await complete(client)
    seen = await records(client, after="latest")
    assert ([record["request_id"] for record in seen["records"]], seen["more"]) == ([first], False)
    assert (await records(client, after=seen["after"]))["records"] == []
    second, third = await complete(client, agent_id="bot"), await complete(client)
    part = await records(client, after=seen["after"], limit=1)
    assert ([record["request_id"] for record in part["records"]], part["more"]) == ([second], True)
    assert await ids(client, after=part["after"]) == [third]
    assert await ids(client, after="2026-11-20T16:00:00Z", agent_id="bot") == [second]
    assert await ids(client, after="latest", limit=1) == [third]


async def test_an_id_leads_to_its_record(client, world):
    """With what was tried, in order, without a look at anything else of the day."""
    world.behave["first"] = broken
    wanted = await complete(client)
    await complete(client)
    found = (await client.get(f"{RECORDS}/{wanted}")).json()
    (record,) = found["records"]
    assert found["request_id"] == record["request_id"] == wanted
    assert [(one["model"], one["outcome"], one["error_code"]) for one in record["tried"]] == [
        ("first", "failed", "provider_error"),
        ("second", "ok", None),
    ]
    assert record["attempts"] == 2


async def test_a_batchs_id_leads_to_its_questions(client):
    """Each has an id of its own as well."""
    questions = [{"index": index, "question": "Hello?", "model": "first"} for index in (1, 2)]
    batch = (await client.post("/ask", json={"questions": questions})).json()["request_id"]
    for asked, count in ((batch, 2), (f"{batch}-1", 1)):
        assert len((await client.get(f"{RECORDS}/{asked}")).json()["records"]) == count


async def test_a_page_ends_before_a_busy_hour_does(client, world, monkeypatch):
    """It is read in several, but not on and on: an answer says how far it has looked, and where to go on."""
    monkeypatch.setattr("gateway_core.api.request_records.TRIP", 1)
    monkeypatch.setattr("gateway_core.api.request_records.MOST_TRIPS", 20)
    wanted = [await complete(client) for _ in range(3)]
    assert (await client.get(f"{RECORDS}/{wanted[2]}")).status_code == 200
    missing = new_request_id(world.clock.now_ms())
    assert (await client.get(f"{RECORDS}/{missing}")).status_code == 404
    world.clock.advance(4000)
    await complete(client)
    monkeypatch.setattr("gateway_core.api.request_records.MOST_TRIPS", 2)
    path, cursors, seen = f"{RECORDS}/{wanted[2]}", [""], []
    while cursors[-1] is not None:
        page = (await client.get(path, params={"cursor": cursors[-1]})).json()
        assert page["looked_at"] <= 2
        seen += [record["request_id"] for record in page["records"]]
        cursors.append(page["next_cursor"])
    assert seen == [wanted[2]]
    first = (await client.get(f"{RECORDS}/{missing}")).json()
    assert (first["records"], first["looked_at"]) == ([], 2)
    assert first["looked_up_to"] == "2026-11-20T16:00:00.000Z"
    assert first["next_cursor"]


@pytest.mark.parametrize("cursor", ["9.1", "1", "x", "0.1-", "0.999999999999999", "-1.0", "0.1-1-1"])
async def test_a_made_up_cursor_is_refused(client, world, cursor):
    """With the field: the store is not asked for what it could not take."""
    missing = new_request_id(world.clock.now_ms())
    answer = await client.get(f"{RECORDS}/{missing}", params={"cursor": cursor})
    assert (answer.status_code, answer.json()["error"]["param"]) == (422, "cursor")


async def test_nobody_sees_what_is_not_theirs(client, world):
    """Another user's requests, another project's, or any by an id that leads nowhere."""
    adas = await complete(client, user_id="ada")
    ada, bob = [await headers_of(world, user_id=name) for name in ("ada", "bob")]
    other, admin = await headers_of(world, project="beta"), await headers_of(world, project="ops", admin=True)
    for headers, project, status in (
        (ada, "", 200), (bob, "", 404), (other, "", 404), (other, "alpha", 403), (admin, "alpha", 200),
    ):  # fmt: skip
        query = {"project_id": project} if project else {}
        assert (await client.get(f"{RECORDS}/{adas}", params=query, headers=headers)).status_code == status
    for query in ({}, {"after": "latest"}, {"error": "any"}):
        assert await ids(client, bob, **query) == []
    assert await ids(client, ada, after="latest") == [adas]
    assert (await client.get(RECORDS, params={"user_id": "ada"}, headers=bob)).status_code == 403


@pytest.mark.parametrize("name", ["req_" + "f" * 32, "req_1", "anything"])
async def test_an_id_that_leads_nowhere_is_404(client, name):
    """It says which other way there is."""
    answer = await client.get(f"{RECORDS}/{name}")
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["param"]) == (404, "unknown_request", "request_id")
    assert "request_id and date" in error["message"]


async def test_a_place_that_is_none_is_refused(client):
    """With the field."""
    answer = await client.get(RECORDS, params={"after": "yesterday"})
    assert (answer.status_code, answer.json()["error"]["param"]) == (422, "after")


async def test_what_cannot_be_read_is_told(client, world, monkeypatch):
    """Of new records, too: to the caller by number, to the operator by a line."""
    await complete(client)
    read = world.store.hour_records

    async def unreadable(*args, **kwargs):
        from dataclasses import replace  # noqa: PLC0415

        return [replace(hour, unreadable=1) for hour in await read(*args, **kwargs)]

    monkeypatch.setattr(world.store, "hour_records", unreadable)
    assert (await records(client, after="latest"))["unreadable"] == 2
    assert [line["message"] for line in world.lines() if "unreadable" in line["message"]]
