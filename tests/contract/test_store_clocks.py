"""Processes whose clocks are wrong, beside others: nobody is shut out, and a debt is no wrong clock."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from gateway_core.adapters.clock import SystemClock
from gateway_core.adapters.memory import MemoryStore
from gateway_core.adapters.upstash import UpstashStore
from gateway_core.domain.rates import RateView, ReportedLimit
from gateway_core.store.messages import Admitted, Refused
from gateway_core.store.rate_limit import LATEST_US
from gateway_core.store.response_cache import Hit
from tests.contract.desk import Desk, candidate, settled
from tests.contract.wire import at_once, wired_store
from tests.patience import patience
from tests.properties import examples

HOUR = 3_600_000


@pytest.fixture
def ahead(desk):
    """The same key at the same store, in a process whose clock is an hour ahead."""

    def now() -> Desk:
        return replace(desk, at=desk.at + HOUR)

    return now


async def test_a_clock_that_is_ahead_does_not_shut_a_key_out(desk, ahead):
    """Whoever comes next waits for its own share of the minute."""
    await desk.open(rpm=60)
    for number in range(3):
        await ahead().admitted(f"a{number}")
    assert (await desk.admitted("r1", wait=5000)).wait_ms == 1000
    assert (await desk.admitted("r2", wait=5000)).wait_ms == 2000


async def test_a_clock_that_goes_on_being_ahead_does_not_either(desk, ahead):
    """Both processes serve the key in turn."""
    await desk.open(rpm=60, tpm=6000)
    for number in range(20):
        await ahead().admitted(f"a{number}", candidate(tokens=100, rpm=60, tpm=6000))
        answer = await desk.admitted(f"r{number}", candidate(tokens=100, rpm=60, tpm=6000), wait=5000)
        assert answer.wait_ms <= 1000
        desk.at += 500


async def test_who_is_refused_after_a_wrong_clock_is_told_the_truth(desk, ahead):
    """A minute at most, which is then over: a refusal puts right what it found."""
    await desk.open(rpm=1)
    await ahead().admitted("a1")
    assert (await desk.admit("r1")).main.retry_after_ms == 60_000
    desk.at += 59_000
    assert (await desk.admit("r1")).main.retry_after_ms == 1000
    desk.at += 1000
    assert isinstance(await desk.admit("r1"), Admitted)


async def test_kept_answers_are_not_shut_out(desk, ahead):
    """They take a place among the key's requests."""
    await desk.open(rpm=1)
    await desk.keep("e", "kept", ttl_s=10**6)
    await ahead().look_up("a1")
    refused = await desk.look_up("r1", "e")
    assert isinstance(refused, Refused)
    assert refused.main.retry_after_ms == 60_000
    desk.at += 60_000
    assert isinstance(await desk.look_up("r1", "e"), Hit)


async def test_a_breaker_that_a_wrong_clock_opened_rests_from_now(desk, ahead):
    """Its cool-down counts from the first look at it, also where that is a refusal."""
    for number in range(5):
        wrong = ahead()
        chosen = candidate()
        await wrong.settle(f"a{number}", settled(await wrong.admitted(f"a{number}"), chosen, "fail"))
    assert (await desk.admit("r1")).main.retry_after_ms == 30_000
    desk.at += 29_000
    assert (await desk.admit("r1")).main.retry_after_ms == 1000
    desk.at += 1000
    assert (await desk.admitted("r1")).probe


async def test_a_lease_of_a_wrong_clock_ends(desk, ahead):
    """A probe that dies with its process lets the next one through a lease later."""
    chosen = candidate()
    for number in range(5):
        await desk.call(f"r{number}", "fail", chosen)
    assert (await ahead().admitted("a1")).probe
    assert (await desk.admit("r6")).main.retry_after_ms == 60_000
    desk.at += 60_000
    assert (await desk.admitted("r6")).probe


async def test_a_providers_word_holds_for_as_long_as_it_said(desk):
    """Ten minutes of Retry-After are no sign of a wrong clock, nor is an hour."""
    chosen = candidate()
    await desk.call("r1", "limit", chosen, retry_after_ms=HOUR)
    desk.at += HOUR - 1
    assert (await desk.admit("r2")).main.retry_after_ms == 1
    desk.at += 1
    assert (await desk.admitted("r2")).probe


async def test_what_a_provider_reported_to_a_wrong_clock_counts_from_now(desk, ahead):
    """A reset in five seconds is one in five seconds."""
    wrong, chosen = ahead(), candidate(likely_tokens=1)
    told = RateView(wrong.now, ReportedLimit(60, 0, wrong.now + 5000), until_ms=wrong.now + 5000)
    await wrong.call("a1", "ok", chosen, rates=told)
    refused = await desk.admit("r1", chosen)
    assert isinstance(refused, Refused)
    assert 5000 <= refused.main.retry_after_ms <= 66_000
    desk.at += refused.main.retry_after_ms
    assert isinstance(await desk.admit("r1", chosen), Admitted)


@pytest.mark.parametrize("bucket", ["provider:tpm", "key"])
async def test_a_debt_is_paid_back_whole(desk, bucket):
    """A limit of 100 tokens a minute that an answer of 407 met: three minutes and seven hundredths, then the next."""
    if bucket == "key":
        await desk.open(tpm=100)
    chosen = candidate(tokens=2000, tpm=0 if bucket == "key" else 100)
    one = replace(chosen, hold_tokens=1)
    await desk.call("r1", chosen=chosen, charge_tokens=407)
    refused = await desk.admit("r2", one)
    assert refused.main.retry_after_ms == 184_800
    assert (await desk.admit("r2", chosen)).main.retry_after_ms == 244_200
    desk.at += 184_799
    assert (await desk.admit("r2", one)).main.retry_after_ms == 1
    desk.at += 1
    assert isinstance(await desk.admit("r2", one), Admitted)


@pytest.mark.parametrize("bucket", ["provider:tpm", "key"])
async def test_a_debt_has_no_cap(desk, bucket):
    """A hundred minutes' worth is paid back in a hundred minutes, however often somebody asks meanwhile."""
    if bucket == "key":
        await desk.open(tpm=1000)
    chosen = candidate(tokens=1000, tpm=0 if bucket == "key" else 1000)
    await desk.call("r1", chosen=chosen, charge_tokens=100_000)
    for minutes in range(100):
        assert (await desk.admit("r2", chosen)).main.retry_after_ms == (100 - minutes) * 60_000
        desk.at += 60_000
    assert isinstance(await desk.admit("r2", chosen), Admitted)


async def test_a_fallback_knows_of_the_debt_of_the_attempt_before(desk):
    """`next` settles the one and asks for the other in a single step."""
    await desk.open(tpm=100)
    first, second = candidate("m1", tokens=100), candidate("m2", "two", tokens=100)
    ended = settled(await desk.admitted("r1", first), first, "fail", charge_tokens=1000)
    assert (await desk.next("r1", ended, second)).main.retry_after_ms == 600_000
    desk.at += 599_999
    assert (await desk.admit("r2", second)).main.retry_after_ms == 1


async def test_a_debt_outlives_a_wrong_clock(desk, ahead):
    """What was used under it is owed, and paid back from now on."""
    await desk.open(tpm=100)
    await ahead().call("a1", chosen=candidate(tokens=100), charge_tokens=400)
    one = candidate(tokens=1)
    assert (await desk.admit("r1", one)).main.retry_after_ms == 180_600
    desk.at += 180_600
    assert isinstance(await desk.admit("r1", one), Admitted)


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["right", "ahead", "right"]),
        st.sampled_from([0, 100, 5000, 61_000]),
        st.sampled_from([1, 30, 100, 2000]),
        st.none() | st.sampled_from([0, 30, 407, 5000]),
        st.sampled_from([0, 5000]),
    ),
    max_size=12,
)
AHEAD = st.sampled_from([400_000, HOUR, 90 * 86_400_000])


@pytest.fixture
def wired(redis_server):
    """A store of a connection of its own."""
    store = wired_store(redis_server.port)
    yield store
    at_once(store.close())


@given(STEPS, AHEAD)
@examples(60, suppress_health_check=list(HealthCheck))
def test_scripts_and_models_agree_on_wrong_clocks_and_debts(wired, steps, ahead_ms):
    """Any history gives the same answers, and a right clock waits for shares of a minute and debts alone."""
    at_once(wired._client.execute("FLUSHALL"))
    desks = [at_once(Desk(store).open(rpm=30, tpm=100)) for store in (MemoryStore(), wired)]
    owed_ms = 0
    for number, (clock, pause_ms, tokens, used, wait) in enumerate(steps):
        chosen = candidate(tokens=tokens, rpm=31, tpm=101)
        answers = []
        for desk in desks:
            desk.at += pause_ms
            there = replace(desk, at=desk.at + ahead_ms) if clock == "ahead" else desk
            answer = at_once(there.admit(f"r{number}", chosen, wait=wait))
            answers.append(answer)
            if isinstance(answer, Admitted) and used is not None:
                at_once(there.settle(f"r{number}", settled(answer, chosen, charge_tokens=used, tpm=101, rpm=31)))
        assert answers[0] == answers[1]
        if isinstance(answers[0], Admitted) and used is not None:
            owed_ms += used * 600
        if clock == "right" and isinstance(answers[0], Refused):
            assert answers[0].main.retry_after_ms <= 60_000 + LATEST_US // 1000 + owed_ms


async def test_a_process_goes_by_the_stores_time(redis):
    """Its first trip tells it, unless that was slow: one that is minutes ahead takes no place that others wait for."""
    true = SystemClock()
    clock = SystemClock(lambda: true.now_ms() + 300_000)
    store = UpstashStore(redis.url, redis.token, connect_timeout_s=30, timeout_s=30, clock=clock)
    async with asyncio.timeout(patience(30)):
        while clock.now_ms() > true.now_ms() + 60_000:
            await store.find_key("alpha", "nobody's")
    await store.close()
