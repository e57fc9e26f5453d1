"""Streams through the walk: failover until the first content, never after; and how long they may take."""

import asyncio
from contextlib import aclosing
from dataclasses import replace

import pytest

from gateway_core.domain.answer import Chunk, ToolCallDelta, Usage
from gateway_core.domain.errors import DeadlineExceeded, LLMError, NoDeploymentAvailable
from gateway_core.domain.provider_errors import ContentFilterError, ProviderTimeout, ProviderUnavailable, RateLimitError
from gateway_core.domain.result import Attempt, Completion, Opened
from gateway_core.pipeline.attempt_stream import Delivered
from tests.attempts import attempt_stream
from tests.conftest import World
from tests.loop_time import ends_after, loop_time
from tests.unit.streams import BY_FACTOR, END, LAG_TOKENS, PER_INPUT, PER_OUTPUT, Silence, pieces_of, says
from tests.unit.walks import called, request


async def test_a_stream_tells_who_answers_then_speaks_then_adds_up(world):
    """Opened, chunks, completion; settled before the completion is seen."""
    says(world, "first", Chunk(text="hel"), Chunk(text="lo"), END)
    caller = await world.services.authenticator.authenticate(await world.key())
    seen = []
    async with aclosing(world.services.gateway.stream(request(), caller, "req_1", timeout_s=60)) as stream:
        async for piece in stream:
            seen.append(piece)
            if isinstance(piece, Completion):
                assert await world.spent() == (3 * PER_INPUT + 2 * PER_OUTPUT, 0)
    opened, *chunks, done = seen
    assert isinstance(opened, Opened)
    assert (opened.model.key, opened.attempts) == ("first", 1)
    assert [chunk.text for chunk in chunks] == ["hel", "lo", ""]
    assert (done.answer.content, done.answer.finish_reason, done.usage) == ("hello", "stop", Usage(3, 2))
    (record,) = await world.records()
    assert (record.cost_nano, record.error_code) == (done.cost.total_nano, "")


@pytest.mark.parametrize(
    "failure",
    [
        (ProviderUnavailable("down"),),
        (RateLimitError("busy"),),
        (Chunk(), ProviderUnavailable("down")),
        (Chunk(usage=Usage(3, 0)), ProviderUnavailable("cut", usage=Usage(3, 0), unconfirmed=True)),
    ],
)
async def test_before_the_first_content_the_next_model_answers(world, failure):
    """Invisible to the caller but for the attempts."""
    says(world, "first", *failure)
    seen, error = await pieces_of(world)
    assert error is None
    assert (seen[0].model.key, seen[0].attempts) == ("second", 2)
    assert [a.outcome for a in seen[-1].attempts] == ["failed", "ok"]
    assert called(world) == ["first", "second"]


@pytest.mark.parametrize(
    ("failure", "expected", "estimated"),
    [
        (ProviderUnavailable("cut", unconfirmed=True), ProviderUnavailable, True),
        (ProviderTimeout("slow"), DeadlineExceeded, True),
        (ContentFilterError("no", usage=Usage(3, 1)), ContentFilterError, False),
        (ZeroDivisionError("odd chunk"), ProviderUnavailable, True),
    ],
)
async def test_after_the_first_content_nobody_else_answers(world, failure, expected, estimated):
    """A typed error with what was used; settled once, with what was delivered, and an estimate of what was not."""
    says(world, "first", Chunk(text="a b "), Chunk(text="c"), failure)
    seen, error = await pieces_of(world)
    assert type(error) is expected
    assert [piece.text for piece in seen[1:]] == ["a b ", "c"]
    assert not any(isinstance(piece, Completion) for piece in seen)
    usage, cost = error.billed
    assert usage == (Usage(BY_FACTOR[3], BY_FACTOR[3] + LAG_TOKENS) if estimated else Usage(3, 1))
    assert cost.estimated_nano == (cost.total_nano if estimated else 0)
    assert called(world) == ["first"]
    (record,) = await world.records()
    assert (record.cost_nano, record.error_code) == (cost.total_nano, error.code)
    assert record.estimated_nano == cost.estimated_nano
    assert await world.spent() == (cost.total_nano, 0)


@pytest.mark.parametrize(("passed_s", "failures"), [(5, 0), (1, 1)])
async def test_a_stream_that_the_callers_deadline_ends_is_no_failure(world, passed_s, failures):
    """The model was still talking; one that falls silent earlier has failed."""

    async def stream(call):
        yield Chunk(text="a b ")
        world.clock.advance(passed_s)
        raise ProviderTimeout("slow")

    world.provider.stream = stream
    _seen, error = await pieces_of(world, timeout_s=5)
    assert error.code == "deadline_exceeded"
    deployment = world.catalog.models["first"].deployment
    (state,) = await world.store.deployment_states([(deployment.provider, deployment.id)])
    assert state.failures == failures


async def test_the_provider_is_told_when_the_first_content_is_due(world):
    """It alone knows whether the request was sent by then; the rest of the stream may take all the time there is."""
    says(world, "first", ProviderUnavailable("down"))
    says(world, "second", Chunk(text="hi"), END)
    await pieces_of(world, timeout_s=8)
    assert [(call.first_s, call.timeout_s) for call in world.provider.calls] == [(4, 8), (4, 8)]


async def test_silence_before_the_first_token_is_a_failed_attempt(world):
    """The next model answers when the time to the first token is over."""
    silence = Silence()
    says(world, "first", silence)
    # Half the time, as others are left; its adapter, which does not end it, is given a little more.
    seen, error = await ends_after(4.1, pieces_of(world, timeout_s=8), silence.begun.wait())
    assert error is None
    assert [a.error_code for a in seen[-1].attempts] == ["timeout", None]


async def test_silence_in_the_middle_ends_the_stream(world):
    """After the stall timeout, with a typed error."""
    world = World(world.catalog, replace(world.settings, stall_timeout_s=5))
    silence = Silence()
    says(world, "first", Chunk(text="a "), silence)
    seen, error = await ends_after(5, pieces_of(world), silence.begun.wait())
    assert isinstance(error, DeadlineExceeded)
    assert [piece.text for piece in seen[1:]] == ["a "]


async def test_everybody_fails(world):
    """The same error as without streaming, with what one of them may have billed."""
    for name in ("first", "second", "third"):
        says(world, name, ProviderUnavailable("down", unconfirmed=name == "second"))
    seen, error = await pieces_of(world)
    assert seen == []
    assert error.billed[0] == Usage(BY_FACTOR[3], LAG_TOKENS)
    assert error.billed[1].estimated_nano == error.billed[1].total_nano
    assert isinstance(error, NoDeploymentAvailable)
    assert [a.model for a in error.attempts] == ["first", "second", "third", "third"]


async def test_a_revoked_key_streams_nothing(world):
    """The key is re-checked inside admit."""
    key = await world.key()
    caller = await world.services.authenticator.authenticate(key)
    await world.store.revoke_key(caller.key_id, now_ms=1)
    with pytest.raises(LLMError):
        await anext(world.services.gateway.stream(request(), caller, "r", timeout_s=60))
    assert called(world) == []


def test_pieces_of_tool_calls_are_put_together():
    """By index: id and name once, arguments piece by piece."""
    delivered = Delivered()
    for delta in (
        ToolCallDelta(0, "a", "f", '{"x"'),
        ToolCallDelta(1, "b", "g", "{}"),
        ToolCallDelta(0, "", "", ": 1}"),
        ToolCallDelta(2, "c", "h", "ls", custom=True),
    ):
        delivered.add(Chunk(tool_calls=(delta,)))
    delivered.add(Chunk(reasoning="hm", finish_reason="tool_calls", dropped_params=("seed",)))
    answer = delivered.answer(Usage(1, 1))
    assert [(c.id, c.name, c.arguments) for c in answer.tool_calls] == [
        ("a", "f", '{"x": 1}'),
        ("b", "g", "{}"),
        ("c", "h", "ls"),
    ]
    assert [call.custom for call in answer.tool_calls] == [False, False, True]
    assert (answer.finish_reason, answer.reasoning, answer.dropped_params) == ("tool_calls", "hm", ("seed",))
    assert delivered.everything == 'hmaf{"x": 1}bg{}chls'


async def test_a_stream_is_as_fast_as_it_begins(world):
    """Its first content is what routing by latency learns of it, however long the rest and its reader take."""

    async def stream(call):
        world.clock.advance(2)
        yield Chunk(text="a ")
        world.clock.advance(30)
        yield END

    world.provider.stream = stream
    caller = await world.services.authenticator.authenticate(await world.key())
    async for _piece in world.services.gateway.stream(request(), caller, "r", timeout_s=60):
        world.clock.advance(5)
    deployment = world.catalog.models["first"].deployment
    (found,) = await world.store.deployment_states([(deployment.provider, deployment.id)])
    assert (found.whole_answer, found.first_content.average_ms) == (None, 2000)


async def test_the_log_tells_when_a_stream_began(world):
    """From the request's start, over all attempts; the record has the whole time."""

    async def stream(call):
        world.clock.advance(2)
        if call.deployment.upstream_model == "first":
            raise ProviderUnavailable("down")
        yield Chunk(text="a ")
        world.clock.advance(30)
        yield END

    world.provider.stream = stream
    world.clock.advance(100)
    seen, _error = await pieces_of(world)
    (line,) = [line for line in world.lines() if line["message"] == "usage"]
    assert (line["first_token_ms"], line["latency_ms"], seen[-1].latency_ms) == (4000, 34_000, 34_000)
    assert seen[0] == Opened(world.catalog.models["second"], 2, degraded=False, cached=False)


async def test_an_attempt_that_is_left_has_its_line(world):
    """Cancelled, with its time."""
    traced = []

    class Traces:
        def attempt(self, request_id, attempt, ended_ms):
            traced.append((request_id, attempt, ended_ms))

    world = World(world.catalog, world.settings, tracer=Traces())

    async def stream(call):
        yield Chunk(text="a b c ")
        await asyncio.Event().wait()

    world.provider.stream = stream
    caller = await world.services.authenticator.authenticate(await world.key())
    pieces = world.services.gateway.stream(request(), caller, "req_1", timeout_s=60)
    await anext(pieces)
    world.clock.advance(3)
    await pieces.aclose()
    assert traced == [("req_1", Attempt("first", "first-provider", "failed", "cancelled", 3000), world.clock.now_ms())]


async def test_a_fault_in_the_middle_is_told_by_its_kind(world):
    """To the log; its text may quote the answer."""
    says(world, "first", Chunk(text="a "), ZeroDivisionError("odd chunk"))
    _seen, error = await pieces_of(world)
    assert error.message == "The provider's stream broke off."
    (line,) = [line for line in world.lines() if line["message"] == "stream broke off"]
    assert line["detail"] == "unexpected ZeroDivisionError in the provider's stream"
    assert line["request_id"] == "req_1"


async def test_the_provider_itself_ends_what_sends_nothing_in_time():
    """A little later it is ended, as it alone knows whether anything was sent."""

    async def silent():
        await asyncio.Event().wait()
        yield Chunk(text="never")

    with loop_time() as time:
        start = asyncio.ensure_future(attempt_stream(silent(), first_s=1, stall_s=1).begin())
        await time.passes(0)
        await time.passes(1.05)
        assert not start.done()
        await time.passes(0.1)
        with pytest.raises(ProviderTimeout) as caught:
            await start
    assert caught.value.message == "The model sent nothing in time."
