"""/admin/*: who is let in, what is told of it; budgets, holds and the backlog."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import Any

import pytest

from gateway_core.adapters.backlog_keepers import FileKeeper
from gateway_core.adapters.file_backlog import FileBacklog
from gateway_core.api.admin.operator import signed_by
from gateway_core.api.admin.routes import admin_router
from gateway_core.api.app import create_app
from gateway_core.store.records import Unsettled
from gateway_core.store.virtual_keys import digest_of
from gateway_core.triggers.replay import Replayer
from tests.backlogs import AWAY, unsettled
from tests.classic import classic
from tests.conftest import World
from tests.contract.desk import Desk, candidate, record_of, settled
from tests.functions.admin import DEV, admin_world, client_of, made

ARN = "arn:aws:sts::123456789012:assumed-role/operators/ann"


@pytest.fixture
def world() -> World:
    return admin_world()


@pytest.fixture
async def admin(world):
    async with client_of(world) as http:
        yield http


async def test_budgets_are_set_changed_and_replaced(admin):
    """PATCH leaves what it does not name, PUT lifts it."""
    await made(admin)
    first = {"project_id": "alpha", "day_usd": 5, "month_tokens": 9}
    assert (await admin.patch("/admin/budgets", json=first)).json()["day_usd"] == "5"
    changed = {"project_id": "alpha", "user_id": None, "day_usd": "6", "month_usd": None, "day_tokens": None}
    assert (await admin.patch("/admin/budgets", json={"project_id": "alpha", "day_usd": "6"})).json() == {
        **changed,
        "month_tokens": 9,
    }
    replaced = await admin.put("/admin/budgets", json={"project_id": "alpha", "user_id": "ann", "day_tokens": 3})
    assert (replaced.json()["user_id"], replaced.json()["day_tokens"]) == ("ann", 3)
    assert (await admin.put("/admin/budgets", json={"project_id": "alpha"})).json()["month_tokens"] is None
    rows = (await admin.get("/admin/budgets", params={"project_id": "alpha"})).json()["budgets"]
    assert {row["scope"] for row in rows} >= {"p", "u:ann"}
    assert rows[0]["project_id"] == "alpha"
    everyone = await admin.get("/admin/budgets")
    assert everyone.json() == {"budgets": [], "next_cursor": None}  # of all that had requests


async def test_holds_are_listed_and_released(admin, world):
    """One by its name, or all that nobody works on; a dry run changes nothing and is no event."""
    desk = await Desk(world.store).open()
    for name in ("r1", "r2", "r3"):
        held = await desk.admitted(name)
        await desk.settle(name, settled(held, candidate(), "fail", unconfirmed=True))
    listed = (await admin.get("/admin/holds", params={"project_id": "alpha", "limit": 2})).json()
    assert ([hold["hold"] for hold in listed["holds"]], listed["left_off"]) == (["r1.1", "r2.1"], 1)
    assert listed["holds"][0]["project_id"] == "alpha"
    one = {"project_id": "alpha", "hold": "r1.1", "charge": "0.00000003", "charge_tokens": 3}
    dry = (await admin.post("/admin/holds/release", json={**one, "dry_run": True})).json()
    assert (dry["dry_run"], dry["holds"][0]["released"]) == (True, False)
    assert (await admin.post("/admin/holds/release", json=one)).json()["holds"][0]["charge_usd"] == "0.00000003"
    rest = await admin.post("/admin/holds/release", json={"project_id": "alpha", "charge": "bound"})
    assert [hold["charge_tokens"] for hold in rest.json()["holds"]] == [10, 10]
    assert await desk.money() == (230, 0)
    told = [event["detail"]["target"] for event in world.events() if event["detail-type"] == "admin.changed"]
    assert told == ["r1.1", "all"]


async def test_the_backlog_is_shown_and_replayed(world, tmp_path):
    """What waits is settled at once, what is too old is given up."""
    desk = await Desk(world.store).open()
    held = await desk.admitted("r1")
    ticket = desk.ticket("r1")
    waiting = Unsettled(ticket, (), settled(held, candidate(), charge_nano=70), record_of(ticket))
    backlog = FileBacklog(tmp_path / "backlog")
    await backlog.put(waiting, AWAY)
    await backlog.put(unsettled("old", admitted_ms=1), AWAY)
    keeper = FileKeeper(str(tmp_path / "backlog"), Replayer(world.services).replay)
    async with client_of(world, keeper=keeper) as admin:
        assert (await admin.get("/admin/backlog")).json() == {"waiting": 2, "in_work": 0, "given_up": 0}
        replayed = await admin.post("/admin/backlog/replay")
        assert replayed.json() == {"replayed": {"settled": 1, "refused": 1}}
        assert (await admin.get("/admin/backlog")).json() == {"waiting": 0, "in_work": 0, "given_up": 1}
    assert await desk.money() == (70, 0)


async def test_a_backlog_that_cannot_be_read_is_a_503(world, tmp_path):
    """A folder that is none."""
    (tmp_path / "file.jsonl").mkdir()
    async with client_of(world, keeper=FileKeeper(str(tmp_path), Replayer(world.services).replay)) as admin:
        for method, path in (("GET", "/admin/backlog"), ("POST", "/admin/backlog/replay")):
            answer = await admin.request(method, path)
            assert (answer.status_code, answer.json()["error"]["code"]) == (503, "backlog_unavailable")


async def test_only_the_development_key_administers_on_one_machine(world):
    """No other key of the gateway, an admin's neither; none is 401. Without one, nobody."""
    routes = [("POST", "/admin/keys"), ("GET", "/admin/keys/key_x"), ("GET", "/admin/budgets"), ("GET", "/admin/holds"),
              ("GET", "/admin/backlog"), ("PATCH", "/admin/keys/key_x"), ("DELETE", "/admin/keys/key_x")]  # fmt: skip
    keys = {"": 401, await world.key("dev", admin=True): 403, await world.key(): 403, "nonsense": 403, DEV[:-1]: 403}
    for key, status in keys.items():
        async with client_of(world, key) as http:
            for method, path in routes:
                assert (await http.request(method, path)).status_code == status, (key, method, path)
    off = World(world.catalog, replace(world.settings, dev_key=None))
    async with client_of(off) as http:
        answer = await http.get("/admin/budgets")
        assert (answer.status_code, "GATEWAY_DEV_KEY" in answer.json()["error"]["message"]) == (403, True)


def ask_lambda(world: World, identity: Any, headers: dict[str, str] | None = None) -> dict[str, Any]:
    event = {
        "resource": "/admin/{proxy+}",
        "path": "/admin/budgets",
        "httpMethod": "GET",
        "headers": headers or {},
        "requestContext": {"path": "/live/admin/budgets", "httpMethod": "GET", "identity": identity},
        "body": None,
        "isBase64Encoded": False,
    }
    return classic(create_app(world.services, admin_router(signed_by, None)), event)


@pytest.mark.parametrize("identity", [{}, {"userArn": None}, {"userArn": ""}, {"userArn": 5}])
async def test_on_lambda_nobody_is_let_in_without_a_signature(world, identity):
    """Also not with the development key: whoever IAM did not name is nobody."""
    answer = await asyncio.to_thread(ask_lambda, world, identity, {"authorization": f"Bearer {DEV}"})
    assert (answer["statusCode"], json.loads(answer["body"])["error"]["code"]) == (403, "forbidden")


async def test_on_lambda_the_log_says_who_it_was(world):
    """The ARN that signed."""
    answer = await asyncio.to_thread(ask_lambda, world, {"userArn": ARN})
    assert answer["statusCode"] == 200
    (line,) = [line for line in world.lines() if line["message"] == "administered"]
    assert (line["operator"], line["action"], line["outcome"]) == (ARN, "budget.listed", "ok")


async def test_each_deed_is_a_line_and_each_change_an_event(admin, world):
    """Also what was refused, with its code; a sink that fails undoes nothing."""
    key = await made(admin)
    await admin.get(f"/admin/keys/{key['id']}")
    await admin.delete("/admin/keys/" + 90 * "x")

    class Broken:
        async def emit(self, events: Any) -> None:
            raise RuntimeError

    world.services.events.attach(Broken())  # type: ignore[attr-defined]
    assert (await admin.delete(f"/admin/keys/{key['id']}")).status_code == 200
    told = [line for line in world.lines() if line["message"] == "administered"]
    assert [(line["action"], line["target"], line["outcome"], line["operator"]) for line in told] == [
        ("key.created", key["id"], "ok", "dev key"),
        ("key.shown", key["id"], "ok", "dev key"),
        ("key.revoked", 80 * "x", "unknown_key", "dev key"),
        ("key.revoked", key["id"], "ok", "dev key"),
    ]
    events = [event["detail"] for event in world.events() if event["detail-type"] == "admin.changed"]
    assert [(event["action"], event["target"], event["project_id"]) for event in events] == [
        ("key.created", key["id"], "alpha"),
        ("key.revoked", key["id"], "alpha"),
    ]
    assert digest_of(key["key"]) not in world.log.getvalue()
