"""GET /v1/usage, /v1/usage/records and /v1/budgets."""

import pytest

from gateway_core.store.messages import BreakerPolicy, Candidate, Terms, Ticket
from tests.contract.desk import record_of, settled

HELLO = {"messages": [{"role": "user", "content": "one two three"}]}
TOTALS = {"requests": 2, "errors": 0, "cache_hits": 0, "input_tokens": 6, "output_tokens": 6, "cost_usd": "0.000018"}
NO_ESTIMATE = {
    "estimated_usd": "0",
    "cost_per_success_usd": "0.000009",
    "latency_ms": {"average": 0, "p50": 100, "p95": 100},
}


async def complete(client, **fields):
    answer = await client.post("/v1/complete", json={**HELLO, **fields})
    assert answer.status_code == 200


async def test_the_report_has_what_was_used(client):
    """Tokens and cost of the calls made, by agent."""
    await complete(client, agent_id="bot")
    await complete(client, agent_id="cat", model="second")
    body = (await client.get("/v1/usage", params={"group_by": "agent"})).json()
    half = {"requests": 1, "errors": 0, "cache_hits": 0, "input_tokens": 3, "output_tokens": 3, "cost_usd": "0.000009"}
    half |= NO_ESTIMATE
    assert body == {
        "start_date": "2026-10-22",
        "end_date": "2026-11-20",
        "group_by": "agent",
        "totals": TOTALS | NO_ESTIMATE,
        "rows": [{"agent_id": "bot", **half}, {"agent_id": "cat", **half}],
    }


async def test_filters_and_dates(client):
    """A model by any of its names, one day."""
    await complete(client, agent_id="bot")
    await complete(client, agent_id="bot", model="second")
    query = {"model": "second", "start_date": "2026-11-20", "end_date": "2026-11-20"}
    body = (await client.get("/v1/usage", params=query)).json()
    assert [row["day"] for row in body["rows"]] == ["2026-11-20"]
    assert body["totals"]["requests"] == 1
    assert (await client.get("/v1/usage", params={"end_date": "2026-11-19"})).json()["totals"]["requests"] == 0


@pytest.mark.parametrize(
    ("query", "status", "param"),
    [
        ({"project_id": "beta"}, 403, "project_id"),
        ({"group_by": "project"}, 403, "group_by"),
        ({"group_by": "planet"}, 422, "group_by"),
        ({"start_date": "yesterday"}, 422, "start_date"),
        ({"end_date": "0"}, 422, "end_date"),
        ({"start_date": "2026-11-20", "end_date": "2026-11-19"}, 422, "start_date"),
        ({"agent_id": "a", "user_id": "b"}, 422, "user_id"),
        ({"model": "nope"}, 404, "model"),
        ({"since": "2026"}, 422, "since"),
    ],
)
async def test_what_is_refused(client, query, status, param):
    """With the field that is at fault."""
    answer = await client.get("/v1/usage", params=query)
    assert (answer.status_code, answer.json()["error"]["param"]) == (status, param)


async def test_an_admin_sees_all_projects(client, world):
    """Grouped by project, or one of them."""
    await complete(client)
    admin = {"authorization": f"Bearer {await world.key('ops', admin=True)}"}
    await client.post("/v1/complete", json={**HELLO, "project_id": "beta"}, headers=admin)
    rows = (await client.get("/v1/usage", params={"group_by": "project"}, headers=admin)).json()["rows"]
    assert [row["project_id"] for row in rows] == ["alpha", "beta"]
    query = {"group_by": "project", "project_id": "beta"}
    body = (await client.get("/v1/usage", params=query, headers=admin)).json()
    assert (len(body["rows"]), body["totals"]["requests"]) == (1, 1)
    other = (await client.get("/v1/usage", params={"project_id": "alpha"}, headers=admin)).json()
    assert other["totals"]["requests"] == 1


async def test_a_users_key_sees_the_users_numbers(client, world):
    """Not those of the project."""
    await complete(client)
    mine = {"authorization": f"Bearer {await world.key(user_id='ada')}"}
    await client.post("/v1/complete", json=HELLO, headers=mine)
    assert (await client.get("/v1/usage", headers=mine)).json()["totals"]["requests"] == 1
    assert (await client.get("/v1/usage")).json()["totals"]["requests"] == 2
    assert len((await client.get("/v1/usage/records", headers=mine)).json()["records"]) == 1


async def test_single_records_come_in_pages(client):
    """Oldest first, with a cursor until there are no more."""
    for agent in ("a", "b", "c"):
        await complete(client, agent_id=agent)
    first = (await client.get("/v1/usage/records", params={"limit": 2})).json()
    rest = (await client.get("/v1/usage/records", params={"limit": 2, "cursor": first["next_cursor"]})).json()
    seen = [*first["records"], *rest["records"]]
    assert [record["agent_id"] for record in seen] == ["a", "b", "c"]
    assert (first["date"], rest["next_cursor"]) == ("2026-11-20", None)
    assert (seen[0]["cost_usd"], seen[0]["model"], seen[0]["input_includes_cached"]) == ("0.000009", "first", True)
    assert "input_nano" not in seen[0]
    assert (seen[0]["estimated_usd"], "estimated_nano" in seen[0]) == ("0", False)


async def test_records_of_another_day_or_project(client):
    """An empty day is an empty page; a foreign project is 403."""
    await complete(client)
    assert (await client.get("/v1/usage/records", params={"date": "2026-11-19"})).json()["records"] == []
    assert (await client.get("/v1/usage/records", params={"project_id": "beta"})).status_code == 403
    assert (await client.get("/v1/usage/records", params={"limit": 0})).status_code == 422


async def test_budgets_show_what_is_left(client, world):
    """Spent, held and left for the project, the key and, where named, the user."""
    await world.budget(day_nano=1_000_000, month_tokens=100_000)
    await complete(client, max_tokens=1)
    body = (await client.get("/v1/budgets", params={"user_id": "ada"})).json()
    assert body["project_id"] == "alpha"
    day, month = (line for line in body["budgets"] if line["scope"] == "p")
    assert (day["period"], day["spent_usd"], day["limit_usd"], day["left_usd"]) == (
        "20261120",
        "0.000009",
        "0.001",
        "0.000991",
    )
    assert (month["limit_tokens"], month["spent_tokens"], month["left_usd"]) == (100_000, 6, None)
    assert month["left_tokens"] == 100_000 - 6 - month["held_tokens"]
    assert {line["scope"][:2] for line in body["budgets"]} == {"p", "k:", "u:"}


async def test_what_is_held_is_not_left(client, world):
    """An attempt under way, or one that died, has its bound taken from what may be spent, in both currencies."""
    await world.budget(day_nano=1_000_000, day_tokens=1000)
    await complete(client, max_tokens=1)
    caller = await world.services.authenticator.authenticate(await world.key())
    ticket = Ticket("dead", "alpha", caller.key_id, caller.digest, caller.rights_tag, world.clock.now_ms())
    dead = Candidate("first-provider", "first", hold_nano=300_000, hold_tokens=70)
    await world.store.admit(ticket, [dead], Terms(world.clock.now_ms(), BreakerPolicy()))
    body = (await client.get("/v1/budgets")).json()
    day = next(line for line in body["budgets"] if line["scope"] == "p")
    assert (day["spent_usd"], day["held_usd"], day["left_usd"]) == ("0.000009", "0.0003", "0.000691")
    assert (day["spent_tokens"], day["held_tokens"], day["left_tokens"]) == (6, 70, 924)


async def test_what_nobody_settled_is_reported_as_an_estimate(client, world):
    """When it is due, by whichever report comes first; it is spent, and the row says how much of that is a guess."""
    await world.budget(month_nano=1_000_000)
    caller = await world.services.authenticator.authenticate(await world.key())
    now = world.clock.now_ms()
    ticket = Ticket("doubt", "alpha", caller.key_id, caller.digest, caller.rights_tag, now)
    chosen = Candidate("first-provider", "first", hold_nano=300_000, hold_tokens=70)
    terms = Terms(now, BreakerPolicy())
    admitted = await world.store.admit(ticket, [chosen], terms)
    ended = settled(admitted, chosen, "fail", charge_nano=1000, unconfirmed=True)
    await world.store.settle(ticket, ended, record_of(ticket, input_nano=1000, output_nano=0), terms)
    assert await month_of(client) == ("0.000001", "0.000299", "0", "0.0007")
    world.clock.advance(36 * 3600)
    usage = (await client.get("/v1/usage", params={"start_date": "2026-11-20"})).json()
    assert usage["totals"]["cost_usd"] == "0.0003"
    assert await month_of(client) == ("0.0003", "0", "0.000299", "0.0007")


async def month_of(client):
    body = (await client.get("/v1/budgets")).json()
    _, month = (line for line in body["budgets"] if line["scope"] == "p")
    return month["spent_usd"], month["held_usd"], month["estimated_usd"], month["left_usd"]


async def test_usage_needs_the_right(client, world):
    """Tools are an allow-list."""
    headers = {"authorization": f"Bearer {await world.key(tools=('complete',))}"}
    for path in ("/v1/usage", "/v1/usage/records", "/v1/budgets"):
        assert (await client.get(path, headers=headers)).status_code == 403
        assert (await client.get(path, headers={"authorization": ""})).status_code == 401
