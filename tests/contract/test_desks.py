"""What the command line administers is the same at a store and by a gateway's /admin routes: keys, budgets, holds."""

import re
from dataclasses import replace

import httpx
import pytest

from gateway_core.access.known_names import KnownNames
from gateway_core.access.reconciling import Selection
from gateway_core.api.admin.operator import with_dev_key
from gateway_core.api.admin.routes import admin_router
from gateway_core.api.app import create_app
from gateway_core.cli.answers import GatewayRefused
from gateway_core.cli.calling import Gateway, KeySigner
from gateway_core.cli.opening import StoreDesk
from gateway_core.cli.remote_desk import RemoteDesk
from gateway_core.cli.streaming import gathered
from gateway_core.config.client_environment import Address
from gateway_core.domain.caller import Limits
from gateway_core.domain.credentials import Secret
from gateway_core.domain.errors import LLMError
from gateway_core.store.budget import Amount
from gateway_core.store.messages import Terms
from gateway_core.store.virtual_keys import KeyRecord, digest_of
from tests.contract.desk import Desk, candidate
from tests.functions.admin import DEV, admin_world

HOUR_MS = 3_600_000

GRANT = KeyRecord(
    "alpha", "", "bob", admin=True, name="laptop", groups=("fast",), tools=("complete",), models=("first", "groq/*"),
    api_base_hosts=("proxy.example.com",), expires_ms=4_102_444_800_000,
    limits=Limits(500_000_000, 1_000_000_001, 0, 8, rpm=60, tpm=7),
)  # fmt: skip


@pytest.fixture
def world():
    return admin_world()


def store_desk(world):
    return StoreDesk(world.services.store, world.services.clock, KnownNames(world.services.settings.catalog))


def remote_desk(world, key=DEV):
    app = create_app(world.services, admin_router(with_dev_key, None))
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    return RemoteDesk(Gateway(Address("http://127.0.0.1:8787", is_here=True), KeySigner(Secret(key)), transport))


@pytest.fixture(params=[store_desk, remote_desk])
def desk(request, world):
    return request.param(world)


async def test_a_key_is_made_with_all_its_rights(desk, world):
    """And shown alike by both, one of all and alone."""
    made = await desk.create_key(GRANT)
    assert set(made) == {"key", "id"}
    (record,) = await world.services.store.list_keys("alpha")
    assert replace(GRANT, digest=record.digest, created_ms=record.created_ms, rights_tag=record.rights_tag) == record
    line = await desk.get_key(made["id"])
    assert await gathered(desk.key_pages("alpha")) == [line]
    for other in (store_desk(world), remote_desk(world)):
        assert await other.get_key(made["id"]) == line
    assert (line["user"], line["day_usd"], line["day_tokens"]) == ("bob", "0.5", 0)


async def test_a_key_without_anything_has_no_limits(desk, world):
    """Nothing that was not said is sent or stored."""
    await desk.create_key(KeyRecord("alpha", ""))
    (record,) = await world.services.store.list_keys("alpha")
    assert replace(record, digest="", created_ms=0, rights_tag="") == KeyRecord("alpha", "")
    assert (await gathered(desk.key_pages("alpha")))[0]["user"] == ""


async def test_what_is_named_changes(desk, world):
    """None, empty lists and names lift; the rest stays."""
    made = await desk.create_key(GRANT)
    rights = {"groups": (), "api_base_hosts": ("a.example", "b.example"), "expires_ms": None, "name": "", "user_id": ""}
    line = await desk.update_key(made["id"], rights, {"day_nano": None, "rpm": 5, "month_nano": 1})
    (record,) = await world.services.store.list_keys("alpha")
    limits = replace(GRANT.limits, day_nano=None, rpm=5, month_nano=1)
    changed = replace(GRANT, **rights, limits=limits)
    assert replace(record, digest="", created_ms=0, rights_tag="") == changed
    assert line == await store_desk(world).get_key(made["id"])


async def test_a_key_gets_a_new_secret_and_is_revoked(desk, world):
    """Under its id."""
    made = await desk.create_key(KeyRecord("alpha", ""))
    for overlap in ({}, {"overlap_s": 60}):
        again = await desk.rotate_key(made["id"], **overlap)
        assert set(again) == {"key", "id", "old_secret_ends_at"}
        assert (again["id"], again["key"] != made["key"]) == (made["id"], True)
    assert await desk.revoke_key(made["id"]) == {"id": made["id"], "revoked": True}
    assert (await desk.get_key(made["id"]))["revoked"]


async def test_budgets_of_projects_and_users(desk, world):
    """Set field by field, and shown alike."""
    await desk.create_key(KeyRecord("alpha", ""))
    whole = {"project": "alpha", "user": "", "day_usd": "0.000000001", "month_usd": None}
    assert await desk.set_budget("alpha", "", {"day_nano": 1, "day_tokens": 0}) == {
        **whole, "day_tokens": 0, "month_tokens": None,
    }  # fmt: skip
    assert await desk.set_budget("alpha", "", {"day_tokens": None}) == {
        **whole, "day_tokens": None, "month_tokens": None,
    }  # fmt: skip
    assert (await desk.set_budget("alpha", "b/ö b", {"month_tokens": 5}))["user"] == "b/ö b"
    shown = await gathered(desk.budget_pages("alpha", None))
    assert shown == await gathered(store_desk(world).budget_pages("alpha", None))
    assert [line["limit_tokens"] for line in await gathered(desk.budget_pages("alpha", "b/ö b"))] == [None, 5]
    assert await gathered(desk.budget_pages(None, None)) == []


async def test_holds_are_shown_and_released(desk, world):
    """One of them, or all that are selected and over; what each is charged, and their sums."""
    store, now_ms = world.services.store, world.services.clock.now_ms()
    caller = await Desk(store).open()
    for name, hours in (("old", 3), ("older", 5), ("fresh", 0)):
        ticket = caller.ticket(name, admitted_ms=now_ms - hours * HOUR_MS)
        await store.admit(ticket, [candidate()], Terms(now_ms - hours * HOUR_MS, caller.policy))
    every = await desk.show_holds(Selection("alpha"))
    assert every == await store_desk(world).show_holds(Selection())
    assert [line["hold"] for line in every.lines] == ["older.1", "old.1", "fresh.1"]
    aged = Selection(state="open", older_than_ms=2 * HOUR_MS)
    rehearsed = await desk.release_holds(aged, "bound", dry_run=True)
    assert [line["dry_run"] for line in rehearsed.lines] == [True, True]
    one = await desk.release_hold("alpha", None, ("older", 1), Amount(7, 3), dry_run=False)
    assert one == {
        "project": "alpha",
        "hold": "older.1",
        "released": True,
        "charge_usd": "0.000000007",
        "charge_tokens": 3,
    }
    released = await desk.release_holds(aged, "known", dry_run=False)
    assert ([line["hold"] for line in released.lines], released.sums["holds"]) == (["old.1"], 1)
    assert [line["hold"] for line in (await desk.show_holds(Selection("alpha", "202611"))).lines] == ["fresh.1"]


async def test_more_keys_than_a_page_has(desk, world):
    """All are listed, whoever made them."""
    made = [(await desk.create_key(KeyRecord("alpha", "")))["id"]]
    for number in range(501):
        await world.services.store.put_key(key := KeyRecord("alpha", digest_of(f"{number}")))
        made.append(key.id)
    assert {line["id"] for line in await gathered(desk.key_pages("alpha"))} == {*made}


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        (lambda desk: desk.get_key("key_alpha_0123456789abcdef"), "There is no key 'key_alpha_0123456789abcdef'"),
        (lambda desk: desk.get_key("../budgets?x"), "There is no key"),
        (lambda desk: desk.revoke_key("key_alpha_0123456789abcdef"), "There is no key"),
        (lambda desk: desk.set_budget("alhpa", "", {"day_nano": 1}), "There is no project 'alhpa'"),
        (lambda desk: gathered(desk.budget_pages("alhpa", "bob")), "There is no project 'alhpa'"),
        (lambda desk: desk.release_hold("alpha", None, ("r", 1), "known", dry_run=False), "Nothing is held for 'r.1'"),
        (lambda desk: desk.create_key(replace(GRANT, groups=("fats",))), "there is no model group 'fats'"),
        (lambda desk: desk.create_key(replace(GRANT, expires_ms=1)), "this moment is over"),
    ],
)
async def test_refusals_say_the_same(desk, asked, says):
    """In the same words, at the store as a value of the error tree, over HTTP with its status."""
    with pytest.raises((LLMError, GatewayRefused), match=re.escape(says)):
        await asked(desk)


async def test_another_key_administers_nothing(world):
    """Not even an admin's."""
    with pytest.raises(GatewayRefused, match="and no other key"):
        await gathered(remote_desk(world, "gk_alpha_other").key_pages("alpha"))
