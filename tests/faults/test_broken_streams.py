"""Streams that break after content has gone out: told in-band, charged for what was said, answered by nobody else."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.faults.case import Money
from tests.faults.expectations import CHAT, CHOOSERS
from tests.faults.harness import OPENAI_STREAM, STREAM
from tests.faults.pace import PATIENT, hurried

CHUNKS = 2


@dataclass(frozen=True)
class Break:
    """How a stream ends midway, the code that the caller is told, and what breaker and bill make of it."""

    kind: str
    code: str
    is_failure: bool = True
    is_known: bool = False
    params: dict[str, Any] = field(default_factory=lambda: {"after_chunks": CHUNKS})
    is_silent: bool = False

    def __str__(self) -> str:
        return self.kind


# fmt: off
BREAKS = (
    #     the simulator's     code                       counts?           the bill is known?
    Break("rate_limit",       "rate_limited"),
    Break("server_error",     "provider_error"),
    Break("unavailable",      "provider_error"),
    Break("reset",            "provider_error"),
    Break("cut",              "provider_error"),
    Break("malformed",        "provider_error"),
    Break("auth",             "provider_error"),
    Break("not_found",        "provider_error"),
    Break("stall",            "deadline_exceeded",       is_silent=True),
    Break("context_length",   "context_length_exceeded", is_failure=False),
    Break("content_filter",   "content_filtered",        is_failure=False, is_known=True),
)
# fmt: on
LINEUPS = {"trio": CHAT, "choosers": CHOOSERS}


def asked_of(way, group):
    """The way, with the group by the name that its wire has for it."""
    return {"model" if way.is_openai else "model_group": group}


@pytest.mark.parametrize("group", LINEUPS)
@pytest.mark.parametrize("way", [STREAM, OPENAI_STREAM], ids=str)
@pytest.mark.parametrize("broken", BREAKS, ids=str)
async def test_after_the_first_content_the_error_is_told_in_band(case, gateways, broken, way, group):
    """Chunks, then an error with usage and cost; no sign of an end, one call, one record, and nothing held."""
    first = LINEUPS[group][0]
    case.use(gateways.get(hurried() if broken.is_silent else PATIENT))
    case.simulator.fault(first.provider, broken.kind, model=first.upstream, **broken.params)
    told = case.ask(way, **asked_of(way, group))

    assert (told.status, told.is_whole) == (200, False), told.events
    assert len(told.events) > CHUNKS
    name = "" if way.is_openai else "error"
    assert [name for name, data in told.events if "error" in data] == [name]
    assert told.error["code"] == broken.code
    assert [(model, outcome) for model, _provider, outcome, _code in told.attempts] == [(first.key, "failed")]
    assert case.calls() == {first.key: 1}
    state = await case.state(first)
    # One that is silent has failed because it was left before the deadline: who talks until then has not.
    assert (state.state, state.failures) == ("closed", int(broken.is_failure))
    await booked_right(case, told, broken, first)


async def booked_right(case, told, broken, model):
    """What the caller was told is what is spent, an estimate unless the bill is known; nothing is held."""
    usage = told.error["usage"]
    spent, held = case.budget()
    assert spent.tokens == usage["total_tokens"]
    (record,) = case.records()
    assert (record["request_id"], record["error_code"]) == (told.request_id, broken.code)
    assert (record["cost_usd"], record["model"]) == (told.error["cost"]["total_usd"], model.key)
    assert held == Money()
    assert await case.holds() == []
    assert usage.get("estimated", False) is not broken.is_known
    if broken.is_known:
        assert spent == case.billed()
    else:
        counted = case.simulator.counts(model.provider, model.upstream)
        assert usage["output_tokens"] >= counted["unfinished_output_tokens"]
        assert usage["input_tokens"] >= counted["unfinished_input_tokens"]


@pytest.mark.parametrize("way", [STREAM, OPENAI_STREAM], ids=str)
async def test_a_stream_ends_at_its_deadline(case, gateways, way):
    """A model that never stops talking is stopped in time, and is no worse for it."""
    case.use(gateways.get(hurried()))
    case.simulator.answer("anthropic", words=10_000, pace=50)
    told = case.ask(way)
    assert (told.status, told.is_whole, told.error["code"]) == (200, False, "deadline_exceeded")
    (share,) = case.shares(told)
    assert share.whole_s <= case.running.pace.deadline_s
    # Not sooner: then it would have failed.
    assert (await case.state(CHAT[0])).failures == 0
    assert case.simulator.counts("anthropic", CHAT[0].upstream)["disconnects"] == 1
    assert case.budget()[0].tokens == told.error["usage"]["total_tokens"] > CHUNKS
