"""What a process knows of deployments, and has not told the others yet."""

import pytest

from gateway_core.domain.rates import RateView, ReportedLimit
from gateway_core.store.messages import BreakerPolicy
from tests.contract.desk import Desk, candidate, settled

SLOW, QUICK = 5000, 10


@pytest.fixture
async def desk(upstash):
    return await Desk(upstash, policy=BreakerPolicy(failures=3)).open()


@pytest.fixture
async def other(redis, desk):
    """The same key, at another process of the fleet."""
    store = redis.connect()
    yield await Desk(store, policy=desk.policy).open()
    await store.close()


async def average_ms(desk):
    return (await desk.state()).whole_answer.average_ms


async def test_a_success_is_told_with_the_next_admission(desk, other):
    """Until then only its own process knows: to the others it is as if it was still under way."""
    await desk.call("r1", latency_ms=SLOW)
    assert await average_ms(other) == SLOW
    await desk.call("r2", latency_ms=QUICK)
    assert await average_ms(other) == SLOW
    await desk.admitted("r3")
    assert await average_ms(other) == (4 * SLOW + QUICK) / 5


async def test_readers_of_the_same_process_are_told_at_once(desk, other):
    """And then the others know it, too."""
    await desk.call("r1", latency_ms=SLOW)
    await desk.call("r2", latency_ms=QUICK)
    assert await average_ms(desk) == await average_ms(other) == (4 * SLOW + QUICK) / 5
    await desk.call("r3", latency_ms=SLOW)
    health = await desk.store.fleet_health([("one", "m1")])
    assert health.states[0].whole_answer.average_ms > (4 * SLOW + QUICK) / 5


async def test_failures_are_told_at_once_and_after_what_was_before_them(desk, other):
    """A success between two failures ends their row, whenever it is told."""
    for number, effect in enumerate(["ok", "fail", "fail", "ok", "fail", "fail"]):
        await desk.call(f"r{number}", effect)
    assert (await other.state()).failures == 2
    await desk.call("r9", "fail")
    assert (await other.state()).state == "open"


async def test_a_probes_success_is_told_at_once(desk, other):
    """The others wait for it."""
    await desk.call("r0")
    for number in range(1, 4):
        await desk.call(f"r{number}", "fail")
    desk.at = other.at = desk.policy.cooldown_ms
    await desk.call("probe")
    assert (await other.state()).state == "closed"


async def test_a_provider_that_has_nothing_left_is_told_at_once(desk, other):
    """What is left of a limit may wait; that nothing is left may not."""
    await desk.call("r1")
    some = RateView(desk.now, ReportedLimit(60, 50), ReportedLimit())
    await desk.call("r2", rates=some)
    assert (await other.state()).provider_limits is None
    await desk.call("r3", rates=RateView(desk.now, ReportedLimit(60, 0), ReportedLimit(), desk.now + 9000))
    assert (await other.state()).provider_limits.until_ms == desk.now + 9000


async def test_a_process_that_was_silent_for_long_tells_at_once(desk, other):
    """Where requests are few, others would wait for long."""
    await desk.call("r1", latency_ms=SLOW)
    desk.at = other.at = 600_000
    await desk.call("r2", latency_ms=QUICK)
    assert await average_ms(other) == (SLOW + QUICK) / 2


async def test_not_very_much_waits(desk, other):
    """A process that settles and never admits tells after a while."""
    admitted = [await desk.admitted(f"r{number}") for number in range(18)]
    for number, answer in enumerate(admitted):
        await desk.settle(f"r{number}", settled(answer, candidate(), latency_ms=QUICK + number))
    assert await average_ms(other) > QUICK


async def test_news_are_told_by_a_message_that_changes_nothing_else(desk, other):
    """A copy of an admission, one that comes too late, and a copy of a settlement take them along."""
    for number, step in enumerate(("admission", "late", "settlement")):
        before = f"a{number}"
        first = await desk.admitted(before)
        ended = settled(first, candidate(), "fail")
        if step != "admission":
            await desk.settle(before, ended)
        await desk.call(f"told{number}", latency_ms=SLOW)
        await desk.call(f"news{number}", latency_ms=QUICK)
        known = await average_ms(other)
        if step == "settlement":
            assert not await desk.settle(before, ended)
        elif step == "late":
            await desk.next(before, ended)
        else:
            assert await desk.admitted(before) == first
        assert await average_ms(other) < known
