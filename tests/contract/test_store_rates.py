"""Rate limits of providers and keys: exact, fair, shared by the fleet."""

import asyncio

import pytest

from gateway_core.store.messages import Admitted, Refusal, Refused
from tests.contract.desk import candidate, settled


async def test_a_minutes_worth_may_come_at_once_and_then_one_by_one(desk):
    """60 a minute: sixty at once pass, the others learn to the millisecond when a slot is free."""
    chosen = candidate(rpm=60)
    answers = await asyncio.gather(*(desk.admit(f"r{i}", chosen) for i in range(70)))
    assert sum(isinstance(answer, Admitted) for answer in answers) == 60
    assert await desk.admit("late", chosen) == Refused((Refusal(0, "rate", "provider:rpm", 1000),))
    desk.at += 999
    assert (await desk.admit("late", chosen)).main.retry_after_ms == 1
    desk.at += 1
    assert isinstance(await desk.admit("late", chosen), Admitted)


async def test_who_waits_has_a_slot_of_its_own(desk):
    """Waiting is a queue without polling: each waits one interval longer than the one before."""
    chosen = candidate(rpm=2)
    answers = [await desk.admitted(f"r{i}", chosen, wait=90_000) for i in range(5)]
    assert [answer.wait_ms for answer in answers] == [0, 0, 30_000, 60_000, 90_000]
    assert await desk.admit("r6", chosen, wait=90_000) == Refused((Refusal(0, "rate", "provider:rpm", 120_000),))


async def test_tokens_are_reserved_by_the_bound_and_corrected_by_the_charge(desk):
    """What an answer did not use is there for the next request."""
    chosen = candidate(tokens=1000, tpm=1000)
    answer = await desk.admitted("r1", chosen)
    assert (await desk.admit("r2", chosen)).main == Refusal(0, "rate", "provider:tpm", 60_000)
    await desk.settle("r1", settled(answer, chosen, charge_tokens=400))
    assert (await desk.admit("r2", chosen)).main == Refusal(0, "rate", "provider:tpm", 24_000)
    desk.at += 24_000
    assert isinstance(await desk.admit("r2", chosen), Admitted)


async def test_more_tokens_than_the_limit_take_one_minutes_worth(desk):
    """A request larger than the limit is not shut out for ever."""
    chosen = candidate(tokens=5000, tpm=1000)
    assert (await desk.admitted("r1", chosen)).wait_ms == 0
    assert (await desk.admit("r2", chosen)).main.retry_after_ms == 60_000


async def test_an_unconfirmed_attempt_gives_no_tokens_back(desk):
    """The provider may have counted them."""
    chosen = candidate(tokens=1000, tpm=1000)
    answer = await desk.admitted("r1", chosen)
    await desk.settle("r1", settled(answer, chosen, "fail", unconfirmed=True))
    assert (await desk.admit("r2", chosen)).main.retry_after_ms == 60_000


async def test_the_limits_of_a_key_hold_for_all_providers(desk):
    """A key's requests and tokens a minute, whoever serves them."""
    await desk.open(rpm=2, tpm=1000)
    first, second = candidate("m1", "one", tokens=600), candidate("m2", "two", tokens=400)
    answer = await desk.admitted("r1", first)
    await desk.admitted("r2", second)
    assert (await desk.admit("r3", second)).main == Refusal(0, "rate", f"k:{desk.key_id}:rpm", 30_000)
    desk.at += 30_000
    large = candidate("m3", "three", tokens=800)
    assert (await desk.admit("r3", large)).main == Refusal(0, "rate", f"k:{desk.key_id}:tpm", 18_000)
    await desk.settle("r1", settled(answer, first, charge_tokens=300))
    assert isinstance(await desk.admit("r3", large), Admitted)


async def test_next_gives_a_keys_tokens_back_before_it_asks_for_more(desk):
    """A failed attempt that used no tokens leaves them to its fallback."""
    await desk.open(tpm=1000)
    first, second = candidate("m1", "one", tokens=1000), candidate("m2", "two", tokens=1000)
    ended = settled(await desk.admitted("r1", first), first, "fail")
    assert isinstance(await desk.next("r1", ended, second), Admitted)


async def test_the_longest_of_several_waits_counts(desk):
    """All limits must be met: the slowest names itself."""
    await desk.open(rpm=1)
    chosen = candidate(rpm=2)
    await desk.admitted("r1", chosen)
    assert (await desk.admit("r2", chosen)).main == Refusal(0, "rate", f"k:{desk.key_id}:rpm", 60_000)


async def test_a_clock_that_is_behind_refills_nothing(desk):
    """A machine whose clock is late waits for the others' time to come."""
    chosen = candidate(rpm=1)
    await desk.admitted("r1", chosen)
    desk.at -= 5000
    assert (await desk.admit("r2", chosen)).main.retry_after_ms == 65_000


def rounded_up(value, divisor):
    return -(-value // divisor)


@pytest.mark.parametrize("rate", [1, 7, 11, 13, 17, 23, 49, 59, 61, 97, 701, 999_983])
async def test_no_rate_is_rounded_in_its_favour(desk, rate):
    """After a full minute's worth, one more waits for its whole share of a minute, rounded up, in both languages."""
    asked = candidate(nano=0, tokens=rate, tpm=rate)
    await desk.admitted("all", asked)
    for units in sorted({1, min(2, rate), rate // 2 + 1, rate}):
        one = candidate(nano=0, tokens=units, tpm=rate)
        refused = await desk.admit(f"r{units}", one)
        assert isinstance(refused, Refused)
        assert refused.main.retry_after_ms == rounded_up(rounded_up(units * 60_000_000, rate), 1000)
