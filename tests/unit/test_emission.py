"""What a request tells of itself, and that telling never costs it more than 150 ms."""

import asyncio
from dataclasses import replace

import pytest

from gateway_core.adapters.echo import echo
from gateway_core.domain.answer import Chunk
from gateway_core.domain.caller import Attribution
from gateway_core.domain.chat import ChatRequest
from gateway_core.domain.errors import BudgetExceeded, NoDeploymentAvailable
from gateway_core.domain.provider_errors import ProviderUnavailable, RateLimitError
from gateway_core.pipeline.emitter import MOST_UNDER_WAY, MOST_WAIT_S, Emitter
from gateway_core.pipeline.request_state import RequestState
from gateway_core.telemetry.events import StoreDegraded
from tests.conftest import World, catalog_of, model, settings_for

HELLO = ({"role": "user", "content": "one two three"},)
REQUEST = ChatRequest(messages=HELLO, attribution=Attribution("alpha", "bot", "bob"), model_group="reasoning")


def world_with(*sinks, **changes):
    catalog = catalog_of(model("first"), model("second"))
    return World(catalog, settings_for(catalog), sinks=sinks, **changes)


async def complete(world, request_id="r1", timeout_s=60.0, key=None):
    caller = await world.services.authenticator.authenticate(key or await world.key())
    return await world.services.gateway.complete(REQUEST, caller, request_id, timeout_s=timeout_s)


async def stream(world):
    caller = await world.services.authenticator.authenticate(await world.key())
    return [piece async for piece in world.services.gateway.stream(REQUEST, caller, "r1", timeout_s=60)]


def failing(error):
    def behave(call):
        raise error

    return behave


def told(world):
    return [(event["detail-type"], event["detail"]) for event in world.events()]


def types(world):
    return [detail_type for detail_type, _ in told(world)]


class Hanging:
    """A sink that never delivers; `asked` are the events that it was given."""

    def __init__(self):
        self.asked = []

    async def emit(self, events):
        self.asked += [event.detail_type for event in events]
        await asyncio.Event().wait()


class Broken:
    """A sink that does what the port forbids."""

    async def emit(self, events):
        raise ZeroDivisionError("a secret")


async def test_a_plain_request_tells_its_cost():
    """One event, with the record's facts."""
    world = world_with()
    done = await complete(world)
    ((detail_type, detail),) = told(world)
    assert (detail_type, detail["request_id"], detail["model"]) == ("request.cost", "r1", "first")
    assert (detail["project_id"], detail["agent_id"], detail["user_id"]) == ("alpha", "bot", "bob")
    assert (detail["cost_usd"], done.cost.total_nano) == ("0.000009", 9000)


async def test_a_fallback_tells_why():
    """The failed attempt, the move, the cost, in this order."""
    world = world_with()
    world.behave["first"] = failing(RateLimitError("busy", retry_after_s=7))
    await complete(world)
    assert types(world) == ["attempt.failed", "breaker.opened", "request.failover", "request.cost"]
    failed, opened, moved, _cost = [detail for _, detail in told(world)]
    assert (failed["error_code"], failed["retry_after_ms"]) == ("rate_limited", 7000)
    assert (opened["model"], opened["reason"]) == ("first", "rate_limit")
    assert (moved["from_model"], moved["to_model"], moved["reason"]) == ("first", "second", "rate_limited")


async def test_a_breaker_tells_its_life():
    """Opened by the fifth failure, half-open for its probe, closed by the probe's success; once each."""
    world = world_with()
    world.behave["first"] = failing(ProviderUnavailable("down"))
    for number in range(7):
        await complete(world, f"r{number}")
    world.behave["first"] = echo
    world.clock.advance(30)
    await complete(world, "probe")
    breakers = [detail_type for detail_type in types(world) if detail_type.startswith("breaker")]
    assert breakers == ["breaker.opened", "breaker.half_open", "breaker.closed"]


async def test_the_probe_is_told_before_its_answer():
    """Its call may last minutes."""
    world = world_with()
    world.behave["first"] = failing(RateLimitError("busy", retry_after_s=7))
    await complete(world, "r0")
    world.clock.advance(7)
    seen = []

    def behave(call):
        seen.extend(types(world))
        return echo(call)

    world.behave["first"] = behave
    await complete(world, "probe")
    assert "breaker.half_open" in seen


async def test_a_budget_that_fills_up_is_told():
    """Each threshold once; the hard limit comes before 100 %, as a request is held by its bound."""
    world = world_with()
    await world.budget(month_nano=1_000_000)
    caller = await world.services.authenticator.authenticate(await world.key())
    asked = replace(REQUEST, max_output_tokens=3)
    refused = False
    while not refused:
        try:
            await world.services.gateway.complete(asked, caller, f"r{len(told(world))}", timeout_s=60)
        except BudgetExceeded:
            refused = True
    budgets = [detail for detail_type, detail in told(world) if detail_type == "budget.threshold"]
    assert [(b["percent"], b["scope"], b["period"], b["spent"], b["limit"]) for b in budgets] == [
        (50, "project", "month", "0.000504", "0.001"),
        (80, "project", "month", "0.000801", "0.001"),
    ]


async def test_all_that_failed_is_told_with_the_end():
    """A request that nobody serves tells each attempt, and its cost with the error's code; a retry is no failover."""
    world = world_with()
    for name in ("first", "second"):
        world.behave[name] = failing(ProviderUnavailable("down"))
    with pytest.raises(NoDeploymentAvailable):
        await complete(world)
    failed = "attempt.failed"
    assert types(world) == [failed, "request.failover", failed, failed, "request.cost"]
    assert told(world)[-1][1]["error_code"] == "no_deployment_available"


async def test_what_a_repeated_step_reports_again_is_told_once():
    """The store is asked again when the wait is over, and repeats what settling the first attempt changed."""
    catalog = catalog_of(model("first"))
    world = World(catalog, settings_for(catalog))
    script = [RateLimitError("busy", retry_after_s=3)]
    world.behave["first"] = lambda call: failing(script.pop())(call) if script else echo(call)
    await complete(world)
    breakers = [detail_type for detail_type in types(world) if detail_type.startswith("breaker")]
    assert breakers == ["breaker.opened", "breaker.half_open", "breaker.closed"]


async def test_what_the_store_changed_for_a_caller_who_leaves_is_told():
    """Nobody else would hear that the breaker opened."""
    world = world_with()
    world.behave["first"] = failing(RateLimitError("busy", retry_after_s=7))
    reached, go_on, step = asyncio.Event(), asyncio.Event(), world.store.next

    async def slow(*args, **kwargs):
        answer = await step(*args, **kwargs)
        reached.set()
        await go_on.wait()
        return answer

    world.store.next = slow
    task = asyncio.create_task(complete(world))
    await reached.wait()
    task.cancel()
    await asyncio.sleep(0)
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert types(world) == ["attempt.failed", "breaker.opened", "request.cost"]


async def test_a_sink_that_hangs_costs_a_request_150_ms_at_its_end():
    """Once in all, however many events are stuck, and the request does not fail."""
    sink = Hanging()
    world = world_with(sink)
    world.behave["first"] = failing(RateLimitError("busy", retry_after_s=7))
    started = world.clock.monotonic_s()
    assert (await complete(world)).answer.content == "one two three"
    assert world.clock.monotonic_s() - started == pytest.approx(MOST_WAIT_S)
    assert sink.asked == ["attempt.failed", "breaker.opened", "request.failover", "request.cost"]


async def test_a_sink_that_hangs_is_not_waited_for_before_the_first_byte():
    """The wait comes when everything was sent."""
    world = world_with(Hanging())
    world.behave["first"] = failing(ProviderUnavailable("down"))
    caller = await world.services.authenticator.authenticate(await world.key())
    pieces = world.services.gateway.stream(REQUEST, caller, "r1", timeout_s=60)
    started = world.clock.monotonic_s()
    async for piece in pieces:
        if isinstance(piece, Chunk) and piece.text:
            assert world.clock.monotonic_s() == started
    assert world.clock.monotonic_s() - started == pytest.approx(MOST_WAIT_S)


async def test_a_quick_sink_costs_no_time():
    """What is delivered is not waited for."""
    world = world_with()
    started = world.clock.monotonic_s()
    await complete(world)
    assert world.clock.monotonic_s() == started


async def test_a_broken_sink_fails_nothing_and_is_counted():
    """Its exception stays out of the request, and its text out of the log."""
    world = world_with(Broken())
    assert (await complete(world)).answer.content == "one two three"
    (line,) = [line for line in world.lines() if line["message"] == "events failed"]
    assert (line["count"], line["detail"]) == (1, "ZeroDivisionError")
    assert "a secret" not in world.log.getvalue()


async def test_what_is_late_does_not_pile_up():
    """Beyond a bound events are dropped and counted, and requests no longer wait for them."""
    world = world_with()
    sink, walk = Hanging(), RequestState.__new__(RequestState)
    emitter = Emitter(sink, world.clock, world.services.telemetry)
    walk.emitting = []
    for _ in range(MOST_UNDER_WAY + 2):
        walk.events = [StoreDegraded(at_ms=0, request_id="r")]
        emitter.send(walk)
    assert len(sink.asked) == MOST_UNDER_WAY
    failed = [line for line in world.lines() if line["message"] == "events failed"]
    assert [(line["count"], line["detail"]) for line in failed] == [(1, "too many are under way")] * 2
    for task in walk.emitting:
        task.cancel()
    await asyncio.wait(walk.emitting)
    walk.events = [StoreDegraded(at_ms=0, request_id="r")]
    emitter.send(walk)
    assert len(sink.asked) == MOST_UNDER_WAY + 1
    walk.emitting[-1].cancel()


async def test_every_event_is_in_the_log():
    """By a line of its own, or by the richer one that it has already."""
    world = world_with()
    await world.budget(month_nano=10**9)
    world.behave["first"] = failing(RateLimitError("busy", retry_after_s=7))
    await complete(world)
    messages = [line["message"] for line in world.lines()]
    assert messages == ["attempt failed", "breaker.opened", "request.failover", "usage"]
    moved = world.lines()[2]
    assert (moved["request_id"], moved["project_id"], moved["to_model"]) == ("r1", "alpha", "second")


async def test_no_event_has_what_was_said():
    """Neither the prompt nor the answer."""
    world = world_with()
    world.behave["first"] = failing(ProviderUnavailable("one two three", detail="one two three"))
    await complete(world)
    assert "two" not in str(world.events())
