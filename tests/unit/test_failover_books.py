"""What the walk leaves behind: in the books, in the log, and in the answer."""

import asyncio
from dataclasses import fields, replace

import pytest

from gateway_core.adapters.echo import echo
from gateway_core.adapters.memory import MemoryStore
from gateway_core.domain.answer import Usage
from gateway_core.domain.errors import BudgetExceeded, InvalidRequest, StoreUnavailable
from gateway_core.domain.provider_errors import ContentFilterError, ProviderTimeout, ProviderUnavailable
from tests.conftest import World, catalog_of, model, settings_for
from tests.unit.walks import CHARGE, called, complete, failing, request


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


async def test_budget_refusal_calls_nobody(world):
    """402 before any provider is called; nothing held, nothing recorded."""
    await world.budget(month_nano=CHARGE)
    with pytest.raises(BudgetExceeded) as caught:
        await complete(world, max_output_tokens=4096)
    assert called(world) == []
    assert {"budget_exceeded"} == {a.error_code for a in caught.value.attempts}
    assert await world.spent() == (0, 0)
    assert await world.records() == []


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


async def test_the_record_says_what_a_bill_was_made_of(world):
    """Every part that has a rate of its own, and where the provider served it."""
    told = Usage(100, 20, 10, 30, 5, 20, 8, 4, "flex")
    world.behave["first"] = lambda call: replace(echo(call), usage=told)
    done = await complete(world)
    (record,) = await world.records()
    assert Usage(**{field.name: getattr(record, field.name) for field in fields(Usage)}) == done.usage == told


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


class Slow(MemoryStore):
    """The store, which says nothing of a settlement before it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.asked, self.let_go = asyncio.Event(), asyncio.Event()

    async def settle(self, *args):
        self.asked.set()
        await self.let_go.wait()
        return await super().settle(*args)


async def test_telling_takes_no_time_of_its_own():
    """What a request cost is logged and told while the store writes; the answer waits for the store."""
    catalog = catalog_of(model("first"))
    world = World(catalog, settings_for(catalog), store=Slow())
    asked = asyncio.create_task(complete(world))
    await world.store.asked.wait()
    assert "usage" in [line["message"] for line in world.lines()]
    assert [event["detail-type"] for event in world.events()] == ["request.cost"]
    assert not asked.done()
    world.store.let_go.set()
    assert (await asked).cost.total_nano == (await world.spent())[0]
