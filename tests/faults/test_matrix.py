"""Every fault at the first, the second and all candidates, of every way to ask: what the table promises is kept."""

import pytest

from gateway_core.api.sse import HEARTBEAT_S
from tests.faults.case import Money
from tests.faults.expectations import FAULTS, POSITIONS, Fault, expected, plagued
from tests.faults.harness import COMPLETE, EMBED, OPENAI, OPENAI_STREAM, WAYS

MOST_ESTIMATED = 4096 + 1000
"""Tokens that a stream is charged for what nobody told: its cap, and for a short prompt."""
EARLY_S = 0.02
"""By how much a timer may be early."""
CASES = [
    pytest.param(fault, way, position, id=f"{fault}-{way}-{position}")
    for fault in FAULTS
    for way in WAYS
    for position in POSITIONS
    # All embedding models are OpenAI's: where one cannot be reached, none can.
    if not (fault.kind == "" and way is EMBED and position != "all")
    # These wait for real time to pass, and the two wires share everything that waits.
    if not (fault.is_silent and way in (OPENAI, OPENAI_STREAM) and position != "first")
    # A streamed answer that is filtered has begun (see test_broken_streams), and vectors cannot be filtered.
    if not (fault.name == "filtered-answer" and way not in (COMPLETE, OPENAI))
]


@pytest.mark.parametrize(("fault", "way", "position"), CASES)
async def test_a_fault_ends_as_documented(case, fault, way, position):
    """Who answers, what the caller is told and when; who was called how often; what is spent, held and recorded."""
    way = way.against(fault)
    wanted = expected(fault, position, way.lineup)
    told = case.play(plagued(fault, position, way.lineup), way)
    told_right(told, wanted, fault, way)
    in_time(case, told, wanted)
    called_right(case, wanted)
    await booked_right(case, told, wanted, way)
    await watched_right(case, wanted)


def told_right(told, wanted, fault, way):
    """Status, code, model, attempts and Retry-After.

    A stream that has been silent for the heartbeat's interval begins all the same, and then ends with an event. Who is
    in a hurry on a slow machine waits that long: see `hurried`.
    """
    if told.is_early:
        assert way.is_stream
        assert told.began_s >= HEARTBEAT_S - EARLY_S, "nothing was to be kept alive yet"
    assert told.status == (200 if told.is_early else wanted.status), (told.body, told.events)
    assert (told.error or {}).get("code") == wanted.code
    assert told.is_whole == (wanted.code is None)
    attempts = [
        (one.key, one.provider, "failed", met.code) if met and met.code else (one.key, one.provider, "ok", None)
        for one, met in wanted.attempts
    ]
    if wanted.code is None and not told.is_early:
        assert told.headers["x-gateway-model"] == wanted.answered.key
        assert told.headers["x-gateway-attempts"] == str(len(attempts))
    if wanted.code or not way.is_openai:
        assert told.attempts == attempts
    retry_after = fault.retry_after if wanted.code == "rate_limited" else None
    assert told.headers.get("retry-after") == (str(retry_after) if retry_after else None)


def in_time(case, told, wanted):
    """No attempt was allowed more than was left of the request's time, nor, with others left, more than a provider's.

    Who waits for a limited model, or for a silent one beyond that, is never done: see GIVEN_UP_S.
    """
    pace, shares, passed_s = case.running.pace, case.shares(told), 0.0
    for at, (share, (_one, met)) in enumerate(zip(shares, wanted.attempts, strict=True), 1):
        assert share.first_s <= share.whole_s <= pace.deadline_s - passed_s + EARLY_S
        if at < len(wanted.attempts):
            assert share.first_s <= pace.patience_s
        passed_s += share.first_s if met and met.is_silent else 0


def called_right(case, wanted):
    """Each candidate of the walk once, the others never; one that cannot be reached hears of nothing."""
    reached = {one.key: 1 for one, met in wanted.attempts if not (met and met.kind == "")}
    assert case.calls() == reached


async def booked_right(case, told, wanted, way):
    """Spent is what the simulator counted, held what it may have billed of answers in one piece; one record tells it.

    Streams are charged at least what it counted of them, and not more than a part of their bound.
    """
    unknown = [at for at, (_one, met) in enumerate(wanted.attempts, 1) if met and met.bill == "unknown"]
    spent, held = case.budget()
    if way.is_stream and unknown:
        least = case.billed() + case.unfinished()
        assert least.nano < spent.nano
        assert least.tokens < spent.tokens < least.tokens + len(unknown) * MOST_ESTIMATED
    else:
        assert spent == case.billed()
    holds = await case.holds()
    places = [] if way.is_stream else unknown
    assert sorted((hold.request_id, hold.attempt, hold.unconfirmed) for hold in holds) == [
        (told.request_id, at, True) for at in places
    ]
    assert held == Money(sum(hold.hold_nano for hold in holds), sum(hold.hold_tokens for hold in holds))
    assert (held.nano > 0) == bool(places)
    recorded_right(case, told, wanted, spent)


def recorded_right(case, told, wanted, spent):
    """Exactly one record, under the last model, with every attempt and all that is spent."""
    (record,) = case.records()
    last = wanted.attempts[-1][0]
    assert (record["request_id"], record["error_code"]) == (told.request_id, wanted.code or "")
    assert (record["model"], record["provider"], record["attempts"]) == (last.key, last.provider, len(wanted.attempts))
    assert record["input_tokens"] + record["output_tokens"] == spent.tokens
    totals = case.totals()
    assert (totals["requests"], totals["errors"]) == (1, int(wanted.code is not None))
    assert totals["input_tokens"] + totals["output_tokens"] == spent.tokens
    assert totals["cost_usd"] == record["cost_usd"]


async def watched_right(case, wanted):
    """The breaker of each model that was called knows what its fault says of it."""
    for one, met in wanted.attempts:
        state = await case.state(one)
        effect = met.effect if isinstance(met, Fault) else "nothing"
        assert state.failures == int(effect == "failure"), one
        assert (state.state == "open") == (effect == "rest"), one
        assert (state.until_ms > 0) == (effect == "rest"), one
