"""What providers say of their limits: heard once, shared by the fleet, never reopened by an answer that comes late."""

from __future__ import annotations

from dataclasses import replace

from gateway_core.domain.rates import RateView, ReportedLimit
from gateway_core.store.messages import Admitted, Refusal
from gateway_core.store.rate_limit import REPORT_LIFE_MS
from tests.contract.desk import NOON, candidate, settled

CHOSEN = candidate(tokens=900, likely_tokens=400)


def view(desk, requests=None, tokens=None, until=0, ago=0):
    """What an answer says that came `ago` ms before now; quotas are (limit, remaining, ms until the reset)."""
    seen = desk.now - ago

    def quota(told):
        limit, remaining, reset = told or (None, None, None)
        return ReportedLimit(limit, remaining, None if reset is None else seen + reset)

    return RateView(seen, quota(requests), quota(tokens), seen + until if until else 0)


async def hear(desk, request_id="told", chosen=CHOSEN, effect="ok", **said):
    """A request of its own whose answer says this."""
    answer = await desk.admitted(request_id, chosen, wait=3_600_000)
    await desk.settle(request_id, settled(answer, chosen, effect, rates=view(desk, **said)))


async def waits(desk, count, chosen=CHOSEN):
    """How long each of so many requests at once must wait."""
    return [(await desk.admitted(f"w{n}", chosen, wait=10_000_000)).wait_ms for n in range(count)]


async def test_nothing_is_known_at_first(desk):
    """Providers that say nothing are not limited, and leave no trace."""
    await desk.call("r1", chosen=CHOSEN)
    assert (await desk.state()).provider_limits is None
    assert await waits(desk, 50) == [0] * 50


async def test_what_remains_may_start_at_once_and_the_rest_is_spaced(desk):
    """Three left of sixty a minute: three at once, then one a second."""
    await hear(desk, requests=(60, 3, 57_000))
    assert await waits(desk, 6) == [0, 0, 0, 1000, 2000, 3000]


async def test_nobody_calls_a_model_that_has_nothing_left_before_its_reset(desk):
    """Whoever asks learns the moment to the millisecond."""
    await hear(desk, requests=(60, 0, 7000), until=7000)
    assert (await desk.admit("r1", CHOSEN)).main == Refusal(0, "rate", "deployment:reset", 7000)
    desk.at += 6999
    assert (await desk.admit("r1", CHOSEN)).main.retry_after_ms == 1
    desk.at += 1
    assert await waits(desk, 60) == [0] * 60


async def test_tokens_count_as_the_provider_will_count_them(desk):
    """By the likely number, not by the bound that money is held for."""
    await hear(desk, tokens=(60_000, 1000, 59_000))
    assert await waits(desk, 4) == [0, 0, 200, 600]


async def test_an_answer_that_comes_late_does_not_reopen_what_is_closed(desk):
    """Its request was admitted before that of the answer that closed it, and it knows less."""
    early, late = await desk.admitted("early", CHOSEN), await desk.admitted("late", CHOSEN)
    await desk.settle("late", settled(late, CHOSEN, rates=view(desk, requests=(60, 0, 5000), until=5000)))
    desk.at += 10
    await desk.settle("early", settled(early, CHOSEN, rates=view(desk, requests=(60, 40, 5000))))
    assert (await desk.admit("r1", CHOSEN)).main == Refusal(0, "rate", "deployment:reset", 4990)
    desk.at += 4990
    assert isinstance(await desk.admit("r1", CHOSEN), Admitted)


async def test_a_stale_number_does_not_overrule_a_later_one(desk):
    """What was admitted last knows best, whoever is heard first."""
    await hear(desk, requests=(60, 50, 10_000))
    early, late = await desk.admitted("early", CHOSEN), await desk.admitted("late", CHOSEN)
    await desk.settle("late", settled(late, CHOSEN, rates=view(desk, requests=(60, 1, 59_000))))
    await desk.settle("early", settled(early, CHOSEN, rates=view(desk, requests=(60, 2, 58_000))))
    assert (await desk.state()).provider_limits.requests.reported.remaining == 1
    assert await waits(desk, 2) == [0, 1000]


async def test_a_later_word_gives_room_back(desk):
    """An estimate of ours that was too high holds no longer than until the provider says so."""
    large = replace(CHOSEN, likely_tokens=30_000)
    await hear(desk, tokens=(60_000, 60_000, 0))
    first, second = await desk.admitted("r1", large), await desk.admitted("r2", large)
    assert (await desk.admit("r3", large)).main == Refusal(0, "rate", "deployment:tpm", 30_000)
    await desk.settle("r1", settled(first, large, rates=view(desk, tokens=(60_000, 59_000, 1000))))
    assert (await desk.admit("r3", large)).main.retry_after_ms == 1000  # r2 is still under way
    await desk.settle("r2", settled(second, large, rates=view(desk, tokens=(60_000, 58_000, 2000))))
    assert isinstance(await desk.admit("r3", large), Admitted)


async def test_what_is_under_way_counts(desk):
    """An answer does not know of requests that were admitted after its own."""
    await hear(desk, requests=(60, 59, 1000))
    first = await desk.admitted("first", CHOSEN)
    assert await waits(desk, 4) == [0] * 4
    await desk.settle("first", settled(first, CHOSEN, rates=view(desk, requests=(60, 5, 55_000))))
    assert (await desk.admitted("next", CHOSEN)).wait_ms == 0
    assert (await desk.admit("over", CHOSEN)).main == Refusal(0, "rate", "deployment:rpm", 1000)


async def test_our_own_limit_stays_the_least(desk):
    """A provider with plenty of room does not loosen what we configured."""
    strict = replace(CHOSEN, rpm=1)
    await hear(desk, chosen=strict, requests=(6000, 5999, 10))
    assert (await desk.admit("r1", strict)).main == Refusal(0, "rate", "provider:rpm", 60_000)


async def test_limits_are_those_of_one_deployment(desk):
    """Another model of the same provider has room of its own."""
    await hear(desk, requests=(60, 0, 7000), until=7000)
    other = candidate("m2")
    answer = await desk.admitted("r1", CHOSEN, other)
    assert (answer.index, answer.wait_ms) == (1, 0)
    assert answer.passed_over == (Refusal(0, "rate", "deployment:reset", 7000),)


async def test_who_can_start_now_goes_before_who_must_wait(desk):
    """Also when the wait would be short enough."""
    await hear(desk, requests=(60, 0, 7000), until=7000)
    answer = await desk.admitted("r1", CHOSEN, candidate("m2", "two"), wait=10_000)
    assert (answer.index, answer.wait_ms) == (1, 0)


async def test_an_old_word_is_forgotten(desk):
    """A provider that says nothing any more limits nobody."""
    await hear(desk, requests=(1, 1, 0))
    assert await waits(desk, 2) == [0, 60_000]
    desk.at += REPORT_LIFE_MS + 1
    assert [(await desk.admitted(f"x{n}", CHOSEN)).wait_ms for n in range(3)] == [0, 0, 0]


async def test_what_fails_is_heard_as_well(desk):
    """A 429 without Retry-After counts as a failure, and its reset header still holds."""
    await hear(desk, effect="limit", requests=(60, 0, 5000), until=5000)
    state = await desk.state()
    assert (state.state, state.failures, state.provider_limits.until_ms) == ("closed", 1, NOON + 5000)


async def test_the_same_settlement_twice_is_heard_once(desk):
    """A lost answer is asked for again; what was said meanwhile stands."""
    await hear(desk, requests=(60, 60, 0))
    first, second = await desk.admitted("r1", CHOSEN), await desk.admitted("r2", CHOSEN)
    ended = settled(first, CHOSEN, rates=view(desk, requests=(60, 10, 50_000)))
    await desk.settle("r1", ended)
    await desk.settle("r2", settled(second, CHOSEN, rates=view(desk, requests=(60, 40, 20_000))))
    before = await desk.state()
    assert await desk.settle("r1", ended) is False
    assert await desk.state() == before


async def test_next_hears_and_admits_in_one_step(desk):
    """The fallback is chosen with what the failed attempt has learned of its own deployment."""
    answer = await desk.admitted("r1", CHOSEN)
    ended = settled(answer, CHOSEN, "limit", rates=view(desk, requests=(60, 0, 5000), until=5000))
    fallback = await desk.next("r1", ended, CHOSEN, candidate("m2", "two"), wait=60_000)
    assert (fallback.index, fallback.passed_over) == (1, (Refusal(0, "rate", "deployment:reset", 5000),))


async def test_retry_after_counts_whatever_keeps_the_candidates(desk):
    """One waits for its limit, one for its breaker: the request can start when the first of them can."""
    slow, broken = candidate("slow", "one", rpm=1), candidate("broken", "two")
    await desk.admitted("r1", slow)
    await desk.call("r2", "limit", broken, retry_after_ms=4000)
    assert (await desk.admit("r3", slow, broken)).reported == Refusal(0, "rate", "provider:rpm", 4000)


async def test_a_limit_ends_no_sooner_because_another_candidate_is_probed(desk):
    """Retry-After is the moment at which the limit ends, not the second after which a probe may be asked about."""
    limited, probed = candidate("limited", "one", rpm=3), candidate("probed", "two")
    await desk.call("broken", "limit", probed, retry_after_ms=20_000)
    desk.at += 20_000
    assert (await desk.admitted("probe", probed)).probe
    for number in range(3):
        await desk.admitted(f"r{number}", limited)
    for passed_ms in (0, 1000, 1000):
        desk.at += passed_ms
        refused = await desk.admit("asking", limited, probed)
    assert refused.reported == Refusal(0, "rate", "provider:rpm", 18_000)
    assert [refusal.scope for refusal in refused.refusals] == ["provider:rpm", "probe"]


async def test_a_limited_candidate_that_rests_as_well_names_the_later_moment(desk):
    """Free of its limit it would still be open."""
    both = candidate(rpm=1)
    await desk.call("r1", "limit", both, retry_after_ms=90_000)
    assert (await desk.admit("r2", both)).main == Refusal(0, "rate", "provider:rpm", 90_000)
