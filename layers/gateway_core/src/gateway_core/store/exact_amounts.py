"""Refuses what the store cannot count: its integers are exact only below 2^53."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple

from gateway_core.domain.caller import Limits
from gateway_core.domain.errors import ConfigError, InvalidRequest
from gateway_core.domain.rates import RateView
from gateway_core.store.budget import MAX_AMOUNT
from gateway_core.store.messages import Candidate, Settlement
from gateway_core.store.records import UsageRecord


def check_candidates(candidates: Sequence[Candidate]) -> None:
    """Raises InvalidRequest if a hold or a provider's limit cannot be counted."""
    for candidate in candidates:
        _check(candidate.hold_nano, candidate.hold_tokens, candidate.rpm, candidate.tpm, candidate.likely_tokens)


def check_settlement(settlement: Settlement) -> None:
    """Raises InvalidRequest if a charge, a wait or a limit cannot be counted."""
    _check(
        *(settlement.charge_nano, settlement.charge_tokens, settlement.retry_after_ms, settlement.tpm),
        *(settlement.latency_ms, settlement.rpm),
        *(settlement.unconfirmed_nano or 0, settlement.unconfirmed_tokens or 0),
    )
    if settlement.rates:
        _check(*[number for number in _numbers(settlement.rates) if number is not None])


def check_record(record: UsageRecord) -> None:
    """Raises InvalidRequest if a sum that reports need cannot be counted."""
    _check(record.input_tokens, record.output_tokens, record.cost_nano, record.latency_ms)


def check_charge(nano: int, tokens: int) -> None:
    """Raises InvalidRequest if a charge cannot be counted."""
    _check(nano, tokens)


def check_limits(limits: Limits) -> None:
    """Raises ConfigError for a limit that cannot be counted, and for a rate of 0: it would never let anything pass."""
    if any(value is not None and not 0 <= value <= MAX_AMOUNT for value in astuple(limits)):
        raise ConfigError(f"A limit must be between 0 and {MAX_AMOUNT}.")
    if limits.rpm == 0 or limits.tpm == 0:
        raise ConfigError("A rate limit must be at least 1 per minute; leave it out for no limit.")


def _numbers(rates: RateView) -> tuple[int | None, ...]:
    one, other = rates.requests, rates.tokens
    times = (rates.seen_ms, rates.until_ms, one.reset_at_ms, other.reset_at_ms)
    return (*times, one.limit, one.remaining, other.limit, other.remaining)


def _check(*amounts: int) -> None:
    if min(amounts) < 0 or max(amounts) > MAX_AMOUNT:
        raise InvalidRequest(f"An amount of this request is not between 0 and {MAX_AMOUNT}.")
