"""Waiting for a model that is limited or rests: for how long, and when not at all."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway_core.domain.errors import NoDeploymentAvailable, RateLimited
from gateway_core.domain.provider_errors import DeploymentUnusable, ProviderTimeout, ProviderUnavailable, RateLimitError
from gateway_core.domain.rates import RateView, ReportedLimit
from gateway_core.routing.retry import RetryPolicy, comeback_ms, soonest_ms
from gateway_core.store.messages import Refusal, Refused
from tests.unit.retries import DOWN, elapsed, says, world_of
from tests.unit.walks import called, complete


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
