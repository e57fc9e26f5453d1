"""`gateway usage reconcile` over many holds and projects, and `gateway budgets show`."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace

import pytest

from gateway_core.adapters.clock import SystemClock
from gateway_core.cli.main import main
from gateway_core.domain.caller import Limits
from gateway_core.domain.times import day_key, utc_date
from gateway_core.store.messages import Terms
from gateway_core.store.virtual_keys import KeyRecord, digest_of
from tests.contract.desk import DIGEST, Desk, candidate, record_of, settled

HOUR_MS = 3_600_000
AGES_H = {"fresh": 0, "old": 3, "older": 5}


@pytest.fixture
def gateway(redis, capsys):
    """Runs a command that succeeds; gives its lines, and what it says beside them."""

    def run(command):
        assert main(command.split(), redis.environ()) == 0
        printed = capsys.readouterr()
        return [json.loads(line) for line in printed.out.splitlines()], printed.err

    return run


@pytest.fixture
def left(redis):
    """Two projects, each with an open and an unconfirmed attempt of three ages; 100 nano-USD at most each, 30 known."""

    async def work():
        store = redis.connect()
        now_ms = SystemClock().now_ms()
        for project in ("alpha", "beta"):
            desk = await Desk(store, project=project, user="bob").open()
            for age, hours in AGES_H.items():
                at_ms = now_ms - hours * HOUR_MS
                for state in ("open", "doubt"):
                    await leave(store, desk.ticket(f"{age}-{state}", admitted_ms=at_ms), at_ms, state)
        await store.close()

    asyncio.run(work())


async def leave(store, ticket, at_ms, state):
    terms = Terms(at_ms, Desk(store).policy)
    admitted = await store.admit(ticket, [candidate()], terms)
    if state == "doubt":
        ended = settled(admitted, candidate(), "skip", charge_nano=30, charge_tokens=3, unconfirmed=True)
        await store.settle(ticket, ended, record_of(ticket, input_nano=30, output_nano=0), terms)


def names(lines):
    return [(line["project"], line["hold"]) for line in lines]


@pytest.mark.usefixtures("left")
def test_holds_of_all_projects_are_listed_with_what_to_charge(gateway):
    """Oldest first, with what is charged already; without a suggestion for what may still run. The sums are beside."""
    lines, said = gateway("usage reconcile")
    assert names(lines)[:2] == [("alpha", "older-doubt.1"), ("alpha", "older-open.1")]
    assert len(lines) == 12
    first, second = lines[:2]
    assert (first["state"], first["hold_usd"], first["charged_usd"]) == ("unconfirmed", "0.00000007", "0.00000003")
    assert (first["suggested_usd"], first["charged_tokens"]) == ("0.00000007", 3)
    assert (second["state"], second["hold_usd"], second["suggested_usd"]) == ("open", "0.0000001", "0.0000001")
    (running,) = [line for line in lines if names([line]) == [("beta", "fresh-open.1")]]
    assert (running["suggested_usd"], running["unconfirmed_since"]) == (None, None)
    assert [line["why"] for line in (first, second, running)] == [
        "it timed out or broke, and the provider may have billed it",
        "its process died, or the settlement waits to be replayed",
        "it is under way, or its process died",
    ]
    assert said == (
        "holds 12, open 6, unconfirmed 6, estimated 0, hold_usd 0.00000102, charged_usd 0.00000018, "
        "suggested_usd 0.00000082\n"
    )


@pytest.mark.usefixtures("left")
@pytest.mark.parametrize(
    ("options", "count"),
    [
        ("--project beta", 6),
        ("--state open", 6),
        ("--state unconfirmed --older-than 4h", 2),
        ("--older-than 120m --project alpha", 4),
        ("--older-than 3d", 0),
        ("--state estimated", 0),
        ("--month 202001", 0),
    ],
)
def test_holds_are_selected_by_project_age_state_and_month(gateway, options, count):
    """Each option leaves fewer."""
    lines, _ = gateway(f"usage reconcile {options}")
    assert len(lines) == count
    (document,), said = gateway(f"usage reconcile --json {options}")
    assert said == ""
    assert (document["holds"], document["sums"]["holds"]) == (lines, count)


def spent_and_held(gateway, project):
    (line,) = [
        line
        for line in gateway(f"budgets show --project {project}")[0]
        if line["scope"] == "p" and len(line["period"]) == 6
    ]
    return line["spent_usd"], line["held_usd"]


@pytest.mark.usefixtures("left")
def test_many_are_released_at_once(gateway):
    """For what is known, or for all that is held; what may still run is left alone, and a rehearsal changes nothing."""
    before = gateway("usage reconcile")
    rehearsed, _ = gateway("usage reconcile --release --charge bound --dry-run --project alpha")
    assert {line["released"] for line in rehearsed} == {False}
    assert {line["charge_usd"] for line in rehearsed} == {"0.00000007", "0.0000001"}
    assert gateway("usage reconcile") == before
    lines, said = gateway("usage reconcile --release --charge bound --project alpha")
    assert [line["hold"] for line in lines] == [line["hold"] for line in rehearsed]
    assert len(lines) == 5
    assert "released 5" in said
    assert names(gateway("usage reconcile --project alpha")[0]) == [("alpha", "fresh-open.1")]
    assert len(gateway("usage reconcile --release --charge known --state unconfirmed")[0]) == 3
    assert len(gateway("usage reconcile --release --charge 0.00000001 --older-than 4h")[0]) == 1
    held = gateway("usage reconcile")[0]
    assert sorted(names(held)) == [("alpha", "fresh-open.1"), ("beta", "fresh-open.1"), ("beta", "old-open.1")]


def test_a_released_hold_is_charged_as_asked(gateway, redis):
    """In the month's account: what was known before, and what the operator says."""

    async def work():
        store = redis.connect()
        desk, now_ms = await Desk(store).open(), SystemClock().now_ms()
        await leave(store, desk.ticket("r1", admitted_ms=now_ms), now_ms, "doubt")
        await store.close()

    asyncio.run(work())
    assert spent_and_held(gateway, "alpha") == ("0.00000003", "0.00000007")
    (line,), _ = gateway("usage reconcile --project alpha --release r1.1 --charge bound --dry-run")
    assert (line["charge_usd"], line["released"], line["dry_run"]) == ("0.00000007", False, True)
    assert spent_and_held(gateway, "alpha") == ("0.00000003", "0.00000007")
    gateway("usage reconcile --project alpha --release r1.1 --charge bound")
    assert spent_and_held(gateway, "alpha") == ("0.0000001", "0")


@pytest.mark.usefixtures("left")
def test_what_was_booked_is_found_and_replaced(gateway, redis):
    """An estimate is no more held; the operator who has the bill says what it was."""

    async def work():
        store = redis.connect()
        now_ms = SystemClock().now_ms()
        months = {hold_month(now_ms - hours * HOUR_MS) for hours in AGES_H.values()}
        holds = [hold for month in months for hold in await store.open_holds("alpha", month=month)]
        for hold in holds:
            if hold.request_id == "older-open":
                assert await store.book_hold("alpha", hold, now_ms=now_ms)
        await store.close()

    asyncio.run(work())
    (line,), _ = gateway("usage reconcile --state estimated")
    assert (line["hold"], line["hold_usd"], line["state"]) == ("older-open.1", "0.0000001", "estimated")
    assert ("alpha", "older-open.1") not in names(gateway("usage reconcile")[0])
    assert gateway("usage reconcile --state estimated --release --charge 0.00000001")[0][0]["released"]
    shown = [line for line in gateway("budgets show --project alpha")[0] if line["scope"] == "p"]
    assert {line["estimated_usd"] for line in shown} == {"0"}


def hold_month(at_ms):
    return day_key(utc_date(at_ms))[:6]


def test_budgets_of_all_scopes_are_shown(gateway, redis):
    """Project, keys, and users with a budget; of one project or all, or of one user."""

    async def work():
        store = redis.connect()
        now_ms = SystemClock().now_ms()
        await store.set_budget("alpha", "b|ob", Limits(day_nano=9000))
        for project in ("alpha", "beta"):
            desk = await Desk(store, project=project, user="b|ob").open()
            await store.admit(desk.ticket("r1", admitted_ms=now_ms), [candidate()], Terms(now_ms, desk.policy))
        await store.put_key(replace(KeyRecord("alpha", digest_of("gk_alpha_idle")), limits=Limits(day_nano=7)))
        await store.set_budget("alpha", "ada", Limits(month_tokens=5))
        await store.close()

    asyncio.run(work())
    lines, _ = gateway("budgets show")
    scopes = [(line["project"], line["scope"]) for line in lines[::2]]
    key = KeyRecord("alpha", DIGEST).id
    assert scopes[0] == ("alpha", "p")
    assert ("alpha", "u:ada") in scopes
    assert ("alpha", "u:b|ob") in scopes
    assert {("alpha", f"k:{key}"), ("beta", "p")} <= set(scopes)
    assert len(scopes) == 5 + 2
    shown, _ = gateway("budgets show --project alpha --user ada")
    assert [(line["scope"], line["limit_tokens"], line["left_tokens"]) for line in shown] == [
        ("u:ada", None, None),
        ("u:ada", 5, 5),
    ]
    (mine, _), _ = gateway("budgets show --project alpha --user b|ob")
    assert (mine["held_usd"], mine["estimated_usd"], mine["limit_usd"]) == ("0.0000001", "0", "0.000009")
