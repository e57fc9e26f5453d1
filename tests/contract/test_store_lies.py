"""A store that answers something else than we wrote: it is called unreadable, whatever was asked and whatever came."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Any, override

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway_core.adapters.degraded import ResilientLedger
from gateway_core.adapters.log_backlog import LogBacklog
from gateway_core.adapters.upstash import UpstashStore, hold_format, layout
from gateway_core.adapters.upstash.client import Client, Reply
from gateway_core.domain.caller import Attribution, Limits
from gateway_core.domain.errors import RecordRefused, StoreUnavailable, StoreUnreadable
from gateway_core.domain.times import iso
from gateway_core.store.changes import BreakerChange
from gateway_core.store.earlier_counters import EarlierFields
from gateway_core.store.jobs import Job, JobName
from gateway_core.store.key_changes import KeyChange
from gateway_core.store.messages import Admitted, Refused, Settlement, Terms, Ticket
from gateway_core.store.records import HourPlace
from gateway_core.store.virtual_keys import KeyRecord
from gateway_core.telemetry.telemetry import Telemetry
from tests.contract.desk import DAY, DIGEST, MONTH, NOON, POLICY, Desk, candidate, record_of
from tests.contract.wire import at_once
from tests.manual_clock import ManualClock
from tests.properties import examples

TICKET = Ticket("r1", "alpha", "key_alpha_0123456789abcdef", DIGEST, "tag", NOON, "bob", "agent")
ENDED = Settlement(1, "one", "m1", 0, probe=False, effect="ok")
TERMS = Terms(NOON, POLICY)
NAME = JobName("alpha", "0" * 32)
JOB = Job(NAME, "alpha", DIGEST, Attribution("alpha"), NOON, NOON + 1, 1, "digest", "key")
PAIR = ("one", "m1")
HOLD_TEXT = f"5;3;0;{DAY};{NOON};key;bob;0;0;0;0;0;|"
HOLD = hold_format.parse_hold("h|r1.1", HOLD_TEXT)

OPERATIONS: dict[str, Callable[[Any], Awaitable[Any]]] = {
    "find_key": lambda s: s.find_key("alpha", DIGEST),
    "admit": lambda s: s.admit(TICKET, [candidate()], TERMS),
    "next": lambda s: s.next(TICKET, ENDED, [candidate()], TERMS),
    "settle": lambda s: s.settle(TICKET, ENDED, record_of(TICKET), TERMS),
    "record": lambda s: s.settle(TICKET, None, record_of(TICKET), TERMS),
    "record_hit": lambda s: s.settle(TICKET, None, record_of(TICKET, attempts=0), TERMS),
    "look_up": lambda s: s.look_up(TICKET, "entry", TERMS),
    "keep": lambda s: s.keep("alpha", "entry", "value", ttl_s=1, now_ms=NOON),
    "deployment_states": lambda s: s.deployment_states([PAIR]),
    "fleet_health": lambda s: s.fleet_health([PAIR]),
    "names": lambda s: s.names("alpha", {MONTH: ["i|m|20"]}),
    "counted": lambda s: s.counted("alpha", {MONTH: ["c|20", "c|2012"]}),
    "earlier_counters": lambda s: s.earlier_counters("alpha", [DAY], EarlierFields(("t",), "m|")),
    "usage_records": lambda s: s.usage_records("alpha", day=DAY, limit=2),
    "hour_records": lambda s: s.hour_records("alpha", [HourPlace(DAY, "12"), HourPlace(DAY, "13", "5-1")], limit=2),
    "newest_records": lambda s: s.hour_records("alpha", [HourPlace(DAY, "12")], limit=2, newest=True),
    "projects": lambda s: s.projects(),
    "list_keys": lambda s: s.list_keys("alpha"),
    "put_key_once": lambda s: s.put_key_once(KeyRecord("alpha", DIGEST), "0" * 64),
    "find_keys": lambda s: s.find_keys("alpha", ["key_alpha_0123456789abcdef"]),
    "key_page": lambda s: s.key_page("alpha", after="", limit=9),
    "accounts": lambda s: s.accounts("alpha", day=DAY, scopes=["p", "u:bob"]),
    "revoke_key": lambda s: s.revoke_key("key_alpha_0123456789abcdef", now_ms=NOON),
    "change_keys": lambda s: s.change_keys("alpha", [KeyChange(None, KeyRecord("alpha", DIGEST))]),
    "last_days": lambda s: s.last_days("alpha", month=MONTH, key_ids=["key_alpha_0123456789abcdef"]),
    "change_budget": lambda s: s.change_budget("alpha", "", Limits(), Limits(day_nano=1)),
    "set_budget": lambda s: s.set_budget("alpha", "bob", Limits(day_nano=1)),
    "budget_lines": lambda s: s.budget_lines("alpha", day=DAY, scopes=["p", "k:key_alpha_0123456789abcdef", "u:bob"]),
    "budget_scopes": lambda s: s.budget_scopes("alpha", month=MONTH),
    "open_holds": lambda s: s.open_holds("alpha", month=MONTH),
    "hold_page": lambda s: s.hold_page("alpha", month=MONTH),
    "find_hold": lambda s: s.find_hold("alpha", month=MONTH, name=("r1", 1)),
    "book_hold": lambda s: s.book_hold("alpha", HOLD, now_ms=NOON),
    "book_holds": lambda s: s.book_holds("alpha", [HOLD, HOLD], now_ms=NOON),
    "book_due": lambda s: s.book_due("alpha", now_ms=NOON, limit=3),
    "resolve_hold": lambda s: s.resolve_hold(
        "alpha", month=MONTH, request_id="r1", attempt=1, charge_nano=1, charge_tokens=1, now_ms=NOON
    ),
    "create_job": lambda s: s.create_job(JOB, most_open=1),
    "find_job": lambda s: s.find_job(NAME),
    "claim_job": lambda s: s.claim_job(NAME, "me", lease_ms=1, now_ms=NOON),
    "end_job": lambda s: s.end_job(NAME, "failed", now_ms=NOON),
    "forget_job": lambda s: s.forget_job(JOB),
    "open_jobs": lambda s: s.open_jobs(),
    "read_input": lambda s: s.read_input(NAME),
    "append": lambda s: s.append(NAME, 0, ["a"]),
    "read": lambda s: s.read(NAME, 0, 2),
    "put_key": lambda s: s.put_key(KeyRecord("alpha", DIGEST)),
    "put_input": lambda s: s.put_input(NAME, "text"),
    "drop_input": lambda s: s.drop_input(NAME),
    "post_probes": lambda s: s.post_probes([], kept_ms=1),
}
BLIND = {"keep", "set_budget", "forget_job", "append", "put_key", "put_input", "drop_input", "post_probes"}
"""Operations that write and take any answer for done."""


class Liar(Client):
    """Answers what it is told to, to whatever is asked; an exception is what the client itself trips over."""

    def __init__(self, *replies: Any) -> None:
        super().__init__("secret-token")
        self._replies = list(replies)

    @override
    async def _execute(self, command: Sequence[str | int]) -> Reply:
        reply = self._replies.pop(0) if len(self._replies) > 1 else self._replies[0]
        if isinstance(reply, Exception):
            raise reply
        return reply  # type: ignore[no-any-return]

    @override
    async def pipeline(self, commands: Sequence[Sequence[str | int]]) -> list[Reply]:
        return [await self._execute(command) for command in commands]

    @override
    async def close(self) -> None:
        pass


def lying(*replies: Any) -> UpstashStore:
    store = UpstashStore("http://unused.invalid", "")
    store._client = Liar(*replies)
    return store


def deep(levels: int) -> Reply:
    found: Reply = "x"
    for _ in range(levels):
        found = [found]
    return found


LIES = [
    None, 7, -1, 2**70, 1.5, True, [1, 2], [], "", "!", "+x", "-;0,what,..", "+", "-", "|", "+0,1,0,0,0,0;x",
    "+0,1,0,0,-5,0", "1|o,x", "1|o,99999999999999999,1,one,m1", "2", "None", "\x00", "abc;;;", ["a"], [None, None],
    [["1-1", ["d"]]], [["1-1", ["d", "[1]"]]], ["d", "x", "e"], {"a": 1}, deep(50), RecursionError("deep"),
]  # fmt: skip
"""What a script or a command may be said to have answered."""

fragments = st.sampled_from([
    "+", "-", "!", "|", ";", ",", "0", "1", "7", "-1", "99999999999999999999", "budget", "rate", "open", "o", "c", "h",
    "p:day_nano", "k|", "b|p", "h|r1.1", "x|", "[", "]", "{", "}", "null", '"', "true", "facts", "state", "queued", "d",
])  # fmt: skip
words = st.text(max_size=12) | st.lists(fragments, max_size=14).map("".join)
scalars = st.none() | st.integers(-(2**70), 2**70) | words
replies = st.recursive(scalars, lambda inner: st.lists(inner, max_size=9), max_leaves=20)


def is_sound(name: str, found: Any) -> None:
    """What is let through can be worked with: nothing that follows trips over it."""
    for change in getattr(found, "changes", ()):
        assert not isinstance(change, BreakerChange) or iso(change.until_ms)
    if name in {"admit", "next"} and isinstance(found, Admitted):
        assert min(found.index, found.attempt, found.generation, found.wait_ms) >= 0
    if name == "usage_records":
        for record in found.records:
            assert iso(record.at_ms)
            assert record.cost_nano + 0 == record.cost_nano


@pytest.mark.parametrize("name", OPERATIONS)
def test_each_lie_to_each_operation_is_an_error_of_the_store(name):
    """Nothing else ever comes out, and what is wrong is named without its content."""
    for lie in LIES:
        error, found = None, None
        try:
            found = at_once(OPERATIONS[name](lying(lie)))
        except StoreUnavailable as refused:
            error = refused
        if error:
            assert (error.status, error.detail[:12], error.retry_after_s) == (503, "unreadable: ", 5), lie
        else:
            assert not isinstance(lie, Exception), lie
            is_sound(name, found)


@pytest.mark.parametrize("name", sorted(OPERATIONS.keys() - BLIND))
def test_what_nothing_answers_is_refused_by_every_operation(name):
    """No operation takes a form that none of ours has for something harmless."""
    for lie in (7.5, {"a": 1}, RecursionError("deep"), "?" if name == "find_key" else "?;0,what,..", [[["x"]]]):
        if name == "read_input" and isinstance(lie, str):
            continue  # any text may be one
        with pytest.raises(StoreUnreadable, match="cannot be read"):
            at_once(OPERATIONS[name](lying(lie)))


@given(st.lists(replies, min_size=1, max_size=3))
@examples(100)
def test_any_answer_is_sound_or_an_error_of_the_store(lies):
    """Whatever comes, to every operation."""
    for name, operation in OPERATIONS.items():
        try:
            found = at_once(operation(lying(*lies)))
        except (StoreUnavailable, RecordRefused):
            continue
        is_sound(name, found)


@given(st.sampled_from(["admit", "next"]), words)
@examples(200)
def test_no_admission_is_about_a_candidate_that_there_is_not(name, lie):
    """The pipeline can use whatever passes, also where the store is told to be lenient."""
    ledger = ResilientLedger(lying(lie), ManualClock(), LogBacklog(Telemetry(level="CRITICAL")), degrade=True)
    try:
        found = at_once(OPERATIONS[name](ledger))
    except StoreUnavailable:
        return
    if isinstance(found, Refused):
        assert found.reported
        assert all(refusal.index == 0 for refusal in found.refusals)
    if isinstance(found, Admitted):
        assert found.index == 0


def test_an_unreadable_answer_lets_nobody_go_on():
    """Other than a store that is away, it may hide a limit; and it does not open the store's circuit for others."""
    good = "+0,1,0,0,0,0"
    store = lying(good)
    ledger = ResilientLedger(store, ManualClock(), LogBacklog(Telemetry(level="CRITICAL")), degrade=True)
    assert isinstance(at_once(ledger.admit(TICKET, [candidate()], TERMS)), Admitted)
    store._client = Liar(7)
    for _ in range(5):
        with pytest.raises(StoreUnreadable):
            at_once(ledger.admit(TICKET, [candidate()], TERMS))
    store._client = Liar(good)
    assert isinstance(at_once(ledger.admit(TICKET, [candidate()], TERMS)), Admitted)


RECORD = record_of(TICKET)


@pytest.mark.parametrize(
    "text",
    ["", "x", "[]", "[1]", "{}", "7", json.dumps([1, *["x"] * 23]), "[" * 20_000, "null"],
    ids=["empty", "word", "none", "few", "object", "number", "types", "deep", "null"],
)
@pytest.mark.parametrize("key", ["use:alpha:20261120", "use:alpha:20261120:12"])
async def test_one_bad_record_hides_no_others(redis, upstash, key, text):
    """It is left out and counted, and the page goes on behind it."""
    desk = await Desk(upstash).open()
    await desk.call("r1")
    redis.run("XADD", key, "*", "d", text)
    redis.run("XADD", key, "*", "other", text)
    await desk.call("r2")
    page = await upstash.usage_records("alpha", day=DAY, limit=10)
    assert ([record.request_id for record in page.records], page.unreadable) == (["r1", "r2"], 2)
    first = await upstash.usage_records("alpha", day=DAY, limit=3)
    assert ([record.request_id for record in first.records], first.unreadable) == (["r1"], 2)
    rest = await upstash.usage_records("alpha", day=DAY, after=first.cursor, limit=3)
    assert [record.request_id for record in rest.records] == ["r2"]


def test_a_record_whose_moment_has_no_date_is_none():
    """It would break whoever shows it."""
    late = replace(RECORD, at_ms=10**18)
    entries = [["1-1", ["d", layout.pack_record(late)]]]
    page = at_once(lying([None] * 24, entries).usage_records("alpha", day=DAY))
    assert (page.records, page.unreadable) == ((), 1)
