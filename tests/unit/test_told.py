"""What is told of a request, to the caller, in the books and in the log: times, names, reasons, to the millisecond."""

import asyncio
from contextlib import aclosing
from dataclasses import replace

import pytest

from gateway_core.adapters.echo import echo
from gateway_core.adapters.memory.state import Latency
from gateway_core.domain.answer import Chunk
from gateway_core.domain.caller import Attribution, Caller
from gateway_core.domain.embedding import EmbedRequest
from gateway_core.domain.errors import BudgetExceeded, Forbidden, StoreUnavailable
from gateway_core.domain.provider_errors import ProviderTimeout, ProviderUnavailable
from gateway_core.domain.result import Completion
from gateway_core.routing.plan import reachable_models
from tests import virtual_time
from tests.attempts import attempt_stream
from tests.caching import Callers
from tests.conftest import World, catalog_of, model, settings_for
from tests.unit.streams import END, pieces_of, says
from tests.unit.walks import request

DOWN = ProviderUnavailable("down")


async def complete(world, wanted=None, timeout_s=60.0):
    caller = await world.services.authenticator.authenticate(await world.key())
    return await world.services.gateway.complete(wanted or request(), caller, "req_1", timeout_s=timeout_s)


def taking(world, seconds, then=echo):
    """A provider that takes so long."""

    def behave(call):
        world.clock.advance(seconds)
        if isinstance(then, Exception):
            raise then
        return then(call)

    return behave


def lines(world, message):
    return [line for line in world.lines() if line["message"] == message]


# Times.


async def test_a_completion_tells_how_long_it_took(world):
    """All of it, and each attempt; the record says the same as the caller is told."""
    world.clock.advance(5)
    world.behave["first"] = taking(world, 0.25, DOWN)
    world.behave["second"] = taking(world, 0.5)
    done = await complete(world)
    assert done.latency_ms == 750
    assert [(attempt.outcome, attempt.latency_ms) for attempt in done.attempts] == [("failed", 250), ("ok", 500)]
    (record,) = await world.records()
    assert (record.latency_ms, record.kind, record.request_id) == (750, "chat", "req_1")


async def test_an_embedding_tells_how_long_it_took(world):
    """And that it is one."""
    embedder = model("e", deployment=replace(model("e").deployment, mode="embedding"))
    small = World(catalog_of(embedder), settings_for(catalog_of(embedder)))
    real = small.provider.embed

    async def embed(call):
        small.clock.advance(0.125)
        return await real(call)

    small.provider.embed = embed
    caller = await small.services.authenticator.authenticate(await small.key())
    wanted = EmbedRequest(("one",), Attribution("alpha"), model="e")
    done = await small.services.gateway.embed(wanted, caller, "req_1", timeout_s=60)
    (record,) = await small.records()
    assert (done.latency_ms, record.latency_ms, record.kind) == (125, 125, "embedding")


async def test_a_stream_from_what_was_kept_is_in_the_books_under_its_own_id(world):
    """As any other."""
    callers = Callers(world)
    caller = await callers.caller()
    await callers.ask(caller)
    parts = await callers.stream(caller)
    assert parts[-1].id == "req_2"
    assert [record.request_id for record in await world.records()] == ["req_1", "req_2"]


async def test_a_stream_tells_when_its_first_content_came(world):
    """The time to the first token, in the line of the request."""
    says(world, "first", Chunk(text="hi "), END)
    real = world.provider.stream

    async def stream(call):
        world.clock.advance(0.3)
        async with aclosing(real(call)) as chunks:
            async for chunk in chunks:
                yield chunk

    world.provider.stream = stream
    seen, error = await pieces_of(world)
    assert error is None
    assert isinstance(seen[-1], Completion)
    assert seen[-1].latency_ms == 300
    (line,) = lines(world, "usage")
    assert line["first_token_ms"] == 300


async def test_who_leaves_a_stream_leaves_its_story(world):
    """One attempt that failed because it was cancelled, after as long as it lasted."""
    says(world, "first", Chunk(text="hi "), Chunk(text="there "), END)
    caller = await world.services.authenticator.authenticate(await world.key())
    stream = world.services.gateway.stream(request(), caller, "req_1", timeout_s=60)
    await anext(stream)
    world.clock.advance(0.4)
    await stream.aclose()
    (record,) = await world.records()
    assert (record.error_code, record.attempts, record.latency_ms) == ("cancelled", 1, 400)


async def test_the_log_names_the_request_of_each_failed_attempt(world):
    """So that its lines are found together."""
    world.behave["first"] = taking(world, 0.1, ProviderUnavailable("down", detail="status 500"))
    await complete(world)
    (line,) = lines(world, "attempt failed")
    assert (line["request_id"], line["detail"], line["latency_ms"]) == ("req_1", "status 500", 100)


# What failed requests say.


async def test_a_request_that_never_began_was_billed_nothing(world):
    """There is nothing to say."""
    await world.budget(day_nano=0)
    with pytest.raises(BudgetExceeded) as failed:
        await complete(world)
    assert failed.value.billed is None


async def test_a_stream_that_breaks_by_our_own_fault_is_logged_with_the_kind_of_fault(world):
    """As a failed stream of the provider."""
    says(world, "first", Chunk(text="hi "), ZeroDivisionError("a prompt"))
    _seen, error = await pieces_of(world)
    assert error.message == "The provider's stream broke off."
    assert "unexpected ZeroDivisionError in the provider's stream" in world.log.getvalue()
    assert "a prompt" not in world.log.getvalue()


async def test_a_failed_attempt_gives_back_its_place_at_the_provider(world):
    """What was not sent takes none: its limits go on with the settlement."""
    limited = {name: replace(each, rpm=5, tpm=10**6) for name, each in world.catalog.providers.items()}
    catalog = replace(world.catalog, providers=limited)
    small = World(catalog, settings_for(catalog))
    seen = []
    real = small.store.settle

    async def settle(ticket, settlement, record, terms):
        seen.append((settlement.rpm, settlement.tpm, settlement.latency_ms))
        return await real(ticket, settlement, record, terms)

    small.store.settle = settle
    small.behave["first"] = taking(small, 0.2)
    await complete(small)
    assert [(rpm, tpm) for rpm, tpm, _ in seen] == [(5, 10**6)]


async def test_the_store_that_is_away_is_told_as_it_is(world, monkeypatch):
    """To a caller with limits."""

    async def away(*_args):
        raise StoreUnavailable("The gateway's store does not answer.", retry_after_s=5)

    await world.budget(day_nano=10**12)
    monkeypatch.setattr(world.store, "admit", away)
    with pytest.raises(StoreUnavailable) as failed:
        await complete(world)
    assert failed.value.retry_after_s == 5


# Seams.


class Trace:
    """Implements `Tracer`: remembers."""

    def __init__(self):
        self.attempts = []

    def attempt(self, request_id, attempt, ended_ms):
        self.attempts.append((request_id, attempt, ended_ms))


async def test_an_attempt_that_was_left_is_traced_as_a_failed_one(world):
    """For as long as it lasted."""
    trace = Trace()
    traced = World(world.catalog, world.settings, tracer=trace)
    says(traced, "first", Chunk(text="hi "), Chunk(text="there "), END)
    caller = await traced.services.authenticator.authenticate(await traced.key())
    stream = traced.services.gateway.stream(request(), caller, "req_1", timeout_s=60)
    await anext(stream)
    traced.clock.advance(0.4)
    await stream.aclose()
    ((request_id, attempt, ended_ms),) = trace.attempts
    assert (request_id, ended_ms) == ("req_1", traced.clock.now_ms())
    assert (attempt.model, attempt.outcome, attempt.error_code, attempt.latency_ms) == (
        "first", "failed", "cancelled", 400,
    )  # fmt: skip


async def test_what_was_delivered_is_counted_as_a_message_of_the_model(world):
    """As it would stand in a conversation, less what frames it."""
    counted = []
    real = world.provider.count_tokens

    def count_tokens(deployment, messages, params):
        counted.append((messages, params))
        return real(deployment, messages, params)

    world.provider.count_tokens = count_tokens
    says(world, "first", Chunk(text="hi there"), ProviderUnavailable("cut", unconfirmed=True))
    _seen, error = await pieces_of(world)
    assert error is not None
    written = [messages[0] for messages, _params in counted if messages[0]["role"] == "assistant"]
    assert written == [{"role": "assistant", "content": "hi there"}, {"role": "assistant", "content": ""}]


async def test_streams_are_ordered_by_the_first_content_and_answers_by_the_whole(world):
    """Each by what was measured of its kind."""
    for name, whole_ms, first_ms in (("first", 10, 900), ("second", 900, 10), ("third", 5000, 5000)):
        deployment = world.catalog.models[name].deployment
        key = (deployment.provider, deployment.id)
        world.store._state.latencies[(*key, False)] = Latency(whole_ms * 1000, world.clock.now_ms())
        world.store._state.latencies[(*key, True)] = Latency(first_ms * 1000, world.clock.now_ms())
    by_latency = request(routing="latency")
    assert (await complete(world, by_latency)).model.key == "first"
    caller = await world.services.authenticator.authenticate(await world.key())
    stream = world.services.gateway.stream(by_latency, caller, "req_2", timeout_s=60)
    async with aclosing(stream) as parts:
        first = await anext(parts)
    assert first.model.key == "second"


@pytest.mark.parametrize(("after_s", "in_time"), [(5.0, True), (5.05, True), (5.2, False)])
def test_a_first_content_has_a_little_grace(after_s, in_time):
    """The provider's own deadline is the same: it is to be the one that speaks."""

    async def chunks():
        await asyncio.sleep(after_s)
        yield Chunk(text="hi")

    async def main():
        stream = attempt_stream(chunks(), first_s=5.0, stall_s=9.0)
        await stream.begin()
        return await stream.next()

    if in_time:
        assert virtual_time.run(main()).text == "hi"
    else:
        with pytest.raises(ProviderTimeout, match="sent nothing in time"):
            virtual_time.run(main())


def test_a_model_outside_the_catalog_is_refused_by_its_field():
    """With the way to ask for it."""
    outside = replace(model("o/m"), listed=False)
    catalog = replace(catalog_of(model("first")), find_outside=lambda *_: outside)
    caller = Caller("alpha", "k", "d", "t")
    with pytest.raises(Forbidden) as refused:
        reachable_models(caller, request(model="o/m", model_group=None), catalog)
    assert refused.value.param == "model"
    assert "--models 'o/m'" in refused.value.message


async def test_events_beyond_those_under_way_are_told_as_lost(world, monkeypatch):
    """With the reason; their own lines are in the log."""
    monkeypatch.setattr("gateway_core.pipeline.emitter.MOST_UNDER_WAY", 0)
    await complete(world)
    details = {line["detail"] for line in lines(world, "events failed")}
    assert details == {"too many are under way"}
