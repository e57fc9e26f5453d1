"""Models that fail by a script, and the time that it takes to ask them again."""

from gateway_core.adapters.echo import echo
from gateway_core.domain.provider_errors import ProviderUnavailable
from gateway_core.routing.retry import RetryPolicy
from gateway_core.store.messages import BreakerPolicy
from tests.conftest import World, catalog_of, model, settings_for

DOWN = ProviderUnavailable("down")


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


def elapsed(world):
    return round(world.clock.monotonic_s() * 1000)
