"""The whole gateway while its store is away."""

from dataclasses import replace

import pytest

from gateway_core.adapters.echo import echo
from gateway_core.domain.caller import Attribution
from gateway_core.domain.chat import ChatRequest, Deployment
from gateway_core.domain.embedding import EmbedRequest
from gateway_core.domain.errors import RateLimited, StoreUnavailable
from gateway_core.domain.provider_errors import ProviderUnavailable
from gateway_core.domain.rates import RateView, ReportedLimit
from tests.conftest import World, catalog_of, model, settings_for

HELLO = ({"role": "user", "content": "one two three"},)
REQUEST = ChatRequest(messages=HELLO, attribution=Attribution("alpha"), model_group="reasoning")
PATH = ("find_key", "admit", "next", "settle", "deployment_states")


async def away(*args, **kwargs):
    raise StoreUnavailable("The store is away.", detail="HTTP 500", retry_after_s=5)


def lose(world, *names):
    """Let these calls of the store fail from now on."""
    for name in names or PATH:
        setattr(world.store, name, away)


def heal(world):
    """Let the store answer again, and the circuit find that out."""
    for name in PATH:
        vars(world.store).pop(name, None)
    world.clock.advance(3)


async def caller_of(world, **rights):
    return await world.services.authenticator.authenticate(await world.key(**rights))


async def complete(world, caller, request_id, **changes):
    asked = ChatRequest(messages=HELLO, attribution=Attribution("alpha"), model_group="reasoning", **changes)
    return await world.services.gateway.complete(asked, caller, request_id, timeout_s=60)


def lines_of(world, message):
    return [line for line in world.lines() if line["message"] == message]


async def test_a_caller_without_limits_goes_on(world):
    """The answer says that it is degraded, the operator is told once, and the log has what a replay needs."""
    caller = await caller_of(world)
    assert not (await complete(world, caller, "r1")).degraded
    lose(world)
    done = await complete(world, caller, "r2")
    assert (done.degraded, done.answer.content) == (True, "one two three")
    assert len(lines_of(world, "store degraded")) == 1
    (line,) = lines_of(world, "usage not settled")
    assert (line["ticket"]["request_id"], line["settlement"]["generation"], line["owed"]) == ("r2", -1, [])


async def test_a_store_lost_between_two_attempts(world):
    """The fallback goes on without it, and the line names the attempt that the store still holds."""
    caller = await caller_of(world)
    await complete(world, caller, "r1")

    def fails(call):
        raise ProviderUnavailable("x")

    world.behave["first"] = fails
    lose(world, "next", "settle")
    done = await complete(world, caller, "r2")
    assert (done.degraded, done.model.key) == (True, "second")
    (line,) = lines_of(world, "usage not settled")
    assert [(owed["attempt"], owed["generation"]) for owed in line["owed"]] == [(1, 0)]
    assert line["settlement"]["attempt"] == 2


async def test_a_store_that_is_back_at_the_end_writes_the_record(world):
    """Only the admission was lost: everything is in the books, once, and nothing is held."""
    caller = await caller_of(world)
    charge = (await complete(world, caller, "r1")).cost.total_nano
    lose(world, "admit")
    assert (await complete(world, caller, "r2")).degraded
    heal(world)
    assert not (await complete(world, caller, "r3")).degraded
    assert await world.spent() == (3 * charge, 0)
    assert [record.request_id for record in await world.records()] == ["r1", "r2", "r3"]


async def test_a_caller_with_a_budget_is_refused(world):
    """Before anybody is called."""
    await world.budget(day_nano=10**12)
    caller = await caller_of(world)
    await complete(world, caller, "r1")
    lose(world)
    with pytest.raises(StoreUnavailable):
        await complete(world, caller, "r2")
    assert len(world.provider.calls) == 1


async def test_a_process_on_its_own_hears_what_providers_say(world):
    """A model with nothing left is left alone by it, and an attempt that was told has a place in its line."""
    caller = await caller_of(world)
    await complete(world, caller, "r1")
    lose(world)
    now = world.clock.now_ms()
    told = [RateView(now, ReportedLimit(60, 60)), RateView(now, ReportedLimit(60, 0), until_ms=now + 7000)]
    world.behave["first"] = lambda call: replace(echo(call), rates=told.pop(0))
    names = [(await complete(world, caller, f"d{n}")).model.key for n in range(3)]
    assert names == ["first", "first", "second"]
    world.clock.advance(7)
    told.append(RateView(world.clock.now_ms(), ReportedLimit(60, 50)))
    assert (await complete(world, caller, "d4")).model.key == "first"


async def test_routing_by_latency_keeps_the_configured_order(world):
    """What the fleet measured is not known; that is no reason to refuse."""
    caller = await caller_of(world)
    await complete(world, caller, "r1")
    lose(world)
    assert (await complete(world, caller, "r2", routing="latency")).model.key == "first"


async def test_a_stream_says_at_its_start_that_it_is_degraded(world):
    """`Opened` carries it, for the answer's headers."""
    caller = await caller_of(world)
    await complete(world, caller, "r1")
    lose(world)
    pieces = [piece async for piece in world.services.gateway.stream(REQUEST, caller, "r2", timeout_s=60)]
    assert (pieces[0].degraded, pieces[-1].degraded) == (True, True)


async def test_embeddings_go_on():
    """The same for vectors."""
    deployment = Deployment("first-provider", "first", "https://first-provider.example", mode="embedding")
    catalog = catalog_of(model("first", deployment=deployment), groups={"embedding": ("first",)})
    world = World(catalog, settings_for(catalog))
    caller = await caller_of(world)
    asked = EmbedRequest(("one two",), Attribution("alpha"), "embedding", None, None)
    gateway = world.services.gateway
    assert not (await gateway.embed(asked, caller, "r1", timeout_s=60)).degraded
    lose(world)
    assert (await gateway.embed(asked, caller, "r2", timeout_s=60)).degraded


@pytest.mark.parametrize(("workers", "most"), [(1, 4), (2, 2), (9, 1)])
async def test_workers_share_a_providers_limit(workers, most):
    """Each knows only what it sent itself, so each has its share, one request a minute at least."""
    catalog = catalog_of(model("first", provider="p"))
    catalog = replace(catalog, providers={"p": replace(catalog.providers["p"], rpm=4)})
    world = World(catalog, settings_for(catalog, queue_timeout_s=0))
    world.services.ledger._workers = workers
    caller = await caller_of(world)
    await complete(world, caller, "r0", fallback=False)
    lose(world)
    served = 0
    for number in range(6):
        try:
            await complete(world, caller, f"r{number + 1}", fallback=False)
            served += 1
        except RateLimited:
            break
    assert served == most
