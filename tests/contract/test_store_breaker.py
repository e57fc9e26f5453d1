"""One circuit breaker for the whole fleet."""

import asyncio

import pytest

from gateway_core.store.deployment_state import Measured
from gateway_core.store.messages import STALE_MS, Admitted, Refusal, Refused
from tests.contract.desk import candidate, settled

CHEAP = candidate(nano=0, tokens=0)


async def fail(desk, count, start=0):
    for i in range(start, start + count):
        await desk.call(f"fail-{i}", "fail", CHEAP)


async def trip(desk):
    """Open the breaker at noon, and move on to the moment when it lets a probe through."""
    await fail(desk, 5)
    desk.at += 30_000


async def test_the_fifth_failure_in_a_row_opens_for_thirty_seconds(desk):
    """Until then nobody calls the deployment, and everybody knows how long."""
    await fail(desk, 4)
    assert isinstance(await desk.admit("r1", CHEAP), Admitted)
    await fail(desk, 1, start=4)
    desk.at += 100
    assert await desk.admit("r2", CHEAP) == Refused((Refusal(0, "breaker_open", "", 29_900),))
    assert (await desk.state()).state == "open"


async def test_a_success_starts_the_count_anew(desk):
    """Only failures in a row count."""
    await fail(desk, 4)
    await desk.call("good", "ok", CHEAP)
    await fail(desk, 4, start=4)
    assert (await desk.state()).state == "closed"


async def test_failures_older_than_the_window_do_not_count(desk):
    """Five failures spread over more than a minute are not an outage."""
    await fail(desk, 4)
    desk.at += 60_001
    await fail(desk, 1, start=4)
    assert ((await desk.state()).state, (await desk.state()).failures) == ("closed", 1)


async def test_skip_says_nothing(desk):
    """What the caller caused cannot open a breaker for others."""
    for i in range(10):
        await desk.call(f"skip-{i}", "skip", CHEAP)
    assert (await desk.state()).failures == 0


async def test_of_many_at_half_open_one_is_the_probe(desk):
    """However many ask at once, one of them goes."""
    await trip(desk)
    answers = await asyncio.gather(*(desk.admit(f"p{i}", CHEAP) for i in range(20)))
    probes = [answer for answer in answers if isinstance(answer, Admitted)]
    assert [probe.probe for probe in probes] == [True]


async def test_who_finds_a_probe_under_way_is_to_ask_again_in_a_second(desk):
    """Not when the lease ends: most probes are done long before."""
    await trip(desk)
    await desk.admitted("probe", CHEAP)
    answer = await desk.admit("r1", CHEAP)
    assert isinstance(answer, Refused)
    assert answer.refusals == (Refusal(0, "breaker_open", "probe", desk.policy.lease_ms),)
    assert answer.reported.retry_after_ms == 1000


async def test_a_successful_probe_closes(desk):
    """The deployment is back, with a clean record."""
    await trip(desk)
    await desk.call("probe", "ok", CHEAP)
    state = await desk.state()
    assert (state.state, state.failures) == ("closed", 0)
    assert (await desk.admitted("r1", CHEAP)).probe is False


async def test_each_failed_probe_doubles_the_rest_up_to_a_cap(desk):
    """30 s, then 60, 120, 240, 480 and no more."""
    await trip(desk)
    rests = []
    for i in range(6):
        await desk.call(f"probe-{i}", "fail", CHEAP)
        refused = await desk.admit("r", CHEAP)
        rests.append(refused.main.retry_after_ms)
        desk.at += rests[-1]
    assert rests == [60_000, 120_000, 240_000, 480_000, 480_000, 480_000]


async def test_after_a_recovery_the_rest_is_short_again(desk):
    """A successful probe forgets the doubling."""
    await trip(desk)
    await desk.call("probe-1", "fail", CHEAP)
    desk.at += 60_000
    await desk.call("probe-2", "ok", CHEAP)
    await fail(desk, 5, start=10)
    assert (await desk.admit("r", CHEAP)).main.retry_after_ms == 30_000


async def test_a_probe_that_proved_nothing_hands_its_slot_on(desk):
    """A probe that ended as `skip` lets the next request probe at once."""
    await trip(desk)
    await desk.call("probe-1", "skip", CHEAP)
    assert (await desk.admitted("probe-2", CHEAP)).probe is True


async def test_a_dead_probe_is_replaced_when_its_lease_ends(desk):
    """A process that died cannot keep the deployment closed off, and its late answer means nothing."""
    await trip(desk)
    dead = await desk.admitted("probe-1", CHEAP)
    desk.at += 59_999
    assert await desk.admit("r", CHEAP) == Refused((Refusal(0, "breaker_open", "probe", 1),))
    desk.at += 1
    alive = await desk.admitted("probe-2", CHEAP)
    assert alive.probe is True
    await desk.settle("probe-1", settled(dead, CHEAP, "ok"))
    assert (await desk.state()).state == "half_open"
    await desk.settle("probe-2", settled(alive, CHEAP, "ok"))
    assert (await desk.state()).state == "closed"


async def test_the_lease_of_a_probe_that_waits_starts_with_its_slot(desk):
    """A probe that has to wait for the rate limit keeps its lease for as long as any other."""
    slow = candidate(nano=0, tokens=0, rpm=1)
    await fail(desk, 5)
    await desk.admitted("fill", candidate("m9", nano=0, tokens=0, rpm=1))
    desk.at += 30_000
    probe = await desk.admitted("probe", slow, wait=30_000)
    assert (probe.wait_ms, probe.probe) == (30_000, True)
    assert (await desk.state()).until_ms == desk.now + 30_000 + 60_000


async def test_answers_from_before_a_trip_change_nothing(desk):
    """A call that began before the breaker opened neither closes it nor prolongs it."""
    early = [await desk.admitted(f"early-{i}", CHEAP) for i in range(2)]
    await fail(desk, 5)
    before = await desk.state()
    await desk.settle("early-0", settled(early[0], CHEAP, "ok"))
    await desk.settle("early-1", settled(early[1], CHEAP, "fail"))
    after = await desk.state()
    assert (after.state, after.until_ms, after.failures) == (before.state, before.until_ms, before.failures)


async def test_a_limit_with_a_known_end_opens_at_once_whatever_its_generation(desk):
    """One 429 with Retry-After is enough, and it is no trip: the next failure rests for 30 s as ever."""
    early = await desk.admitted("early", CHEAP)
    await fail(desk, 5)
    await desk.settle("early", settled(early, CHEAP, "limit", retry_after_ms=45_000))
    assert (await desk.admit("r", CHEAP)).main.retry_after_ms == 45_000
    desk.at += 45_000
    await desk.call("probe", "fail", CHEAP)
    assert (await desk.admit("r", CHEAP)).main.retry_after_ms == 60_000


async def test_a_deadline_only_moves_later(desk):
    """A shorter Retry-After, or a clock that is behind, does not reopen the road early."""
    calls = [await desk.admitted(f"c{i}", CHEAP) for i in range(3)]
    await desk.settle("c0", settled(calls[0], CHEAP, "limit", retry_after_ms=20_000))
    await desk.settle("c1", settled(calls[1], CHEAP, "limit", retry_after_ms=5_000))
    assert (await desk.admit("r", CHEAP)).main.retry_after_ms == 20_000
    desk.at -= 50_000
    await desk.settle("c2", settled(calls[2], CHEAP, "limit", retry_after_ms=5_000))
    desk.at += 50_000
    assert (await desk.admit("r", CHEAP)).main.retry_after_ms == 20_000


async def test_a_limit_without_an_end_counts_as_a_failure(desk):
    """Five of them open the breaker like any five failures."""
    for i in range(5):
        await desk.call(f"limit-{i}", "limit", CHEAP)
    assert (await desk.state()).state == "open"


async def test_a_limit_during_a_probe_outweighs_its_success(desk):
    """The provider named a time; a probe that was under way does not close the breaker before it."""
    early = await desk.admitted("early", CHEAP)
    await trip(desk)
    probe = await desk.admitted("probe", CHEAP)
    await desk.settle("early", settled(early, CHEAP, "limit", retry_after_ms=9000))
    await desk.settle("probe", settled(probe, CHEAP, "ok"))
    assert (await desk.admit("r", CHEAP)).main.retry_after_ms == 9000


async def test_attempts_without_the_store_do_not_touch_the_breaker(desk):
    """Nobody knows which generation they belong to."""
    for i in range(5):
        await desk.settle(f"r{i}", settled(Admitted(0, 1, -1, probe=False), CHEAP, "fail"))
    assert (await desk.state()).failures == 0


async def test_latency_is_a_moving_average_of_successes(desk):
    """Alpha 0.2; failures are not fast answers."""
    for i, (effect, latency) in enumerate([("ok", 1000), ("fail", 1), ("ok", 2000), ("ok", 501)]):
        await desk.call(f"r{i}", effect, CHEAP, latency_ms=latency)
    assert (await desk.state()).whole_answer == Measured(1060.2, desk.now)


async def test_latency_of_long_ago_weighs_less(desk):
    """After a minute without a success the next one counts half, so that a recovery shows soon."""
    for i, (wait, latency) in enumerate([(0, 1000), (59_999, 500), (60_000, 100)]):
        desk.at += wait
        await desk.call(f"r{i}", "ok", CHEAP, latency_ms=latency)
    assert (await desk.state()).whole_answer == Measured(500.0, desk.now)


async def test_streams_have_a_latency_of_their_own(desk):
    """Time to the first content is not compared with the time of whole answers."""
    await desk.call("r1", "ok", CHEAP, latency_ms=900)
    desk.at += 5
    await desk.call("r2", "ok", CHEAP, latency_ms=100, streamed=True)
    found = await desk.state()
    assert (found.whole_answer, found.first_content) == (Measured(900.0, desk.now - 5), Measured(100.0, desk.now))


async def test_an_unknown_deployment_is_closed_and_new(desk):
    """States come in the order asked, also for deployments that nobody called."""
    await fail(desk, 1)
    states = await desk.store.deployment_states([("two", "m2"), ("one", "m1"), ("one", "m0")], "alpha")
    assert [(s.deployment_id, s.state, s.failures, s.whole_answer) for s in states] == [
        ("m2", "closed", 0, None),
        ("m1", "closed", 1, None),
        ("m0", "closed", 0, None),
    ]
    assert await desk.store.deployment_states([]) == []


@pytest.mark.parametrize(("age_ms", "state"), [(0, "open"), (1, "closed")])
async def test_a_failure_counts_up_to_the_end_of_its_window(desk, age_ms, state):
    """The last moment belongs to it, the next one does not."""
    await fail(desk, 4)
    desk.at = desk.policy.window_ms + age_ms
    await desk.call("fifth", "fail", CHEAP)
    assert (await desk.state()).state == state


@pytest.mark.parametrize(("silence_ms", "average_ms"), [(STALE_MS - 1, 800), (STALE_MS, 500)])
async def test_an_average_is_old_at_the_end_of_its_minute(desk, silence_ms, average_ms):
    """From then on what is new weighs half."""
    await desk.call("old", "ok", CHEAP, latency_ms=1000)
    desk.at += silence_ms
    await desk.call("new", "ok", CHEAP, latency_ms=0)
    assert (await desk.state()).whole_answer.average_ms == average_ms
