"""The walk over the candidates: who is called, what it costs, what is left in the books."""

import asyncio
from dataclasses import fields, replace

import pytest

from gateway_core.adapters.echo import echo
from gateway_core.domain.answer import Usage
from gateway_core.domain.caller import Attribution, Limits
from gateway_core.domain.chat import ChatRequest, Deployment
from gateway_core.domain.embedding import EmbedRequest
from gateway_core.domain.errors import (
    BudgetExceeded,
    DeadlineExceeded,
    Forbidden,
    InvalidRequest,
    NoDeploymentAvailable,
    RateLimited,
    StoreUnavailable,
    Unauthenticated,
    UnknownModel,
)
from gateway_core.domain.provider_errors import (
    ContentFilterError,
    ContextLengthError,
    ProviderTimeout,
    ProviderUnavailable,
    RateLimitError,
)
from gateway_core.pipeline.admission import LEAST_ATTEMPT_S
from gateway_core.store.deployment_state import Measured
from gateway_core.store.messages import StaleCaller
from gateway_core.store.virtual_keys import KeyRecord, digest_of
from tests.conftest import World, catalog_of, model, settings_for
from tests.contract.wire import at_once

HELLO = ({"role": "user", "content": "one two three"},)
CHARGE = 3 * 1000 + 3 * 2000


def request(**changes):
    fields = {"messages": HELLO, "attribution": Attribution("alpha"), "model_group": "reasoning"}
    return ChatRequest(**{**fields, **changes})


async def complete(world, key=None, timeout_s=60.0, **changes):
    caller = await world.services.authenticator.authenticate(key or await world.key())
    return await world.services.gateway.complete(request(**changes), caller, "req_1", timeout_s=timeout_s)


def failing(error):
    def behave(call):
        raise error

    return behave


def outcomes(attempts):
    return [(a.model, a.outcome, a.error_code) for a in attempts]


def called(world):
    return [call.deployment.upstream_model for call in world.provider.calls]


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


async def test_an_attempt_that_may_be_billed_stays_held(world):
    """A timeout keeps its bound as unconfirmed money, but the report has only what is known."""
    world.behave["first"] = failing(ProviderTimeout("slow"))
    await complete(world)
    spent, held = await world.spent()
    (hold,) = await world.store.open_holds("alpha", month="202611")
    assert (CHARGE, hold.hold_nano) == (spent, held)
    assert hold.unconfirmed
    assert [record.cost_nano for record in await world.records()] == [CHARGE]


async def test_what_a_failed_attempt_billed_is_in_the_record(world):
    """A failed attempt with known usage is paid and reported with the request."""
    world.behave["first"] = failing(ProviderUnavailable("empty", usage=Usage(10, 5)))
    done = await complete(world)
    billed = 10 * 1000 + 5 * 2000
    assert done.cost.total_nano == CHARGE + billed
    assert done.usage == Usage(13, 8)
    assert (CHARGE + billed, 0) == await world.spent()


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


async def test_budget_refusal_calls_nobody(world):
    """402 before any provider is called; nothing held, nothing recorded."""
    await world.budget(month_nano=CHARGE)
    with pytest.raises(BudgetExceeded) as caught:
        await complete(world, max_output_tokens=4096)
    assert called(world) == []
    assert {"budget_exceeded"} == {a.error_code for a in caught.value.attempts}
    assert await world.spent() == (0, 0)
    assert await world.records() == []


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


async def test_a_cancelled_request_is_settled_as_unconfirmed(world):
    """A caller who hangs up leaves a record and a held bound, not an open question."""
    asked = asyncio.Event()

    async def never(call):
        asked.set()
        await asyncio.Event().wait()

    world.provider.complete = never
    task = asyncio.create_task(complete(world))
    await asked.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    (record,) = await world.records()
    (hold,) = await world.store.open_holds("alpha", month="202611")
    assert (record.error_code, hold.unconfirmed) == ("cancelled", True)


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


@pytest.mark.parametrize(
    "failure",
    [StoreUnavailable("the store is away"), InvalidRequest("beyond all amounts"), ValueError("no reply of ours")],
)
async def test_an_unsettled_answer_still_reaches_the_caller(world, failure):
    """When settling fails, for whatever reason, the answer is given, and the log holds what a replay needs."""

    async def down(*args, **kwargs):
        raise failure

    world.store.settle = down
    done = await complete(world)
    assert done.answer.content == "one two three"
    (line,) = [line for line in world.lines() if line["message"] == "usage not settled"]
    assert line["ticket"]["request_id"] == "req_1"
    assert line["settlement"]["charge_nano"] == CHARGE
    assert line["usage"]["input_nano"] == 3000


async def test_usage_is_logged_before_it_is_settled(world):
    """The log line outlives a crash of the settlement."""
    await complete(world)
    (line,) = [line for line in world.lines() if line["message"] == "usage"]
    assert line["usage"]["request_id"] == "req_1"


async def test_a_token_budget_lowers_the_cap(world):
    """The per-request budget bounds input and output together."""
    await complete(world, token_budget=200, max_output_tokens=4096)
    (call,) = world.provider.calls
    assert 0 < call.max_output_tokens < 200


async def test_a_token_budget_too_small_for_the_input(world):
    """402 that names the field; nobody is called."""
    with pytest.raises(BudgetExceeded) as caught:
        await complete(world, token_budget=5)
    assert caught.value.param == "token_budget"
    assert called(world) == []


async def test_without_max_tokens_the_configured_cap_holds(world):
    """No answer is unbounded."""
    await complete(world)
    assert [call.max_output_tokens for call in world.provider.calls] == [4096]


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


async def test_fixed_parameters_of_a_model_win():
    """What the catalog fixes for a model is sent whatever the request says."""
    catalog = catalog_of(model("a", fixed_params={"temperature": 1}))
    world = World(catalog, settings_for(catalog))
    world.behave["a"] = echo
    await complete(world, params={"temperature": 0.2, "top_p": 0.5})
    assert world.provider.calls[0].params == {"temperature": 1, "top_p": 0.5}


async def test_a_store_that_is_away_is_503_and_tells_what_may_be_left(world):
    """Nobody is called; the log line explains a hold that nobody will settle."""

    async def down(*args, **kwargs):
        raise StoreUnavailable("The store is away.", retry_after_s=5)

    caller = await world.services.authenticator.authenticate(await world.key())
    world.store.admit = down
    with pytest.raises(StoreUnavailable):
        await world.services.gateway.complete(request(), caller, "req_1", timeout_s=60)
    assert called(world) == []
    (line,) = [line for line in world.lines() if line["message"] == "admission lost"]
    assert line["ticket"]["request_id"] == "req_1"


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


async def test_the_record_says_what_a_bill_was_made_of(world):
    """Every part that has a rate of its own, and where the provider served it."""
    told = Usage(100, 20, 10, 30, 5, 20, 8, 4, "flex")
    world.behave["first"] = lambda call: replace(echo(call), usage=told)
    done = await complete(world)
    (record,) = await world.records()
    assert Usage(**{field.name: getattr(record, field.name) for field in fields(Usage)}) == done.usage == told


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


def logged(world, message):
    return [line for line in world.lines() if line["message"] == message]


async def test_what_took_how_long(world):
    """The answer, its record, each attempt and the log, to the millisecond, whenever the process was started."""

    def after(seconds, error=None):
        def behave(call):
            world.clock.advance(seconds)
            if error:
                raise error
            return echo(call)

        return behave

    world.clock.advance(100)
    world.behave.update(first=after(0.25, ProviderUnavailable("down", detail="why")), second=after(1.5))
    done = await complete(world)
    assert [attempt.latency_ms for attempt in done.attempts] == [250, 1500]
    assert done.latency_ms == 1750
    (record,) = await world.records()
    assert (record.latency_ms, record.kind) == (1750, "chat")
    (failed,) = logged(world, "attempt failed")
    assert (failed["request_id"], failed["latency_ms"], failed["detail"]) == ("req_1", 250, "why")


async def test_an_attempt_may_have_exactly_the_least_time(world):
    """With less nobody is called."""
    world.behave["first"] = failing(ProviderUnavailable("down"))
    assert (await complete(world, timeout_s=LEAST_ATTEMPT_S)).model.key == "second"
    with pytest.raises(DeadlineExceeded):
        await complete(world, timeout_s=LEAST_ATTEMPT_S - 0.001)
    assert called(world) == ["first", "second"]


async def test_an_error_tells_what_was_billed(world):
    """All attempts together; nothing where nobody was asked."""
    world.behave["first"] = failing(ContentFilterError("no", usage=Usage(3, 1)))
    with pytest.raises(ContentFilterError) as caught:
        await complete(world)
    usage, cost = caught.value.billed
    assert (usage, cost.total_nano) == (Usage(3, 1), 3 * 1000 + 2000)
    await world.budget(month_nano=1)
    with pytest.raises(BudgetExceeded) as refused:
        await complete(world)
    assert refused.value.billed is None


async def test_the_log_tells_why_a_settlement_failed(world):
    """A fault of ours by its kind, never by its text; the store's own by its detail."""

    async def down(*args, **kwargs):
        raise ValueError("a secret")

    world.store.settle = down
    await complete(world)
    (line,) = logged(world, "usage not settled")
    assert line["detail"] == "unexpected ValueError of the store's adapter"


async def test_a_settlement_names_the_limits_that_it_was_admitted_under():
    """The store gives back or takes what the attempt did not or did use of them."""
    catalog = catalog_of(model("a"))
    limited = replace(catalog.providers["a-provider"], rpm=70, tpm=90_000)
    catalog = replace(catalog, providers={"a-provider": limited})
    world = World(catalog, settings_for(catalog))
    settle, seen = world.store.settle, []

    async def watched(ticket, settlement, *rest):
        seen.append(settlement)
        return await settle(ticket, settlement, *rest)

    world.store.settle = watched
    await complete(world)
    assert [(one.rpm, one.tpm, one.effect, one.unsent) for one in seen] == [(70, 90_000, "ok", False)]


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
