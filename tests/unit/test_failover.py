"""The walk over the candidates: who is called, how often, and for how long."""

import pytest

from gateway_core.adapters.echo import echo
from gateway_core.domain.caller import Limits
from gateway_core.domain.errors import DeadlineExceeded, NoDeploymentAvailable, RateLimited
from gateway_core.domain.provider_errors import (
    ContentFilterError,
    ContextLengthError,
    ProviderTimeout,
    ProviderUnavailable,
    RateLimitError,
)
from gateway_core.pipeline.admission import LEAST_ATTEMPT_S
from tests.conftest import World, catalog_of, model, settings_for
from tests.contract.wire import at_once
from tests.unit.walks import CHARGE, called, complete, failing, outcomes, request


async def test_the_first_model_answers(world):
    """One call, its cost, one record, nothing held."""
    done = await complete(world)
    assert (done.answer.content, done.model.key, done.cost.total_nano) == ("one two three", "first", CHARGE)
    assert outcomes(done.attempts) == [("first", "ok", None)]
    assert await world.spent() == (CHARGE, 0)
    (record,) = await world.records()
    assert (record.cost_nano, record.input_tokens, record.output_tokens, record.attempts) == (CHARGE, 3, 3, 1)
    assert (record.error_code, record.price_source, record.model_group) == ("", "test-prices", "reasoning")
    assert record.price_hash == "0" * 16


@pytest.mark.parametrize("error", [ProviderUnavailable("x"), RateLimitError("x"), RateLimitError("x", retry_after_s=9)])
async def test_a_retryable_error_falls_over_at_once(world, error):
    """The second model answers, each is called once, no time is waited, and only the answer is paid."""
    world.behave["first"] = failing(error)
    started = world.clock.now_ms()
    done = await complete(world)
    assert called(world) == ["first", "second"]
    assert [("first", "failed", error.code), ("second", "ok", None)] == outcomes(done.attempts)
    assert started == world.clock.now_ms()
    assert await world.spent() == (CHARGE, 0)


async def test_all_models_fail(world):
    """503 with every attempt, the last candidate asked twice; an error record without cost."""
    for name in ("first", "second", "third"):
        world.behave[name] = failing(ProviderUnavailable("down"))
    with pytest.raises(NoDeploymentAvailable) as caught:
        await complete(world)
    assert [a.model for a in caught.value.attempts] == ["first", "second", "third", "third"]
    (record,) = await world.records()
    assert (record.error_code, record.cost_nano, record.attempts) == ("no_deployment_available", 0, 4)
    assert await world.spent() == (0, 0)


@pytest.mark.parametrize("error", [ContentFilterError("no"), ContextLengthError("long")])
async def test_errors_of_the_request_are_not_retried(world, error):
    """A content filter ends the walk; so does a too-long context where nobody reads more."""
    world.behave["first"] = failing(error)
    with pytest.raises(type(error)):
        await complete(world)
    assert called(world) == ["first"]


async def test_a_too_long_context_moves_to_a_longer_model():
    """Models that read no more are left out."""
    catalog = catalog_of(model("a", context_window=10_000), model("b", context_window=10_000), model("c"))
    world = World(catalog, settings_for(catalog))
    world.behave["a"] = failing(ContextLengthError("long"))
    assert (await complete(world)).model.key == "c"
    assert called(world) == ["a", "c"]


async def test_a_dead_primary_is_left_alone(world):
    """In 12 calls with a dead primary only as many reach it as open the breaker."""
    world.behave["first"] = failing(ProviderUnavailable("down"))
    key = await world.key()
    caller = await world.services.authenticator.authenticate(key)
    for number in range(12):
        done = await world.services.gateway.complete(request(), caller, f"req_{number}", timeout_s=60)
        assert done.model.key == "second"
    assert called(world).count("first") == 5
    assert outcomes(done.attempts)[0] == ("first", "skipped", "breaker_open")


async def test_retry_after_keeps_everybody_away(world):
    """After a 429 with Retry-After the model is not asked again before that."""
    world.behave["first"] = failing(RateLimitError("busy", retry_after_s=7))
    caller = await world.services.authenticator.authenticate(await world.key())
    gateway = world.services.gateway
    await gateway.complete(request(), caller, "r1", timeout_s=60)
    world.clock.advance(6.9)
    await gateway.complete(request(), caller, "r2", timeout_s=60)
    assert called(world).count("first") == 1
    world.clock.advance(0.2)
    await gateway.complete(request(), caller, "r3", timeout_s=60)
    assert called(world).count("first") == 2


async def test_the_deadline_is_one_for_all_attempts(world):
    """Each attempt gets at most half of what is left while others wait, and none starts after the deadline."""

    def slow(call):
        world.clock.advance(call.timeout_s)
        raise ProviderTimeout("slow")

    for name in ("first", "second", "third"):
        world.behave[name] = slow
    with pytest.raises(DeadlineExceeded):
        await complete(world, timeout_s=8)
    assert [call.timeout_s for call in world.provider.calls] == [4, 2, 2]


async def test_a_hurried_caller_opens_no_breaker(world):
    """A timeout shorter than the provider's own says nothing about the deployment."""
    world.behave["first"] = failing(ProviderTimeout("slow"))
    caller = await world.services.authenticator.authenticate(await world.key())
    for number in range(7):
        await world.services.gateway.complete(request(), caller, f"r{number}", timeout_s=8)
    assert called(world).count("first") == 7


async def test_patience_of_the_provider_counts(world):
    """With the provider's full time a timeout is a failure like any other."""
    world.behave["first"] = failing(ProviderTimeout("slow"))
    caller = await world.services.authenticator.authenticate(await world.key())
    for number in range(7):
        await world.services.gateway.complete(request(), caller, f"r{number}", timeout_s=290)
    assert called(world).count("first") == 5


async def test_a_queued_request_waits_its_turn(world):
    """A key's rate limit makes the next request wait when the wait is short, and refuses it when it is long."""
    key = await world.key(limits=Limits(rpm=60))
    caller = await world.services.authenticator.authenticate(key)
    gateway, started = world.services.gateway, world.clock.now_ms()
    for number in range(61):
        await gateway.complete(request(), caller, f"r{number}", timeout_s=60)
    assert world.clock.now_ms() - started == 1000
    hasty = caller
    for number in range(61, 66):
        await gateway.complete(request(), hasty, f"r{number}", timeout_s=60)
    with pytest.raises(RateLimited) as caught:
        await gateway.complete(request(), hasty, "last", timeout_s=0.5)
    assert caught.value.retry_after_s == 1


async def test_a_crash_in_the_adapter_is_a_failed_attempt(world):
    """An unexpected exception keeps the money held and lets the next candidate serve."""
    world.behave["first"] = failing(ZeroDivisionError("secret prompt"))
    done = await complete(world)
    assert outcomes(done.attempts) == [("first", "failed", "provider_error"), ("second", "ok", None)]
    assert (await world.spent())[1] > 0
    assert "secret prompt" not in world.log.getvalue()


async def test_fixed_parameters_of_a_model_win():
    """What the catalog fixes for a model is sent whatever the request says."""
    catalog = catalog_of(model("a", fixed_params={"temperature": 1}))
    world = World(catalog, settings_for(catalog))
    world.behave["a"] = echo
    await complete(world, params={"temperature": 0.2, "top_p": 0.5})
    assert world.provider.calls[0].params == {"temperature": 1, "top_p": 0.5}


async def test_the_lease_of_a_probe_lasts_as_long_as_its_request_may(world):
    """One probe in the whole fleet, also where an answer takes longer than the usual lease."""
    await break_down(world, "first")
    world.clock.advance(30)
    leases = []

    def behave(call):
        (state,) = at_once(world.store.deployment_states([("first-provider", call.deployment.id)]))
        leases.append((state.state, state.until_ms - world.clock.now_ms()))
        return echo(call)

    world.behave["first"] = behave
    await complete(world, timeout_s=300.0)
    assert leases == [("half_open", 300_000)]


async def test_a_short_request_leaves_the_lease_as_configured(world):
    """A process that dies keeps the deployment closed off for no longer than that."""
    await break_down(world, "first")
    world.clock.advance(30)
    leases = []

    def behave(call):
        (state,) = at_once(world.store.deployment_states([("first-provider", call.deployment.id)]))
        leases.append(state.until_ms - world.clock.now_ms())
        return echo(call)

    world.behave["first"] = behave
    await complete(world, timeout_s=10.0)
    assert leases == [world.settings.breaker.lease_ms]


async def break_down(world, key):
    """Let a model fail as often as it takes to open its breaker."""
    world.behave[key] = failing(ProviderUnavailable("down"))
    for _ in range(world.settings.breaker.failures):
        await complete(world)


async def test_an_attempt_may_have_exactly_the_least_time(world):
    """With less nobody is called."""
    world.behave["first"] = failing(ProviderUnavailable("down"))
    assert (await complete(world, timeout_s=LEAST_ATTEMPT_S)).model.key == "second"
    with pytest.raises(DeadlineExceeded):
        await complete(world, timeout_s=LEAST_ATTEMPT_S - 0.001)
    assert called(world) == ["first", "second"]
