"""Kept answers: who may look them up, what a hit takes, and that its record is written once."""

import asyncio
from dataclasses import replace

import pytest

from gateway_core.adapters.degraded import ResilientLedger
from gateway_core.domain.errors import StoreUnavailable
from gateway_core.ports.replaying import replay
from gateway_core.store.messages import Refused, StaleCaller, Terms
from gateway_core.store.records import Unsettled
from gateway_core.store.response_cache import Hit, Miss
from tests.contract.desk import DIGEST, POLICY, Desk, record_of
from tests.manual_clock import ManualClock

HIT = {"attempts": 0, "cache_hit": True, "input_nano": 0, "output_nano": 0}


async def test_what_was_kept_is_found(desk):
    """Any text, as it was."""
    text = '1j{"a": "é ; | \\n 漢 \U0001f600"}'
    await desk.keep("e1", text)
    assert await desk.look_up("r1", "e1") == Hit(text)
    await desk.keep("e1", "newer")
    assert await desk.look_up("r2", "e1") == Hit("newer")


async def test_what_was_not_kept_is_a_miss_that_changes_nothing(desk):
    """It takes no place, and is recorded by its own attempts only."""
    await desk.open(rpm=1)
    for number in range(3):
        assert await desk.look_up(f"r{number}", "e1") == Miss()
    assert not await desk.settle("r1", None, **HIT)
    assert await desk.records() == []
    assert await desk.call("r1")


async def test_answers_stay_in_their_project(store):
    """The same entry of another project is another one."""
    desk, other = await Desk(store).open(), await Desk(store, project="beta").open()
    await desk.keep("e1", "alpha's")
    assert await other.look_up("r1", "e1") == Miss()
    await other.keep("e1", "beta's")
    assert await desk.look_up("r1", "e1") == Hit("alpha's")


async def test_an_admin_key_looks_up_in_the_project_it_works_for(store):
    """Its rights are those at home."""
    home = await Desk(store).open()
    await home.store.keep("beta", "e1", "beta's", ttl_s=60, now_ms=home.now)
    abroad = {"project_id": "beta", "key_project_id": "alpha"}
    assert await home.look_up("r1", "e1", **abroad) == Hit("beta's")
    assert await home.look_up("r2", "e1") == Miss()


@pytest.mark.parametrize("changes", [{"rights_tag": "0" * 40}, {"digest": "0" * 64}])
async def test_a_key_that_changed_or_is_unknown_looks_nothing_up(desk, changes):
    """As at an admission: it is looked up anew."""
    await desk.keep("e1", "value")
    assert await desk.look_up("r1", "e1", **changes) == StaleCaller()
    assert not await desk.settle("r1", None, **HIT)


async def test_a_revoked_key_has_no_hits(desk):
    """Whether the answer is in the store or the caller's already."""
    await desk.keep("e1", "value")
    await desk.store.revoke_key(desk.key_id, now_ms=desk.now)
    assert await desk.look_up("r1", "e1") == StaleCaller()
    assert await desk.look_up("r1", None) == StaleCaller()


async def test_who_has_the_answer_already_is_only_counted(desk):
    """Nothing is kept, and it is a hit."""
    await desk.open(rpm=1)
    assert await desk.look_up("r1") == Hit("")
    assert isinstance(await desk.look_up("r2"), Refused)


async def test_hits_and_calls_share_the_keys_requests_a_minute(desk):
    """One bucket; a hit that is refused says when it could be, and one that may wait is told for how long."""
    await desk.open(rpm=2)
    await desk.keep("e1", "value")
    await desk.call("r1")
    assert await desk.look_up("r2", "e1") == Hit("value")
    refused = await desk.look_up("r3", "e1", wait=29_999)
    assert isinstance(refused, Refused)
    assert (refused.main.reason, refused.main.scope) == ("rate", f"k:{desk.key_id}:rpm")
    assert refused.main.retry_after_ms == 30_000
    assert await desk.look_up("r3", "e1", wait=30_000) == Hit("value", 30_000)
    assert isinstance(await desk.admit("r4", wait=59_999), Refused)
    assert (await desk.admitted("r4", wait=60_000)).wait_ms == 60_000


async def test_a_hit_needs_no_money_and_no_tokens(desk):
    """Neither budgets nor the key's tokens a minute are asked."""
    await desk.open(tpm=1, day_nano=0, month_tokens=0)
    await desk.budget(day_nano=0)
    assert await desk.hit("r1")
    assert await desk.money() == (0, 0)


async def test_a_copy_of_a_look_up_takes_no_second_place(desk):
    """It answers the same, even where there is no place left."""
    await desk.open(rpm=2)
    await desk.keep("e1", "value")
    first = await desk.look_up("r1", "e1")
    assert await desk.look_up("r1", "e1") == first == Hit("value")
    assert await desk.look_up("r2", "e1") == Hit("value")
    late = await desk.look_up("r3", "e1", wait=60_000)
    assert await desk.look_up("r3", "e1", wait=60_000) == late == Hit("value", 30_000)
    assert await desk.look_up("r1", "e1") == first


async def test_a_hit_is_recorded_once(desk):
    """By its look-up alone: what was not looked up, or is recorded, is not written."""
    assert not await desk.settle("r1", None, **HIT)
    assert await desk.hit("r1")
    assert not await desk.settle("r1", None, **HIT)
    total = (await desk.counters())["c|20"]
    assert (total.requests, total.cache_hits, total.cost_nano) == (1, 1, 0)
    (record,) = await desk.records()
    assert record.cache_hit


async def test_a_hit_that_is_not_good_may_still_be_called(desk):
    """Its look-up stands in no admission's way."""
    await desk.keep("e1", "damaged")
    assert isinstance(await desk.look_up("r1", "e1"), Hit)
    assert await desk.call("r1", charge_nano=70)
    assert await desk.money() == (70, 0)
    assert len(await desk.records()) == 1


async def test_many_hits_at_once_are_all_counted(desk):
    """Each takes its place and has its record."""
    await desk.open(rpm=20)
    await desk.keep("e1", "value")
    found = await asyncio.gather(*(desk.look_up(f"r{number}", "e1") for number in range(40)))
    assert [isinstance(each, Hit) for each in found].count(True) == 20
    await asyncio.gather(*(desk.settle(f"r{number}", None, **HIT) for number in range(40)))
    assert (await desk.counters())["c|20"].cache_hits == 20


async def test_a_hit_whose_record_waited_in_the_backlog_is_written_once(desk):
    """However often it is replayed, and whether or not the store had heard of it."""
    await desk.look_up("r1")
    ticket = desk.ticket("r1")
    unsettled = Unsettled(ticket, (), None, record_of(ticket, **HIT))
    terms = Terms(desk.now, POLICY)
    written = [(await replay(desk.store, unsettled, terms)).written for _ in range(3)]
    assert written == [True, False, False]


class Away:
    """A store that does not answer; it counts who asks."""

    def __init__(self):
        self.asked = 0

    async def look_up(self, *args):
        self.asked += 1
        raise StoreUnavailable("away")

    async def keep(self, *args, **kwargs):
        self.asked += 1
        raise StoreUnavailable("away")


class Shelf:
    """A backlog that remembers."""

    async def put(self, unsettled, error):
        raise AssertionError("nothing was to be settled")


async def test_a_store_that_is_known_to_be_away_is_not_asked():
    """Look-ups and admissions share one circuit: after three failures nobody waits for a deadline."""
    away, desk = Away(), Desk(Away())
    ledger = ResilientLedger(away, ManualClock(), Shelf(), degrade=True)
    desk.store = ledger
    for number in range(5):
        with pytest.raises(StoreUnavailable):
            await desk.look_up(f"r{number}", "e1")
    with pytest.raises(StoreUnavailable):
        await desk.keep("e1", "value")
    assert away.asked == 3


async def test_a_resilient_store_answers_what_the_store_does(desk):
    """Nothing is added on the way."""
    through = replace(desk, store=ResilientLedger(desk.store, ManualClock(), Shelf(), degrade=True))
    await through.keep("e1", "value")
    assert await through.look_up("r1", "e1") == Hit("value")
    assert through.ticket().digest == DIGEST


async def test_memory_forgets_an_answer_when_its_time_is_over():
    """As Redis does by itself."""
    from gateway_core.adapters.memory import MemoryStore  # noqa: PLC0415

    desk = await Desk(MemoryStore()).open()
    await desk.keep("e1", "value", ttl_s=60)
    desk.at = 59_999
    assert await desk.look_up("r1", "e1") == Hit("value")
    desk.at = 60_000
    assert await desk.look_up("r2", "e1") == Miss()
