"""`benchmarks/prompt_caching.py`: what an agent pays for its prompt."""

from __future__ import annotations

from decimal import Decimal

from benchmarks.prompt_caching import agent_bill
from gateway_core.domain.prices import Price

LISTED = Price(Decimal(5000), Decimal(25000), Decimal(500), Decimal(6250), "test")


def test_an_agent_of_twenty_turns_pays_a_fraction() -> None:
    """Each turn reads what the one before has written, and writes what is new."""
    bill = agent_bill("claude-opus-4-5", LISTED)
    assert bill.ratio < Decimal("0.35")
    assert bill.cached_usage.cached_input_tokens > 4 * bill.cached_usage.cache_write_tokens


def test_one_turn_pays_for_writing() -> None:
    """A quarter more of the input: who asks once should not be cached for, and is not by `auto`, without tools."""
    bill = agent_bill("claude-sonnet-4-6", LISTED, turns=1)
    assert Decimal(1) < bill.ratio < Decimal("1.25")


def test_what_is_too_short_is_not_written() -> None:
    """The prompt has about 3,500 tokens, and the model wants 4,096."""
    bill = agent_bill("claude-opus-4-5", LISTED, turns=1)
    assert (bill.ratio, bill.cached_usage.cache_write_tokens) == (1, 0)
