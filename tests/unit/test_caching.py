"""The gateway with its response cache: what a hit takes and gives, and who may have one."""

import asyncio
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway_core.domain.answer import Cost, ProviderAnswer, Usage
from gateway_core.domain.caller import Attribution, Limits
from gateway_core.domain.embedding import EmbedRequest
from gateway_core.domain.errors import BudgetExceeded, Forbidden, RateLimited, Unauthenticated
from gateway_core.store.response_cache import CachePolicy
from gateway_core.store.virtual_keys import KeyRecord, digest_of
from tests.caching import COST_NANO, Callers, request
from tests.conftest import World, catalog_of, model, settings_for
from tests.properties import examples

# What a hit gives.


async def test_the_second_of_two_equal_requests_is_a_hit(world, callers, caller):
    """It has the same answer, costs nothing, and tells what it saved."""
    first = await callers.ask(caller)
    second = await callers.ask(caller)
    assert callers.called == ["first"]
    assert (first.cached, first.saved_nano, first.cost.total_nano) == (False, 0, COST_NANO)
    assert (second.answer, second.model, second.model_group) == (first.answer, first.model, first.model_group)
    assert (second.cached, second.saved_nano, second.cost, second.usage) == (
        True,
        COST_NANO,
        Cost(0, 0, "test-prices"),
        Usage(),
    )
    assert (second.id, second.attempts, second.degraded) == ("req_2", (), False)


async def test_a_hit_is_in_the_books_as_one(world, callers, caller):
    """A record without attempts, tokens or cost; the counters tell hits apart; nothing is spent or held."""
    await callers.ask(caller)
    spent = await world.spent()
    await callers.ask(caller)
    _first, record = await world.records()
    assert (record.request_id, record.cache_hit, record.attempts, record.cost_nano) == ("req_2", True, 0, 0)
    assert (record.model, record.provider, record.model_group) == ("first", "first-provider", "reasoning")
    assert (record.input_tokens, record.output_tokens, record.error_code) == (0, 0, "")
    assert await world.spent() == spent == (COST_NANO, 0)
    month, day = world._day()[:6], world._day()[6:]
    total = (await world.store.counted("alpha", {month: [f"c|{day}"]}))[month][f"c|{day}"]
    assert (total.requests, total.cache_hits, total.cost_nano) == (2, 1, COST_NANO)


async def test_a_hit_is_told_to_whom_it_concerns(world, callers, caller):
    """As any request: a line in the log, an event with its record."""
    await callers.ask(caller)
    await callers.ask(caller)
    told = [event for event in world.events() if event["detail-type"] == "request.cost"]
    assert [event["detail"]["cache_hit"] for event in told] == [False, True]
    assert world.log.getvalue().count('"message":"usage"') == 2


async def test_a_request_without_cache_goes_straight_through(world, callers, caller):
    """It neither finds nor leaves anything."""
    plain = request(cache=False)
    for _ in range(2):
        assert not (await callers.ask(caller, plain)).cached
    assert not (await callers.ask(caller)).cached
    assert not (await callers.ask(caller, plain)).cached
    assert len(callers.called) == 4


async def test_a_cache_that_is_off_keeps_nothing(world):
    """By configuration; `cache` is then without effect."""
    off = World(world.catalog, replace(world.settings, cache=CachePolicy(enabled=False)))
    callers = Callers(off)
    caller = await callers.caller()
    for _ in range(2):
        done = await callers.ask(caller)
        await off.services.gateway.keep(request(), caller, done)
    assert len(callers.called) == 2
    assert off.store._state.answers == {}


async def test_an_answer_ends_with_its_time(world, callers, caller):
    """A second longer, and it is asked for again."""
    await callers.ask(caller)
    world.clock.advance(3599)
    assert (await callers.ask(caller)).cached
    world.clock.advance(1)
    assert not (await callers.ask(caller)).cached


async def test_embeddings_are_not_kept(world, callers, caller):
    """They go through."""
    embedding = model("vector", capabilities=frozenset({"embeddings"}))
    embedding = replace(embedding, deployment=replace(embedding.deployment, mode="embedding"))
    catalog = catalog_of(embedding, groups={"embedding": ("vector",)})
    other = World(catalog, settings_for(catalog))
    caller = await Callers(other).caller()
    done = await other.services.gateway.embed(
        EmbedRequest(("a b",), Attribution("alpha"), model="vector"), caller, "req_1", timeout_s=5
    )
    assert not done.cached


# Who may have a hit.


async def test_another_project_never_hits(callers, caller):
    """Nor does an admin key that works for it, until it has asked there."""
    await callers.ask(caller)
    stranger, admin = await callers.caller("beta"), await callers.caller("gamma", admin=True)
    assert not (await callers.ask(stranger, request("beta"))).cached
    assert (await callers.ask(admin, request("alpha"))).cached
    assert (await callers.ask(admin, request("beta"))).cached
    assert not (await callers.ask(admin, request("gamma"))).cached


async def test_agents_users_and_keys_of_a_project_share(world, callers, caller):
    """The record says who had the hit."""
    await callers.ask(caller)
    other = await callers.caller()
    done = await callers.ask(other, request(attribution=Attribution("alpha", "bot", "ada")))
    assert done.cached
    record = (await world.records())[-1]
    assert (record.key_id, record.agent_id, record.user_id) == (other.key_id, "bot", "ada")


async def test_a_key_without_the_right_to_a_model_has_no_hits_of_it(callers, caller):
    """Refused before anything is looked up."""
    await callers.ask(caller)
    limited = await callers.caller(groups=("other",))
    with pytest.raises(Forbidden):
        await callers.ask(limited)


async def test_a_key_that_was_revoked_meanwhile_is_refused(world, callers):
    """The look-up asks for its rights as they are, not as they were half a minute ago."""
    caller = await callers.caller()
    await callers.ask(caller)
    await world.store.revoke_key(caller.key_id, now_ms=world.clock.now_ms())
    with pytest.raises(Unauthenticated):
        await callers.ask(caller)
    assert len(await world.records()) == 1


async def test_a_key_whose_rights_changed_is_looked_up_anew(world, callers):
    """What it may do now decides."""
    key = await world.key()
    caller = await world.services.authenticator.authenticate(key)
    await callers.ask(caller)
    await world.store.put_key(KeyRecord("alpha", digest_of(key), user_id="ada"))
    assert (await callers.ask(caller)).cached
    await world.store.put_key(KeyRecord("alpha", digest_of(key), groups=("other",)))
    with pytest.raises(Forbidden):
        await callers.ask(caller)


async def test_an_exhausted_budget_does_not_stop_a_hit(world, callers, caller):
    """It needs no money; a miss does."""
    await callers.ask(caller)
    await world.budget(day_nano=1)
    assert (await callers.ask(caller)).cached
    with pytest.raises(BudgetExceeded):
        await callers.ask(caller, request(max_output_tokens=5))


async def test_hits_count_as_requests_a_minute(world, callers):
    """One that has to wait waits, within what a request may queue; beyond it is refused."""
    caller = await callers.caller(limits=Limits(rpm=20, tpm=100_000))
    await callers.ask(caller)
    for _ in range(19):
        assert (await callers.ask(caller)).cached
    before_s = world.clock.monotonic_s()
    assert (await callers.ask(caller)).cached
    assert world.clock.monotonic_s() - before_s == pytest.approx(3.0)
    with pytest.raises(RateLimited, match="requests a minute"):
        await callers.ask(caller, timeout_s=1)


# Any two requests.

SAID = st.sampled_from(["one", "one ", "two"])


ASKED = st.fixed_dictionaries(
    {
        "project": st.sampled_from(["alpha", "beta"]),
        "messages": st.lists(SAID, min_size=1, max_size=2).map(
            lambda texts: tuple({"role": "user", "content": text} for text in texts)
        ),
        "model": st.sampled_from([None, "first", "second"]),
        "max_output_tokens": st.sampled_from([None, 5, 4096]),
        "params": st.sampled_from([{}, {"temperature": 0.0}, {"temperature": 1.0}, {"stop": ["x"]}]),
    }
)


@examples(40)
@given(st.lists(ASKED, min_size=2, max_size=5), st.booleans())
def test_only_equal_requests_hit_and_have_the_same_answer(asked, catalog_changes):
    """Whatever differs (project, messages, model, limits, options, catalog), nobody has another's answer."""

    async def run():
        catalog = catalog_of(model("first"), model("second"))
        world = World(catalog, settings_for(catalog))
        newer = replace(catalog, prices_sha256="1" * 64)
        other = World(newer, settings_for(newer), store=world.store) if catalog_changes else world
        callers = {"alpha": await Callers(world).caller("alpha"), "beta": await Callers(world).caller("beta")}
        kept = {}
        for number, wanted in enumerate([*asked, *asked]):
            for place in (world, other) if catalog_changes else (world,):
                place.behave = {name: _numbered(number, name) for name in ("first", "second")}
                made = request(**{**wanted, "model_group": None if wanted["model"] else "reasoning"})
                done = await place.services.gateway.complete(
                    made, callers[wanted["project"]], f"req_{number}_{id(place)}", timeout_s=60
                )
                same = (place.catalog.prices_sha256, str(sorted(wanted.items(), key=str)))
                assert done.cached is (same in kept)
                assert kept.setdefault(same, done.answer.content) == done.answer.content

    asyncio.run(run())


def _numbered(number, name):
    return lambda _call: ProviderAnswer(f"{number} of {name}", (), "stop", Usage(1, 1))


async def test_a_hit_tells_its_own_time(world, callers, caller):
    """How long the store took, in the answer and in its record, under the id of its own request."""
    await callers.ask(caller)
    look_up = world.store.look_up

    async def slow(*args, **kwargs):
        world.clock.advance(0.25)
        return await look_up(*args, **kwargs)

    world.store.look_up = slow
    done = await callers.ask(caller)
    *_parts, streamed = await callers.stream(caller)
    assert [(hit.id, hit.latency_ms, hit.cached) for hit in (done, streamed)] == [
        ("req_2", 250, True),
        ("req_3", 250, True),
    ]
    assert [(r.request_id, r.latency_ms) for r in await world.records()][1:] == [("req_2", 250), ("req_3", 250)]
