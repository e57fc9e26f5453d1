"""A primary that is dead: how many requests reach it before the whole fleet leaves it alone."""

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing

import pytest

from gateway_core.adapters.echo import echo
from gateway_core.domain.caller import Attribution
from gateway_core.domain.chat import ChatRequest
from gateway_core.domain.provider_errors import ProviderUnavailable
from tests.faults.expectations import ALONE_S, CHAT
from tests.faults.harness import COMPLETE, EMBED, STREAM
from tests.faults.pace import PATIENT

FAILURES = 5
"""The default of `breaker.failures`."""
CALLERS = 12
ROUNDS = 4
PRIMARY, FALLBACK = CHAT[0], CHAT[1]


@pytest.fixture
def ready(case, gateways):
    """The default breaker, and a primary that fails every time."""
    case.use(gateways.get(PATIENT))
    case.simulator.fault("anthropic", "server_error")
    return case


@pytest.mark.parametrize("way", [COMPLETE, STREAM], ids=str)
def test_twelve_calls_reach_a_dead_primary_five_times(ready, way):
    """All are answered by the fallback; from the sixth on the primary is passed over."""
    told = [ready.ask(way) for _ in range(CALLERS)]
    assert {one.headers["x-gateway-model"] for one in told} == {FALLBACK.key}
    assert ready.calls() == {PRIMARY.key: FAILURES, FALLBACK.key: CALLERS}
    passed_over = (PRIMARY.key, "anthropic", "skipped", "breaker_open")
    assert [passed_over in one.attempts for one in told] == [False] * FAILURES + [True] * (CALLERS - FAILURES)


@pytest.mark.parametrize("way", [COMPLETE, STREAM], ids=str)
def test_at_once_only_those_under_way_are_added(ready, way):
    """The bound for N callers at once is failures + N - 1: whoever was under way when the breaker opened."""
    with ThreadPoolExecutor(CALLERS) as pool:
        told = list(pool.map(lambda _n: ready.ask(way), range(CALLERS * ROUNDS)))
    assert {one.headers["x-gateway-model"] for one in told} == {FALLBACK.key}
    reached = ready.calls()
    assert FAILURES <= reached[PRIMARY.key] <= FAILURES + CALLERS - 1
    assert reached[FALLBACK.key] == CALLERS * ROUNDS


def test_a_dead_embedding_model_is_left_alone(case, gateways):
    """As for chat: each deployment has its own breaker, also where two are one provider's."""
    case.use(gateways.get(PATIENT))
    first, second = EMBED.lineup[0], EMBED.lineup[1]
    case.simulator.fault("openai", "server_error", model=first.upstream)
    assert {case.ask(EMBED).headers["x-gateway-model"] for _ in range(CALLERS)} == {second.key}
    assert case.calls() == {first.key: FAILURES, second.key: CALLERS}


async def spoken(world, caller, number, *, streams):
    """One request to its end; the model that answered."""
    asked = ChatRequest(({"role": "user", "content": "hi"},), Attribution("alpha"), model_group="reasoning")
    gateway, name = world.services.gateway, f"req_{number}"
    if not streams:
        return (await gateway.complete(asked, caller, name, timeout_s=60)).model.key
    async with aclosing(gateway.stream(asked, caller, name, timeout_s=60)) as pieces:
        return [piece async for piece in pieces][-1].model.key


@pytest.mark.parametrize("streams", [False, True], ids=["complete", "stream"])
async def test_the_bound_for_callers_at_once_is_exact(world, streams):
    """Twelve reach it who all started before any had failed; none of those who come later does."""
    arrived, gate = [], asyncio.Event()

    async def complete(call):
        if call.deployment.upstream_model == "first":
            arrived.append(call.request_id)
            if len(arrived) == CALLERS:
                gate.set()
            await gate.wait()
            raise ProviderUnavailable("down")
        return echo(call)

    echoing = world.provider.stream

    async def stream(call):
        await complete(call)
        async with aclosing(echoing(call)) as chunks:
            async for chunk in chunks:
                yield chunk

    world.provider.complete, world.provider.stream = complete, stream
    caller = await world.services.authenticator.authenticate(await world.key())
    early = (spoken(world, caller, n, streams=streams) for n in range(CALLERS))
    assert set(await asyncio.gather(*early)) == {"second"}
    later = (spoken(world, caller, f"later_{n}", streams=streams) for n in range(3 * CALLERS))
    assert set(await asyncio.gather(*later)) == {"second"}
    assert len(arrived) == CALLERS


@pytest.mark.parametrize("way", [COMPLETE, STREAM], ids=str)
async def test_a_limited_primary_is_left_alone_as_long_as_it_asks(case, gateways, way):
    """A 429 with `Retry-After: 250`: the fallback answers long before, and everybody stays away for as long."""
    case.use(gateways.get(PATIENT))
    case.simulator.fault("anthropic", "rate_limit", retry_after=ALONE_S)
    before_ms = time.time() * 1000
    told = [case.ask(way) for _ in range(CALLERS)]
    assert {one.headers["x-gateway-model"] for one in told} == {FALLBACK.key}
    assert case.calls() == {PRIMARY.key: 1, FALLBACK.key: CALLERS}
    state = await case.state(PRIMARY)
    assert state.state == "open"
    assert before_ms + ALONE_S * 1000 <= state.until_ms <= time.time() * 1000 + ALONE_S * 1000
