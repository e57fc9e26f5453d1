"""What is told of a request, to the caller, in the books and in the log: times, names, reasons, to the millisecond."""

import asyncio
from contextlib import aclosing
from dataclasses import replace
from datetime import date

import pytest

from gateway_core.adapters.echo import echo
from gateway_core.adapters.memory.state import Latency
from gateway_core.api.schemas import CompleteBody
from gateway_core.domain.caller import Attribution, Caller
from gateway_core.domain.chat import ChatRequest, Chunk, Cost, ProviderAnswer, Usage
from gateway_core.domain.embedding import EmbedRequest
from gateway_core.domain.errors import (
    BadCredentials,
    BudgetExceeded,
    ContentFilterError,
    DeadlineExceeded,
    Forbidden,
    InvalidRequest,
    LLMError,
    NoDeploymentAvailable,
    ProviderRejected,
    ProviderTimeout,
    ProviderUnavailable,
    RateLimitError,
    StoreUnavailable,
    Unauthenticated,
)
from gateway_core.domain.result import Completion
from gateway_core.pipeline.attempt_stream import AttemptStream
from gateway_core.pipeline.final_error import final_error
from gateway_core.pipeline.single_flight import SingleFlight
from gateway_core.routing.bounds import PromptSize, bound_chat, output_cap
from gateway_core.routing.plan import candidates, plan_embedding, reachable_models
from gateway_core.store.kept_answers import KeptAnswer, digest_of_request, pack
from gateway_core.store.messages import StaleCaller
from gateway_core.store.reports import ReportQuery, check
from gateway_core.store.virtual_keys import project_of
from tests import virtual_time
from tests.caching import Callers
from tests.caching import request as cached
from tests.conftest import World, catalog_of, model, settings_for
from tests.unit.test_stream import END, pieces_of, says

HELLO = ({"role": "user", "content": "one two three"},)
DOWN = ProviderUnavailable("down")


def request(**changes):
    fields = {"messages": HELLO, "attribution": Attribution("alpha"), "model_group": "reasoning"}
    return ChatRequest(**{**fields, **changes})


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


async def test_a_hit_tells_how_long_it_took(world):
    """A wait for a place among the key's requests is part of it."""
    callers = Callers(world)
    caller = await callers.caller()
    await callers.ask(caller)
    real = world.store.look_up

    async def look_up(*args):
        world.clock.advance(0.02)
        return await real(*args)

    world.store.look_up = look_up
    hit = await callers.ask(caller)
    assert (hit.cached, hit.latency_ms) == (True, 20)


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


async def test_a_request_that_fails_says_what_its_attempts_were_billed(world):
    """Whoever adds up must not miss it."""
    refusal = ContentFilterError("no", usage=Usage(3, 1))
    world.behave["first"] = taking(world, 0.1, refusal)
    with pytest.raises(ContentFilterError) as failed:
        await complete(world)
    usage, cost = failed.value.billed
    assert usage == Usage(3, 1)
    assert cost == Cost(3000, 2000, "test-prices")


async def test_a_request_that_never_began_was_billed_nothing(world):
    """There is nothing to say."""
    await world.budget(day_nano=0)
    with pytest.raises(BudgetExceeded) as failed:
        await complete(world)
    assert failed.value.billed is None


@pytest.mark.parametrize(
    ("errors", "late", "alone", "kind", "text"),
    [
        ([], True, False, DeadlineExceeded,
         "No model answered before the request's deadline. Raise timeout_s or try again."),
        ([DOWN, DOWN], False, False, NoDeploymentAvailable,
         "Every model that could serve this failed; see attempts. Try again later."),
        ([ProviderTimeout("x")], False, True, DeadlineExceeded,
         "The model did not answer in time. Raise timeout_s or try again."),
        ([BadCredentials("x")], False, True, ProviderUnavailable,
         "The provider did not accept the gateway's credentials. Tell its operator."),
        ([RateLimitError("x"), RateLimitError("y", retry_after_s=2)], False, False, LLMError,
         "Every provider that could serve this is limiting us."),
        ([DOWN, ProviderRejected("bad field")], True, False, ProviderRejected, "bad field"),
    ],
)  # fmt: skip
def test_the_last_word(errors, late, alone, kind, text):
    """With the remedy."""
    error = final_error(errors, deadline_passed=late, alone=alone)
    assert isinstance(error, kind)
    assert error.message == text


async def test_a_key_that_keeps_changing_is_refused(world, monkeypatch):
    """Looked up twice, and then not again."""

    async def stale(*_args):
        return StaleCaller()

    monkeypatch.setattr(world.store, "admit", stale)
    with pytest.raises(Unauthenticated) as refused:
        await complete(world)
    assert refused.value.message == "The API key keeps changing. Try again."


async def test_a_settlement_that_fails_by_our_own_fault_is_logged_with_the_kind_of_fault(world, monkeypatch):
    """And what is needed to settle it; the exception's text is left out."""

    async def broken(*_args):
        raise ZeroDivisionError("a prompt")

    monkeypatch.setattr(world.store, "settle", broken)
    assert (await complete(world)).answer.content == "one two three"
    (line,) = lines(world, "usage not settled")
    assert line["detail"] == "unexpected ZeroDivisionError of the store's adapter"
    assert "a prompt" not in world.log.getvalue()


async def test_a_stream_that_breaks_by_our_own_fault_is_logged_with_the_kind_of_fault(world):
    """As a failed stream of the provider."""
    says(world, "first", Chunk(text="hi "), ZeroDivisionError("a prompt"))
    _seen, error = await pieces_of(world)
    assert error.message == "The provider's stream broke off."
    assert "unexpected ZeroDivisionError in the provider's stream" in world.log.getvalue()
    assert "a prompt" not in world.log.getvalue()


# Deadlines.


def test_nobody_waits_for_an_equal_request_when_there_is_no_time():
    """Not a second."""

    async def main():
        flights = SingleFlight()
        first = await flights.join("q", 60)
        with pytest.raises(DeadlineExceeded) as late:
            await flights.join("q", -1.0)
        first.end()
        return asyncio.get_running_loop().time(), late.value.message, len(flights)

    assert virtual_time.run(main()) == (
        0.0,
        "An equal request did not answer before this one's deadline. Raise timeout_s or try again.",
        0,
    )


@pytest.mark.parametrize(("takes_s", "calls"), [(0.0, 2), (0.001, 1)])
async def test_another_model_is_asked_while_there_is_time_for_an_answer(world, takes_s, calls):
    """Fifty milliseconds, and not one less."""
    world.behave["first"] = taking(world, takes_s, DOWN)
    if calls == 1:
        with pytest.raises(DeadlineExceeded):
            await complete(world, timeout_s=0.05)
    else:
        await complete(world, timeout_s=0.05)
    assert len(world.provider.calls) == calls


# Plans and bounds.


def test_why_a_model_cannot_embed():
    """Its name, its provider, the machine's word and a sentence."""
    chat, plain = model("chat"), model("plain", deployment=replace(model("plain").deployment, mode="embedding"))
    able = replace(model("able"), capabilities=frozenset({"dimensions"}))
    able = replace(able, deployment=replace(able.deployment, mode="embedding"))
    wanted = EmbedRequest(("a",), Attribution("alpha"), model_group="reasoning", dimensions=8)
    plan = plan_embedding(wanted, catalog_of(chat, plain, able), None)
    told = [(drop.model, drop.provider, drop.reason, drop.detail) for drop in plan.dropped]
    assert told == [
        ("chat", "chat-provider", "mode", "chat makes completions, not embeddings"),
        ("plain", "plain-provider", "capability", "plain cannot shorten its vectors (dimensions)"),
    ]


def test_a_base_url_without_a_model_is_refused():
    """With the field and the remedy."""
    with pytest.raises(InvalidRequest) as refused:
        candidates(request(api_base="https://a.example"), catalog_of(model("first")))
    assert refused.value.message == "api_base needs a model: name one that is served there."
    assert refused.value.param == "api_base"


def test_a_token_budget_that_the_input_uses_up_is_refused():
    """With what the input may take."""
    first = model("first")
    wanted = request(token_budget=5)
    size = PromptSize.of(wanted)
    with pytest.raises(BudgetExceeded) as refused:
        output_cap(wanted, size, first, 4096)
    most_in = size.upper_bound(first)
    assert refused.value.param == "token_budget"
    assert refused.value.message == (
        f"token_budget 5 cannot cover the input, which may take {most_in} tokens. Raise it or shorten the messages."
    )
    assert output_cap(replace(wanted, token_budget=most_in + 1), size, first, 4096) == 1


@pytest.mark.parametrize("reach", ["any", "public", "private"])
def test_a_providers_limits_hold_for_its_own_address_only(reach):
    """What a caller runs elsewhere takes nothing of what we agreed with the provider."""
    first = model("first")
    first = replace(first, deployment=replace(first.deployment, reach=reach))
    catalog = catalog_of(first)
    limited = replace(catalog.provider("first-provider"), rpm=7, tpm=9)
    catalog = replace(catalog, providers={"first-provider": limited})
    wanted = request()
    bounded = bound_chat(wanted, PromptSize.of(wanted), first, catalog)
    assert (bounded.candidate.rpm, bounded.candidate.tpm) == ((7, 9) if reach == "any" else (0, 0))


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


# Kept answers.


def test_the_digest_of_a_request_is_what_it_was():
    """Another one would find nothing of what was kept: then VERSION has to change, and this text with it."""
    wanted = cached(params={"tools": [{"b": 1, "a": [1, 2]}], "stop": ["x"]})
    digest = digest_of_request(wanted, [(model("first"), 64)], "p" * 64)
    assert digest == "deebb9ce5e66cf04c8728b6ce0ecfe2af28dfceac1f4b75a2a91447642bb1fb0"


def test_an_answer_of_exactly_the_largest_size_is_kept():
    """Its JSON, before it is compressed."""
    kept = KeptAnswer(ProviderAnswer("hello", (), "stop", Usage(1, 2)), "first", Cost(1, 2, "list"))
    size = len(pack(kept, 10**6) or "") - 10
    assert pack(kept, size) is not None
    assert pack(kept, size - 1) is None


def test_a_malformed_key_is_told_apart_from_an_unknown_one():
    """Before anybody is asked."""
    with pytest.raises(Unauthenticated, match="malformed"):
        project_of("gk_")


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

    async def estimate(_text):
        return Usage(1, 1)

    async def main():
        stream = await AttemptStream.start(chunks(), estimate, first_s=5.0, stall_s=9.0)
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


@pytest.mark.parametrize("need", ["vision", "tools", "json", "json_schema", "long_context", "reasoning"])
def test_what_a_request_may_need(need):
    """The words of the wire."""
    assert CompleteBody(messages=[{"role": "user", "content": "a"}], require=[need]).require == [need]


def test_a_report_that_is_not_served_says_which_parts_do_not_go_together():
    """And names the field."""
    query = ReportQuery(date(2026, 11, 1), date(2026, 11, 2), "hour", agent_id="a")
    with pytest.raises(InvalidRequest) as refused:
        check(query)
    assert "group_by=hour cannot be combined with agent_id" in refused.value.message
    assert refused.value.param == "agent_id"


async def test_events_beyond_those_under_way_are_told_as_lost(world, monkeypatch):
    """With the reason; their own lines are in the log."""
    monkeypatch.setattr("gateway_core.pipeline.emitter.MOST_UNDER_WAY", 0)
    await complete(world)
    details = {line["detail"] for line in lines(world, "events failed")}
    assert details == {"too many are under way"}
