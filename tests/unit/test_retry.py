"""Asking the same model again: only what may pass, only when nobody else can serve, only as long as there is time."""

import asyncio
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway_core.adapters.echo import echo
from gateway_core.domain.answer import Chunk, Usage
from gateway_core.domain.caller import Attribution
from gateway_core.domain.chat import ChatRequest
from gateway_core.domain.embedding import EmbedRequest
from gateway_core.domain.errors import BudgetExceeded, DeadlineExceeded, LLMError, NoDeploymentAvailable, RateLimited
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
from gateway_core.domain.rates import RateView, ReportedLimit
from gateway_core.domain.result import Completion
from gateway_core.routing.retry import RetryPolicy, comeback_ms, soonest_ms
from gateway_core.store.messages import BreakerPolicy, Refusal, Refused
from tests.conftest import World, catalog_of, model, settings_for

HELLO = ({"role": "user", "content": "one two three"},)
CHARGE = 3 * 1000 + 3 * 2000
DOWN = ProviderUnavailable("down")
PASSES_NOT = [
    ProviderTimeout("slow"),
    ContentFilterError("no"),
    ContextLengthError("long"),
    BadCredentials("who"),
    ProviderRejected("what"),
    DeploymentUnusable("gone"),
]


def world_of(*keys, retry=None, breaker=None, **settings):
    """Models of these names, each of a provider of its own."""
    catalog = catalog_of(*map(model, keys))
    policies = {"retry": retry or RetryPolicy(), "breaker": breaker or BreakerPolicy()}
    return World(catalog, settings_for(catalog, **policies, **settings))


def says(world, key, *script):
    """Let a model raise or, for None, answer, one after the other; the last goes on for ever."""
    steps = list(script)

    def behave(call):
        step = steps.pop(0) if len(steps) > 1 else steps[0]
        if step is not None:
            raise step
        return echo(call)

    world.behave[key] = behave


async def complete(world, request_id="req_1", timeout_s=60.0, key=None, **changes):
    fields = {"messages": HELLO, "attribution": Attribution("alpha"), "model_group": "reasoning", **changes}
    caller = await world.services.authenticator.authenticate(key or await world.key())
    return await world.services.gateway.complete(ChatRequest(**fields), caller, request_id, timeout_s=timeout_s)


def called(world):
    return [call.deployment.upstream_model for call in world.provider.calls]


def elapsed(world):
    return round(world.clock.monotonic_s() * 1000)


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


async def test_retry_after_of_the_only_model_is_waited_for():
    """If it fits the queue's time; then the model is asked again, exactly once."""
    world = world_of("a")
    says(world, "a", RateLimitError("busy", retry_after_s=3), None)
    done = await complete(world)
    assert [(a.outcome, a.error_code) for a in done.attempts] == [("failed", "rate_limited"), ("ok", None)]
    assert elapsed(world) == 3000
    says(world, "a", RateLimitError("busy", retry_after_s=2))
    with pytest.raises(RateLimited) as caught:
        await complete(world, "r2")
    assert (caught.value.code, caught.value.retry_after_s) == ("rate_limited", 2)
    assert called(world) == ["a"] * 4


@pytest.mark.parametrize(("retry_after_s", "timeout_s"), [(5.1, 60), (3, 3), (None, 60)])
async def test_a_longer_wait_is_the_callers(retry_after_s, timeout_s):
    """429 at once, with the time, if it is longer than the queue or the deadline allows, or not known."""
    world = world_of("a")
    says(world, "a", RateLimitError("busy", retry_after_s=retry_after_s))
    with pytest.raises(RateLimited) as caught:
        await complete(world, timeout_s=timeout_s)
    assert caught.value.retry_after_s == retry_after_s
    assert called(world) == ["a"]
    assert elapsed(world) == 0


async def test_a_limited_model_is_left_alone_by_others_during_the_wait():
    """The store hears of the limit before the wait begins."""
    world = world_of("a")
    seen = []

    async def nap(seconds):
        with pytest.raises(NoDeploymentAvailable) as caught:
            await complete(world, "other", timeout_s=0.5)
        seen.append(caught.value.retry_after_s)
        world.clock.advance(seconds)

    says(world, "a", RateLimitError("busy", retry_after_s=3), None)
    world.clock.sleep = nap
    await complete(world)
    assert seen == [3]
    assert called(world) == ["a", "a"]


async def test_when_all_are_limited_the_first_to_recover_is_asked_again():
    """Each was tried at once; the wait is for the shortest time named by the last."""
    world = world_of("a", "b")
    says(world, "a", RateLimitError("busy", retry_after_s=4))
    says(world, "b", RateLimitError("busy", retry_after_s=2), None)
    assert (await complete(world)).model.key == "b"
    assert called(world) == ["a", "b", "b"]
    assert elapsed(world) == 2000


async def test_a_candidate_that_rests_for_a_moment_is_waited_for():
    """Before anybody was called: a request that finds all resting waits if that ends soon enough."""
    world = world_of("a")
    says(world, "a", RateLimitError("busy", retry_after_s=60), None)
    with pytest.raises(RateLimited):
        await complete(world, "r1")
    with pytest.raises(NoDeploymentAvailable) as caught:
        await complete(world, "r2")
    assert caught.value.retry_after_s == 60
    world.clock.advance(56)
    assert (await complete(world, "r3")).model.key == "a"
    assert elapsed(world) == 60_000


async def test_a_candidate_that_rests_for_a_moment_is_waited_for_after_a_failure_too():
    """The other one failed for good; the resting one is the only one left."""
    world = world_of("a", "b")
    says(world, "a", RateLimitError("busy", retry_after_s=4), None)
    await complete(world, "r1")
    says(world, "b", DeploymentUnusable("gone"))
    assert (await complete(world, "r2")).model.key == "a"
    assert elapsed(world) == 4000


async def test_waits_add_up_to_the_queue_timeout():
    """One request waits no longer than `queue_timeout_s` in all, whatever it waits for."""
    world = world_of("a", retry=RetryPolicy(retries=5))
    says(world, "a", RateLimitError("busy", retry_after_s=2))
    with pytest.raises(RateLimited):
        await complete(world)
    assert called(world) == ["a"] * 3
    assert elapsed(world) == 4000


async def test_a_reset_that_the_provider_names_is_waited_for_like_retry_after():
    """A 429 without `Retry-After` whose headers say when the limit is back."""
    world = world_of("a")
    busy = RateLimitError("busy")
    now = world.clock.now_ms()
    busy.rates = RateView(now, ReportedLimit(60, 0, now + 3000), until_ms=now + 3000)
    says(world, "a", busy, None)
    assert (await complete(world)).model.key == "a"
    assert called(world) == ["a", "a"]
    assert elapsed(world) == 3000


async def test_overload_with_retry_after_waits_at_least_that_long():
    """503 or 529 with a time: the pause is not shorter; a longer one than the queue's is not waited for."""
    world = world_of("a")
    says(world, "a", ProviderUnavailable("overloaded", retry_after_s=1), None)
    await complete(world)
    assert elapsed(world) == 1000
    says(world, "a", ProviderUnavailable("overloaded", retry_after_s=6))
    with pytest.raises(ProviderUnavailable) as caught:
        await complete(world, "r2")
    assert caught.value.retry_after_s == 6
    assert elapsed(world) == 1000


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


@given(
    failed=st.integers(1, 100),
    draw=st.floats(0, 1, exclude_max=True),
    base=st.integers(1, 60_000),
    most=st.integers(1, 60_000),
)
def test_the_pause_is_random_below_a_doubling_bound(failed, draw, base, most):
    """Full jitter: from 0 up to, but never above, the lesser of cap and base * 2^n."""
    pause = RetryPolicy(backoff_base_ms=base, backoff_max_ms=most).backoff_ms(failed, draw)
    assert 0 <= pause <= min(most, base * 2 ** (failed - 1))


@pytest.mark.parametrize(
    ("error", "failed", "last", "expected"),
    [
        (DOWN, 1, True, 100),
        (DOWN, 2, True, None),
        (DOWN, 1, False, None),
        (RateLimitError("busy", retry_after_s=1.5), 1, True, 1500),
        (RateLimitError("busy", retry_after_s=1.5), 1, False, None),
        (RateLimitError("busy", retry_after_s=0), 1, True, None),
        (RateLimitError("busy", retry_after_s=9.1), 1, True, None),
        (ProviderTimeout("slow"), 1, True, None),
    ],
)
def test_when_to_come_back(error, failed, last, expected):
    """By the kind of error, how often it failed, and whether somebody else could serve."""
    policy = RetryPolicy(backoff_base_ms=200)
    assert comeback_ms(policy, error, failed, last=last, patience_ms=9000, draw=0.5) == expected


def test_more_retries_of_every_model_hold_for_the_last_one_too():
    """The larger of both settings."""
    policy = RetryPolicy(retries=0, same_model_retries=2)
    assert [comeback_ms(policy, DOWN, n, last=True, patience_ms=0, draw=0) for n in (1, 2, 3)] == [0, 0, None]


def test_only_rest_ends_by_waiting():
    """Money and rates are decided by the store; a request that is over stays over."""
    refusals = (Refusal(0, "budget", "p", 5), Refusal(1, "rate", "p", 7), Refusal(2, "breaker_open", "closed", 0))
    assert soonest_ms(Refused(refusals)) is None
    assert soonest_ms(Refused((*refusals, Refusal(3, "breaker_open", "", 90), Refusal(4, "breaker_open", "", 1)))) == 1
