"""Asking the same model again: only what may pass, only when nobody else can serve, only as long as there is time."""

import asyncio
from dataclasses import replace

import pytest

from gateway_core.domain.answer import Chunk, Usage
from gateway_core.domain.caller import Attribution
from gateway_core.domain.chat import ChatRequest
from gateway_core.domain.embedding import EmbedRequest
from gateway_core.domain.errors import BudgetExceeded, DeadlineExceeded, LLMError, NoDeploymentAvailable
from gateway_core.domain.provider_errors import (
    BadCredentials,
    ContentFilterError,
    ContextLengthError,
    DeploymentUnusable,
    ProviderRejected,
    ProviderTimeout,
    ProviderUnavailable,
    RateLimitError,
)
from gateway_core.domain.result import Completion
from gateway_core.routing.retry import RetryPolicy
from gateway_core.store.messages import BreakerPolicy
from tests.conftest import World, catalog_of, model, settings_for
from tests.unit.retries import DOWN, elapsed, says, world_of
from tests.unit.walks import CHARGE, HELLO, called, complete

PASSES_NOT = [
    ProviderTimeout("slow"),
    ContentFilterError("no"),
    ContextLengthError("long"),
    BadCredentials("who"),
    ProviderRejected("what"),
    DeploymentUnusable("gone"),
]


async def test_the_only_model_is_asked_again_after_a_pause():
    """One retry; each call is an attempt of its own, with its own line, and only the answer is paid."""
    world = world_of("a")
    says(world, "a", DOWN, None)
    done = await complete(world)
    assert [(a.model, a.outcome, a.error_code) for a in done.attempts] == [
        ("a", "failed", "provider_error"),
        ("a", "ok", None),
    ]
    assert elapsed(world) == 125
    assert await world.spent() == (CHARGE, 0)
    assert [(r.attempts, r.error_code) for r in await world.records()] == [(2, "")]


async def test_what_fails_twice_ends_in_its_own_error():
    """502 of the model, not a lack of models; asked no third time."""
    world = world_of("a")
    says(world, "a", DOWN)
    with pytest.raises(ProviderUnavailable) as caught:
        await complete(world)
    assert [a.outcome for a in caught.value.attempts] == ["failed", "failed"]
    assert called(world) == ["a", "a"]
    assert await world.spent() == (0, 0)


@pytest.mark.parametrize("error", PASSES_NOT, ids=lambda error: type(error).__name__)
async def test_what_does_not_pass_is_asked_once(error):
    """Timeouts, the caller's own faults, our key, a model that is gone: asking again gives the same."""
    world = world_of("a", retry=RetryPolicy(retries=5, same_model_retries=5))
    says(world, "a", error)
    with pytest.raises(LLMError):
        await complete(world)
    assert called(world) == ["a"]
    assert elapsed(world) == 0


async def test_others_come_first():
    """Only the last candidate is asked again, and nobody waits for one before it."""
    world = world_of("a", "b")
    says(world, "a", DOWN)
    says(world, "b", DOWN, None)
    done = await complete(world)
    assert called(world) == ["a", "b", "b"]
    assert done.model.key == "b"
    assert elapsed(world) == 125


async def test_the_last_is_who_is_left_when_the_others_rest():
    """A candidate behind an open breaker does not count: the one that failed is asked again."""
    world = world_of("a", "b")
    says(world, "a", RateLimitError("busy", retry_after_s=60))
    await complete(world, "r1")
    says(world, "b", DOWN, None)
    done = await complete(world, "r2")
    assert called(world) == ["a", "b", "b", "b"]
    assert [(a.model, a.outcome) for a in done.attempts] == [("a", "skipped"), ("b", "failed"), ("b", "ok")]


async def test_when_configured_every_model_is_asked_again_first():
    """`same_model_retries` before moving on; pauses double, by full jitter."""
    world = world_of("a", "b", retry=RetryPolicy(retries=0, same_model_retries=2))
    world.draw = 0.9
    says(world, "a", DOWN)
    assert (await complete(world)).model.key == "b"
    assert called(world) == ["a", "a", "a", "b"]
    assert elapsed(world) == 225 + 450


async def test_no_retries_when_configured_so():
    """`retries: 0` answers the first failure."""
    world = world_of("a", retry=RetryPolicy(retries=0))
    says(world, "a", DOWN)
    with pytest.raises(ProviderUnavailable):
        await complete(world)
    assert called(world) == ["a"]


async def test_a_retry_needs_time_before_the_deadline():
    """A pause that would end after it is not begun; the error is the model's own, at once."""
    world = world_of("a")
    says(world, "a", DOWN)
    with pytest.raises(ProviderUnavailable):
        await complete(world, timeout_s=0.15)
    assert called(world) == ["a"]
    assert elapsed(world) == 0


async def test_a_retry_does_not_pass_an_open_breaker():
    """The failure that opens it is the last call; the error is still the model's own."""
    world = world_of("a", breaker=BreakerPolicy(failures=1))
    says(world, "a", DOWN)
    with pytest.raises(ProviderUnavailable):
        await complete(world)
    assert called(world) == ["a"]


async def test_a_breaker_opened_by_others_during_the_pause_stops_the_retry():
    """The store is asked after the pause, not before it."""
    world = world_of("a")

    async def nap(seconds):
        for number in range(5):
            with pytest.raises(LLMError):
                await complete(world, f"other-{number}", fallback=False, timeout_s=0.1)

    says(world, "a", DOWN)
    world.clock.sleep = nap
    with pytest.raises(ProviderUnavailable):
        await complete(world)
    assert called(world) == ["a"] * (1 + 5)


async def test_a_dead_primary_gets_no_more_calls_for_retries():
    """In 12 calls with a dead primary at most `failures` reach it: only last candidates are asked again."""
    world = world_of("a", "b")
    says(world, "a", DOWN)
    for number in range(12):
        assert (await complete(world, f"r{number}")).model.key == "b"
    assert called(world).count("a") == world.settings.breaker.failures
    assert elapsed(world) == 0


async def test_a_dead_only_model_gets_no_more_calls_than_open_its_breaker():
    """Retries count like any other call."""
    world = world_of("a")
    says(world, "a", DOWN)
    for number in range(12):
        with pytest.raises((ProviderUnavailable, NoDeploymentAvailable)):
            await complete(world, f"r{number}")
    assert called(world).count("a") == world.settings.breaker.failures


async def test_what_a_failed_attempt_may_have_cost_stays_held():
    """Each attempt has a hold of its own: the retry neither frees nor reuses the first one's."""
    world = world_of("a")
    says(world, "a", ProviderUnavailable("reset", unconfirmed=True), None)
    await complete(world)
    holds = await world.store.open_holds("alpha", month="202611")
    assert [(hold.attempt, hold.unconfirmed) for hold in holds] == [(1, True)]
    assert (await world.spent())[0] == CHARGE


async def test_a_retry_that_the_budget_cannot_cover_is_not_made():
    """The first attempt's unconfirmed hold leaves no room: the model's own error is told."""
    world = world_of("a")
    say = ProviderUnavailable("reset", unconfirmed=True)
    says(world, "a", say)
    await world.budget(month_nano=500_000)
    with pytest.raises(ProviderUnavailable):
        await complete(world, max_output_tokens=100)
    assert called(world) == ["a"]
    with pytest.raises(BudgetExceeded):
        await complete(world, "r2", max_output_tokens=100)


async def test_a_caller_who_leaves_during_the_pause_is_settled():
    """The failed attempt is in the books, and nothing is held."""
    world = world_of("a")
    asleep = asyncio.Event()

    async def for_ever(seconds):
        asleep.set()
        await asyncio.Event().wait()

    says(world, "a", DOWN)
    world.clock.sleep = for_ever
    task = asyncio.create_task(complete(world))
    await asleep.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert [(r.error_code, r.attempts) for r in await world.records()] == [("cancelled", 1)]
    assert await world.spent() == (0, 0)


async def test_embeddings_are_asked_again_too():
    """The same loop."""
    embedder = model("e", capabilities=frozenset({"embeddings"}))
    embedder = replace(embedder, deployment=replace(embedder.deployment, mode="embedding"))
    catalog = catalog_of(embedder, groups={"embedding": ("e",)})
    world = World(catalog, settings_for(catalog))
    answered, failures = world.provider.embed, [DOWN]

    async def embed(call):
        if failures:
            raise failures.pop()
        return await answered(call)

    world.provider.embed = embed
    caller = await world.services.authenticator.authenticate(await world.key())
    asked = EmbedRequest(("one two",), Attribution("alpha"), "embedding")
    done = await world.services.gateway.embed(asked, caller, "r", timeout_s=60)
    assert [a.outcome for a in done.attempts] == ["failed", "ok"]


async def stream_of(world, script):
    """What a stream brings whose attempts do what the lists of `script` say, and the error at its end."""

    async def stream(call):
        world.provider.calls.append(call)
        for step in script.pop(0):
            if isinstance(step, Exception):
                raise step
            yield step

    world.provider.stream = stream
    caller = await world.services.authenticator.authenticate(await world.key())
    asked, seen = ChatRequest(HELLO, Attribution("alpha"), "reasoning"), []
    try:
        async for piece in world.services.gateway.stream(asked, caller, "r", timeout_s=60):
            seen.append(piece)  # noqa: PERF401 - what came before an error is wanted too
    except LLMError as error:
        return seen, error
    return seen, None


async def test_a_stream_begins_again_before_its_first_content_only():
    """Unseen but for the attempts; after content has gone out, nothing is said twice."""
    end = Chunk(finish_reason="stop", usage=Usage(3, 2))
    world = world_of("a")
    seen, error = await stream_of(world, [[DOWN], [Chunk(text="hi "), end]])
    assert error is None
    assert isinstance(seen[-1], Completion)
    assert [a.outcome for a in seen[-1].attempts] == ["failed", "ok"]
    assert elapsed(world) == 125
    world = world_of("a")
    _seen, error = await stream_of(world, [[Chunk(text="hi "), ProviderUnavailable("cut", unconfirmed=True)]])
    assert isinstance(error, ProviderUnavailable)
    assert called(world) == ["a"]


async def test_the_deadline_is_one_for_retries_too():
    """A retry gets what is left."""
    world = world_of("a")

    def behave(call):
        if len(world.provider.calls) == 1:
            raise DOWN
        world.clock.advance(call.timeout_s)
        raise ProviderTimeout("slow")

    world.behave["a"] = behave
    with pytest.raises(DeadlineExceeded):
        await complete(world, timeout_s=8)
    assert [call.timeout_s for call in world.provider.calls] == [8, 7.875]
