"""What providers say of their limits reaches the store however an attempt ends."""

import asyncio
from contextlib import aclosing, suppress

import pytest

from gateway_core.adapters.echo import echo
from gateway_core.domain.answer import Chunk, Usage
from gateway_core.domain.caller import Attribution
from gateway_core.domain.chat import Deployment
from gateway_core.domain.embedding import EmbedRequest
from gateway_core.domain.errors import RateLimited, StoreUnavailable
from gateway_core.domain.provider_errors import ProviderUnavailable, RateLimitError
from gateway_core.domain.rates import RateView, ReportedLimit
from tests.conftest import World, catalog_of, model, settings_for
from tests.unit.turns import asked, request, world_of_two


@pytest.fixture
def world():
    return world_of_two()


def view(world, **changes):
    now = world.clock.now_ms()
    return RateView(now, ReportedLimit(60, 0, now + 5000), until_ms=now + 5000, **changes)


async def provider_limits(world, name="first"):
    (state,) = await world.store.deployment_states([(f"{name}-provider", f"{name}@https://{name}-provider.example")])
    return state.provider_limits


async def test_what_an_answer_says_of_its_limits_is_shared(world):
    """A whole answer that leaves nothing: the model is left alone until the reset, then asked again."""

    async def said(call):
        answer = echo(call)
        return type(answer)(answer.content, (), "stop", answer.usage, rates=view(world))

    world.provider.complete = said
    caller = await world.services.authenticator.authenticate(await world.key())
    assert (await asked(world, caller, "r1", group="both")).model.key == "first"
    assert (await asked(world, caller, "r2", group="both")).model.key == "second"
    started = world.clock.now_ms()
    assert (await asked(world, caller, "r3")).model.key == "first"
    assert world.clock.now_ms() - started == 5000


async def test_vectors_say_it_as_well():
    """Embeddings go the same way."""
    deployment = Deployment("first-provider", "first", "https://first-provider.example", "embedding")
    catalog = catalog_of(model("first", deployment=deployment), groups={"embedding": ("first",)})
    world = World(catalog, settings_for(catalog))
    embed = world.provider.embed

    async def said(call):
        found = await embed(call)
        return type(found)(found.vectors, found.usage, view(world))

    world.provider.embed = said
    caller = await world.services.authenticator.authenticate(await world.key())
    wanted = EmbedRequest(("one",), Attribution("alpha"), model_group="embedding")
    await world.services.gateway.embed(wanted, caller, "r1", timeout_s=60)
    assert (await provider_limits(world)).until_ms == world.clock.now_ms() + 5000


async def test_a_429_without_a_time_waits_for_its_reset(world):
    """It counts as a failure, the model is left alone until the reset, and the caller is told when that is."""

    def limited(call):
        error = RateLimitError("slow down")
        error.rates = view(world)
        raise error

    world.behave["first"] = limited
    caller = await world.services.authenticator.authenticate(await world.key())
    with pytest.raises(RateLimited) as caught:
        await asked(world, caller, "r1", timeout_s=3)
    assert caught.value.retry_after_s == 5
    with pytest.raises(RateLimited) as caught:
        await asked(world, caller, "r2", timeout_s=3)
    assert (caught.value.retry_after_s, len(world.provider.calls)) == (5, 1)


@pytest.mark.parametrize("end", ["done", "error", "left"])
async def test_a_stream_says_it_however_it_ends(world, end):
    """The first chunk brings it; the settlement takes it along."""

    async def stream(call):
        yield Chunk(text="one", rates=view(world))
        if end == "error":
            raise ProviderUnavailable("cut", unconfirmed=True)
        if end == "left":
            await asyncio.Event().wait()
        yield Chunk(finish_reason="stop", usage=Usage(3, 1))

    world.provider.stream = stream
    caller = await world.services.authenticator.authenticate(await world.key())
    with suppress(ProviderUnavailable):
        async with aclosing(world.services.gateway.stream(request(), caller, "r1", timeout_s=60)) as pieces:
            async for piece in pieces:
                if end == "left" and isinstance(piece, Chunk):
                    break
    assert (await provider_limits(world)).until_ms == world.clock.now_ms() + 5000


async def test_what_is_settled_later_says_nothing_of_now(world):
    """The log line of an unsettled request keeps no word of limits that are past when it is replayed."""

    async def down(*args, **kwargs):
        raise StoreUnavailable("away")

    async def said(call):
        answer = echo(call)
        return type(answer)(answer.content, (), "stop", answer.usage, rates=view(world))

    caller = await world.services.authenticator.authenticate(await world.key())
    world.provider.complete, world.store.settle = said, down
    await asked(world, caller, "r1")
    (line,) = [line for line in world.lines() if line["message"] == "usage not settled"]
    assert line["settlement"]["rates"] is None
