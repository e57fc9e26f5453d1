"""/v1/key and /v1/holds: what a key may do, and what is held for its project."""

import pytest

from gateway_core.store.messages import BreakerPolicy, Candidate, Terms, Ticket
from tests.contract.desk import record_of, settled

POLICY = BreakerPolicy()


async def hold(world, request_id, *, user="", project="alpha", ago_ms=0, unconfirmed=False):
    """An attempt of a key of the project that nobody has settled."""
    key = await world.services.authenticator.authenticate(await world.key(project=project, user_id=user))
    now_ms = world.clock.now_ms() - ago_ms
    ticket = Ticket(request_id, project, key.key_id, key.digest, key.rights_tag, now_ms, user)
    chosen = Candidate("one", "m1", 5_000_000, 70)
    admitted = await world.store.admit(ticket, [chosen], Terms(now_ms, POLICY))
    if unconfirmed:
        ended = settled(admitted, chosen, "skip", unconfirmed=True)
        await world.store.settle(ticket, ended, record_of(ticket), Terms(now_ms, POLICY))
    return key.key_id


async def test_a_key_says_what_it_may(client, world):
    """To whoever has it, and no secret."""
    headers = {"authorization": f"Bearer {await world.key(user_id='ada', tools=('complete',))}"}
    answer = (await client.get("/v1/key", headers=headers)).json()
    key_id = answer.pop("key_id")
    assert key_id.startswith("key_alpha_")
    assert answer == {
        "project_id": "alpha", "user_id": "ada", "admin": False, "groups": [], "models": [], "tools": ["complete"],
    }  # fmt: skip
    assert (await client.get("/v1/key", headers={"authorization": "Bearer gk_alpha_no"})).status_code == 401


async def test_what_is_held_is_listed_oldest_first(client, world):
    """With its state, whose it is and how much; settled attempts are gone."""
    key_id = await hold(world, "r1", ago_ms=60_000)
    await hold(world, "r2", user="ada", unconfirmed=True)
    body = (await client.get("/v1/holds")).json()
    assert (body["project_id"], body["next_cursor"], body["unreadable"]) == ("alpha", None, 0)
    assert body["holds"][0] == {
        "request_id": "r1", "attempt": 1, "state": "open", "key_id": key_id, "user_id": "",
        "since": "2026-11-20T15:59:00.000Z", "hold_usd": "0.005", "hold_tokens": 70, "charged_usd": "0",
        "charged_tokens": 0,
    }  # fmt: skip
    assert [(one["request_id"], one["state"], one["user_id"]) for one in body["holds"][1:]] == [
        ("r2", "unconfirmed", "ada")
    ]


async def test_a_key_of_a_user_sees_that_users_holds(client, world):
    """An admin's those of any project, others those of their own."""
    await hold(world, "r1")
    await hold(world, "r2", user="ada")
    await hold(world, "r3", project="beta")
    ada, admin = await world.key(user_id="ada"), await world.key(project="ops", admin=True)
    for key, project, wanted in ((ada, "", ["r2"]), (admin, "beta", ["r3"]), (admin, "", [])):
        query = {"project_id": project} if project else {}
        answer = await client.get("/v1/holds", params=query, headers={"authorization": f"Bearer {key}"})
        assert [one["request_id"] for one in answer.json()["holds"]] == wanted
    assert (await client.get("/v1/holds", params={"project_id": "beta"})).status_code == 403
    blind = {"authorization": f"Bearer {await world.key(tools=('complete',))}"}
    assert (await client.get("/v1/holds", headers=blind)).status_code == 403


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("holds", {"cursor": "\u0662\u0660\u0662\u0666\u0661\u0661-\u0661"}),
        ("holds", {"cursor": "202611-\u0665"}),
        ("holds", {"cursor": "202611-18446744073709551616"}),
        ("holds", {"cursor": "202613-0"}),
        ("usage/records", {"cursor": "--"}),
        ("usage/records", {"cursor": "-1"}),
        ("usage/records", {"cursor": "24-1-0"}),
        ("usage/records", {"cursor": "14-99999999999999999999-0"}),
    ],
)
async def test_no_store_is_asked_for_a_made_up_cursor(client, path, query):
    """Its error would look like an outage: the fault is the caller's."""
    answer = await client.get(f"/v1/{path}", params=query)
    assert (answer.status_code, answer.json()["error"]["param"]) == (422, "cursor")


async def test_a_report_may_end_on_the_first_day_that_there_is(client):
    """Though thirty days before it are none."""
    body = (await client.get("/v1/usage", params={"end_date": "0001-01-02"})).json()
    assert (body["start_date"], body["end_date"], body["rows"]) == ("0001-01-01", "0001-01-02", [])


async def test_all_budgets_of_a_project_are_there(client, world, monkeypatch):
    """Of its keys and users; a key that is bound to a user sees its own."""
    await world.budget(day_nano=5)
    await world.budget(user="ada", month_nano=7)
    ada = {"authorization": f"Bearer {await world.key(user_id='ada')}"}
    body = (await client.get("/v1/budgets", params={"scopes": "all"})).json()
    scopes = [line["scope"] for line in body["budgets"]]
    assert (scopes[:2], scopes[-2:], len(scopes), body["left_out"]) == (["p", "p"], ["u:ada", "u:ada"], 8, 0)
    own = (await client.get("/v1/budgets", params={"scopes": "all"}, headers=ada)).json()
    assert {line["scope"][:2] for line in own["budgets"]} == {"p", "k:", "u:"}
    assert (len(own["budgets"]), "left_out" in own) == (6, False)
    monkeypatch.setattr("gateway_core.api.usage.MOST_SCOPES", 1)
    few = (await client.get("/v1/budgets", params={"scopes": "all"})).json()
    assert (len(few["budgets"]), few["left_out"]) == (2, 3)
    assert (await client.get("/v1/budgets", params={"scopes": "some"})).status_code == 422


async def test_many_holds_come_in_pages(client, world, monkeypatch):
    """Also those of the month before; a cursor goes on where the page ended."""
    monkeypatch.setattr("gateway_core.adapters.memory.holds.PAGE", 2)
    monkeypatch.setattr("gateway_core.api.holds._ENOUGH", 2)
    for number in range(3):
        await hold(world, f"r{number}", ago_ms=number)
    await hold(world, "old", ago_ms=25 * 86_400_000)
    seen, query = set(), {}
    while True:
        page = (await client.get("/v1/holds", params=query)).json()
        seen |= {one["request_id"] for one in page["holds"]}
        if not page["next_cursor"]:
            break
        query = {"cursor": page["next_cursor"]}
    assert seen == {"r0", "r1", "r2", "old"}


async def test_a_page_without_end_ends(client, world, monkeypatch):
    """Where nothing is held among very much else, a cursor comes with nothing before it."""
    monkeypatch.setattr("gateway_core.api.holds._MOST_TRIPS", 1)
    await hold(world, "old", ago_ms=25 * 86_400_000)
    first = (await client.get("/v1/holds")).json()
    assert (first["holds"], first["next_cursor"]) == ([], "202610-")
    second = (await client.get("/v1/holds", params={"cursor": first["next_cursor"]})).json()
    assert [one["request_id"] for one in second["holds"]] == ["old"]


@pytest.mark.parametrize("cursor", ["202611", "x", "202611-x"])
async def test_a_cursor_that_is_none_is_refused(client, cursor):
    """With the field."""
    answer = await client.get("/v1/holds", params={"cursor": cursor})
    assert (answer.status_code, answer.json()["error"]["param"]) == (422, "cursor")
