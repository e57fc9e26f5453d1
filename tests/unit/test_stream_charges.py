"""What a stream that ends early is charged, whoever ends it; settled once, whatever happens."""

import asyncio
from contextlib import aclosing

import pytest

from gateway_core.domain.answer import Chunk, Usage
from gateway_core.domain.provider_errors import ContentFilterError, ProviderUnavailable
from gateway_core.domain.result import Opened
from tests.unit.streams import BY_FACTOR, END, LAG_TOKENS, PER_INPUT, PER_OUTPUT, Silence, pieces_of, says
from tests.unit.walks import request


def settlements(world):
    """Collects what the store is told of the last attempt."""
    settle, told = world.store.settle, []

    async def watched(ticket, settlement, *rest):
        told.append(settlement)
        return await settle(ticket, settlement, *rest)

    world.store.settle = watched
    return told


@pytest.mark.parametrize("failure", [ProviderUnavailable("cut", unconfirmed=True), ZeroDivisionError("odd")])
async def test_what_failed_before_the_first_content_is_charged_if_it_may_be_billed(world, failure):
    """Its input, and what can be written until the end is seen; nothing stays held, and the answer says so."""
    says(world, "first", failure)
    done = (await pieces_of(world))[0][-1]
    assert done.usage == Usage(BY_FACTOR[3] + 3, LAG_TOKENS + 2)
    assert done.cost.estimated_nano == BY_FACTOR[3] * PER_INPUT + LAG_TOKENS * PER_OUTPUT
    assert await world.spent() == (done.cost.total_nano, 0)
    (record,) = await world.records()
    assert (record.estimated_nano, record.error_code) == (done.cost.estimated_nano, "")


async def test_what_failed_before_it_was_sent_is_free(world):
    """The next model's answer is all there is to pay."""
    says(world, "first", ProviderUnavailable("refused"))
    done = (await pieces_of(world))[0][-1]
    assert (done.usage, done.cost.estimated_nano) == (Usage(3, 2), 0)


async def test_a_cut_stream_is_charged_for_what_was_delivered_or_reported(world):
    """The larger of both; the input is what the provider says. It is spent at once, and told apart."""
    told = settlements(world)
    says(world, "first", Chunk(text="a b c d"), ProviderUnavailable("cut", usage=Usage(50, 1), unconfirmed=True))
    _seen, error = await pieces_of(world)
    assert error.billed[0] == Usage(50, BY_FACTOR[4] + LAG_TOKENS)
    assert await world.store.open_holds("alpha", month="202611") == []
    assert [(one.estimated, one.unconfirmed, one.charge_tokens) for one in told] == [(True, False, 50 + 506)]


async def test_a_broken_stream_whose_bill_is_known_is_charged_that(world):
    """The provider's last word, however much the words that were heard may seem to be."""
    says(world, "first", Chunk(text="a b c d"), ContentFilterError("no", usage=Usage(2, 1)))
    _seen, error = await pieces_of(world)
    assert error.billed[0] == Usage(2, 1)
    assert await world.spent() == (2 * PER_INPUT + PER_OUTPUT, 0)


async def test_a_caller_who_leaves_closes_the_provider_and_pays_for_what_was_said(world):
    """Closing the stream closes the provider's; what it may have written beside that is estimated, nothing is held."""
    closed = []

    async def stream(call):
        try:
            yield Chunk(text="a b c ")
            await asyncio.Event().wait()
        finally:
            closed.append(call.deployment.upstream_model)

    world.provider.stream = stream
    caller = await world.services.authenticator.authenticate(await world.key())
    async with aclosing(world.services.gateway.stream(request(), caller, "req_1", timeout_s=60)) as pieces:
        async for piece in pieces:
            if isinstance(piece, Chunk):
                break
    assert closed == ["first"]
    (record,) = await world.records()
    tokens = (BY_FACTOR[3], BY_FACTOR[3] + LAG_TOKENS)
    assert (record.error_code, record.input_tokens, record.output_tokens) == ("cancelled", *tokens)
    assert record.estimated_nano == record.cost_nano > 0
    assert await world.spent() == (record.cost_nano, 0)


async def left_after(world, chunks):
    """The record and the settlements of a stream whose caller has enough after so many chunks."""
    told, seen = settlements(world), 0
    caller = await world.services.authenticator.authenticate(await world.key())
    async with aclosing(world.services.gateway.stream(request(), caller, "req_1", timeout_s=60)) as pieces:
        async for piece in pieces:
            seen += isinstance(piece, Chunk)
            if seen == chunks:
                break
    (record,) = await world.records()
    return record, told


async def test_what_has_arrived_when_the_caller_leaves_is_taken_in(world):
    """It was written; and if that is all, with the bill, the charge is that bill."""
    says(world, "first", Chunk(text="a "), Chunk(text="b "), Chunk(text="c "), Silence())
    record, _told = await left_after(world, 1)
    assert record.output_tokens == BY_FACTOR[3] + LAG_TOKENS


async def test_a_caller_who_leaves_after_the_last_word_pays_the_bill(world):
    """Cancelled all the same, as the end was not told."""
    says(world, "first", Chunk(text="a "), Chunk(text="b "), END)
    record, (settled,) = await left_after(world, 1)
    assert (record.error_code, record.input_tokens, record.output_tokens) == ("cancelled", 3, 2)
    assert (record.estimated_nano, settled.estimated, settled.unconfirmed) == (0, False, False)


@pytest.mark.parametrize("broken", [ProviderUnavailable("cut", usage=Usage(9, 1)), ZeroDivisionError("odd")])
async def test_a_stream_that_breaks_while_its_caller_leaves_is_estimated(world, broken):
    """From what is known by then."""
    says(world, "first", Chunk(text="a ", usage=Usage(8, 1)), broken)
    record, (settled,) = await left_after(world, 1)
    known = 9 if isinstance(broken, ProviderUnavailable) else 8
    assert (record.input_tokens, settled.estimated) == (known, True)


async def test_a_caller_who_leaves_before_the_first_content_is_charged_for_what_may_be_billed(world):
    """With the input that was reported by then; a second of silence and the lag may have been written."""
    silence = Silence()
    says(world, "first", Chunk(usage=Usage(40, 1)), silence)
    task = asyncio.create_task(pieces_of(world))
    await silence.begun.wait()
    world.clock.advance(1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    (record,) = await world.records()
    assert (record.error_code, record.input_tokens, record.output_tokens) == ("cancelled", 40, 1 + 3 * LAG_TOKENS)
    assert record.estimated_nano == record.cost_nano
    assert await world.spent() == (record.cost_nano, 0)


async def test_a_connection_that_cannot_be_closed_leaves_no_books_open(world):
    """The record is written and nothing stays held, whatever closing the provider's stream raises."""

    async def stream(call):
        try:
            yield Chunk(text="a b c ")
            await asyncio.Event().wait()
        finally:
            raise ConnectionResetError

    world.provider.stream = stream
    caller = await world.services.authenticator.authenticate(await world.key())
    pieces = world.services.gateway.stream(request(), caller, "req_1", timeout_s=60)
    assert isinstance(await anext(pieces), Opened)
    await pieces.aclose()
    assert [record.error_code for record in await world.records()] == ["cancelled"]
    assert await world.store.open_holds("alpha", month="202611") == []


async def test_what_was_written_is_counted_as_the_assistants(world):
    """Tokenisers frame the roles differently."""
    says(world, "first", Chunk(text="a b "), ProviderUnavailable("cut", unconfirmed=True))
    count, roles = world.provider.count_tokens, []

    def counting(deployment, messages, params):
        roles.append([message["role"] for message in messages])
        return count(deployment, messages, params)

    world.provider.count_tokens = counting
    await pieces_of(world)
    assert sorted(roles) == [["assistant"], ["assistant"], ["user"]]
