"""Who is a candidate of the walk, and in which order: rights, windows and speed."""

from dataclasses import replace

import pytest

from gateway_core.adapters.echo import echo
from gateway_core.domain.answer import Usage
from gateway_core.domain.caller import Attribution
from gateway_core.domain.chat import Deployment
from gateway_core.domain.embedding import EmbedRequest
from gateway_core.domain.errors import Forbidden, InvalidRequest, Unauthenticated, UnknownModel
from gateway_core.domain.provider_errors import ProviderUnavailable
from gateway_core.store.deployment_state import Measured
from gateway_core.store.messages import StaleCaller
from gateway_core.store.virtual_keys import KeyRecord, digest_of
from tests.conftest import World, catalog_of, model, settings_for
from tests.unit.walks import called, complete, failing, request


async def test_a_key_revoked_since_it_was_cached_is_refused(world):
    """The store re-checks the key inside admit; nobody is called."""
    key = await world.key()
    caller = await world.services.authenticator.authenticate(key)
    assert await world.store.revoke_key(caller.key_id, now_ms=1)
    with pytest.raises(Unauthenticated):
        await world.services.gateway.complete(request(), caller, "r", timeout_s=60)
    assert called(world) == []


async def test_a_key_changed_since_it_was_cached_is_looked_up_again(world):
    """New rights hold at once."""
    key = await world.key()
    caller = await world.services.authenticator.authenticate(key)
    await world.store.put_key(KeyRecord("alpha", digest_of(key), groups=("fast",)))
    with pytest.raises(Forbidden):
        await world.services.gateway.complete(request(), caller, "r", timeout_s=60)
    await world.store.put_key(KeyRecord("alpha", digest_of(key), groups=("reasoning",)))
    assert (await world.services.gateway.complete(request(), caller, "r", timeout_s=60)).model.key == "first"


async def test_a_key_with_groups_never_falls_back_outside_them():
    """Fallbacks of an explicit model are filtered by the key's groups."""
    catalog = catalog_of(
        model("a", fallbacks=("b", "c")), model("b"), model("c"), groups={"mine": ("a", "c"), "reasoning": ("b",)}
    )
    world = World(catalog, settings_for(catalog))
    world.behave["a"] = failing(ProviderUnavailable("down"))
    key = await world.key(groups=("mine",))
    done = await complete(world, key=key, model="a", model_group=None)
    assert called(world) == ["a", "c"]
    assert done.model_group is None


async def test_routing_by_latency_uses_what_the_fleet_measured(world):
    """Each unknown model is tried once, then the fastest is preferred."""

    def takes(seconds):
        def behave(call):
            world.clock.advance(seconds)
            return echo(call)

        return behave

    for name, seconds in (("first", 3), ("second", 1), ("third", 2)):
        world.behave[name] = takes(seconds)
    caller = await world.services.authenticator.authenticate(await world.key())
    asked = request(routing="latency")
    for number in range(5):
        await world.services.gateway.complete(asked, caller, f"r{number}", timeout_s=60)
    assert called(world) == ["first", "second", "third", "second", "second"]


async def test_a_slow_model_is_tried_again_when_its_time_has_come(world):
    """Routing by latency lets one request in twenty find out whether a slow model has recovered."""
    seconds = {"first": 3, "second": 1, "third": 2}

    def behave(call):
        world.clock.advance(seconds[call.deployment.upstream_model])
        return echo(call)

    world.behave = dict.fromkeys(seconds, behave)
    caller = await world.services.authenticator.authenticate(await world.key())
    asked, gateway = request(routing="latency"), world.services.gateway
    for number in range(3):
        await gateway.complete(asked, caller, f"r{number}", timeout_s=60)
    seconds["first"] = 0
    world.draw = 0.0
    await gateway.complete(asked, caller, "too soon", timeout_s=60)
    world.clock.advance(60)
    for number in range(9):
        await gateway.complete(asked, caller, f"explores-{number}", timeout_s=60)
    world.draw = 0.5
    await gateway.complete(asked, caller, "usual", timeout_s=60)
    assert called(world)[3:6] == ["second", "first", "third"]
    assert called(world)[-1] == "second"


async def test_a_long_answer_is_not_taken_for_a_slow_model(world):
    """What routing by latency compares is the time of a hundred tokens."""

    def behave(call):
        world.clock.advance(20)
        return replace(echo(call), usage=Usage(3, 2000))

    world.behave["first"] = behave
    await complete(world)
    (found,) = await world.store.deployment_states([("first-provider", world.catalog.models["first"].deployment.id)])
    assert found.whole_answer == Measured(1000.0, world.clock.now_ms())


async def test_a_prompt_is_counted_only_where_it_may_be_too_long():
    """Bytes decide for short prompts; near a window the model's own tokeniser does."""
    catalog = catalog_of(model("small", context_window=5000), model("large"))
    world = World(catalog, settings_for(catalog))
    counted, count = [], world.provider.count_tokens

    def counting(deployment, messages, params):
        counted.append(deployment.upstream_model)
        return count(deployment, messages, params)

    world.provider.count_tokens = counting
    caller = await world.services.authenticator.authenticate(await world.key())
    tried = []
    for words, limit in ((100, 1000), (1000, 1000), (1000, 4001)):
        asked = request(messages=({"role": "user", "content": "word " * words},), max_output_tokens=limit)
        done = await world.services.gateway.complete(asked, caller, f"r{len(tried)}", timeout_s=60)
        tried.append((done.model.key, [a.error_code for a in done.attempts], len(counted)))
    assert tried == [("small", [None], 0), ("small", [None], 1), ("large", ["context", None], 2)]


async def test_no_prompt_is_counted_for_a_model_that_the_key_may_not_use():
    """Counting takes processor time, before any limit is looked at."""
    catalog = catalog_of(
        model("own", context_window=5000, fallbacks=("foreign",)),
        model("foreign", context_window=5000),
        groups={"reasoning": ("own", "foreign"), "fast": ("own",)},
    )
    world = World(catalog, settings_for(catalog))
    counted, count = [], world.provider.count_tokens

    def counting(deployment, messages, params):
        counted.append(deployment.upstream_model)
        return count(deployment, messages, params)

    world.provider.count_tokens = counting
    caller = await world.services.authenticator.authenticate(await world.key(groups=("fast",)))
    asked = request(messages=({"role": "user", "content": "word " * 1000},), model="own", max_output_tokens=1000)
    await world.services.gateway.complete(asked, caller, "r1", timeout_s=60)
    assert counted == ["own"]


@pytest.mark.parametrize("kind", ["chat", "embedding"])
async def test_a_fallback_that_the_key_may_not_use_is_no_candidate(kind):
    """If it were the only one that fits, nobody fits: a clear refusal that does not name it."""
    mode = {"deployment": Deployment("p", "up", "https://p.example", kind), "provider": "p"}
    catalog = catalog_of(
        model("a", fallbacks=("b",), capabilities=frozenset(), **mode),
        model("b", capabilities=frozenset({"vision", "dimensions"}), **mode),
        groups={"mine": ("a",), "reasoning": ("b",)},
    )
    world = World(catalog, settings_for(catalog))
    caller = await world.services.authenticator.authenticate(await world.key(groups=("mine",)))
    gateway, chat = world.services.gateway, request(model="a", model_group=None, require=frozenset({"vision"}))
    texts = EmbedRequest(("text",), Attribution("alpha"), model="a", dimensions=5)
    ask, asked = (gateway.complete, chat) if kind == "chat" else (gateway.embed, texts)
    with pytest.raises(InvalidRequest) as caught:
        await ask(asked, caller, "r", timeout_s=60)
    assert "a " in caught.value.message
    assert "b " not in caught.value.message


async def test_an_unknown_group_is_unknown_to_a_key_with_groups_too(world):
    """404, not 403: there is nothing to be forbidden."""
    with pytest.raises(UnknownModel):
        await complete(world, key=await world.key(groups=("reasoning",)), model_group="nope")


async def test_a_key_that_keeps_changing_is_refused(world):
    """Once it is looked up anew; then the caller may try again."""
    caller = await world.services.authenticator.authenticate(await world.key())

    async def stale(*args, **kwargs):
        return StaleCaller()

    world.store.admit = stale
    with pytest.raises(Unauthenticated) as caught:
        await world.services.gateway.complete(request(), caller, "r", timeout_s=60)
    assert caught.value.message == "The API key keeps changing. Try again."
    assert called(world) == []
