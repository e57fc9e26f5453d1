"""Settling one attempt: its money, its deployment's breaker and latency, and the token buckets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from gateway_core.adapters.memory.state import Bucket, Latency, State, StoredHold
from gateway_core.domain.caller import Limits
from gateway_core.store import breaker, budget
from gateway_core.store import rate_limit as ratelimit
from gateway_core.store.breaker import Effect
from gateway_core.store.budget import NOTHING, Amount, Movement
from gateway_core.store.changes import BreakerChange, BudgetCrossed
from gateway_core.store.estimates import counted_from_ms, index_name
from gateway_core.store.messages import DEGRADED, STALE_MS, Settlement, Terms, Ticket
from gateway_core.store.rate_limit import ProviderLimits


def charge_of(settlement: Settlement) -> Amount:
    return Amount(settlement.charge_nano, settlement.charge_tokens)


def move(
    state: State, ticket: Ticket, by: Movement, limits: Sequence[Limits] = (), *, counts_user: bool
) -> tuple[BudgetCrossed, ...]:
    """Move money in all accounts that the request counts against; tells what that crossed of `limits`."""
    crossed: list[BudgetCrossed] = []
    scopes = [scope for scope in ticket.scopes if counts_user or not scope.startswith("u:")]
    for scope, limit in zip(scopes, limits or [Limits()] * len(scopes), strict=True):
        accounts = state.home(ticket, scope).accounts
        day, month = (scope, ticket.day), (scope, ticket.month)
        crossed += budget.crossed(scope, limit, accounts[day], accounts[month], by.spent)
        for account in (day, month):
            accounts[account] = budget.move(accounts[account], by)
    return tuple(crossed)


def own_hold(state: State, ticket: Ticket, settlement: Settlement) -> StoredHold | None:
    """The attempt's hold, unless a late copy of its admission made it: to settle that would count it once more."""
    stored = state.month_of(ticket).holds.get((ticket.request_id, settlement.attempt))
    return stored if stored and settlement.serial in {0, stored.answer.serial} else None


def settle_money(state: State, ticket: Ticket, settlement: Settlement, now_ms: int) -> tuple[BudgetCrossed, ...]:
    """Charge the attempt and release its hold, or what of it is certain."""
    attempt_id = (ticket.request_id, settlement.attempt)
    held = own_hold(state, ticket, settlement)
    charge, is_estimate = charge_of(settlement), settlement.estimated
    if held is None:
        by = Movement(charge, NOTHING, charge if is_estimate else NOTHING)
        return move(state, ticket, by, counts_user=state.has_user_account(ticket))
    del state.month_of(ticket).holds[attempt_id]
    if settlement.unconfirmed:
        return _keep_unconfirmed(state, ticket, settlement, held, now_ms)
    state.unconfirmed[ticket.project_id].pop(index_name(ticket.day, *attempt_id), None)
    by = budget.settled(held.hold, charge, is_estimate=is_estimate)
    return move(state, ticket, by, held.limits, counts_user=held.counts_user)


def _keep_unconfirmed(
    state: State, ticket: Ticket, settlement: Settlement, held: StoredHold, now_ms: int
) -> tuple[BudgetCrossed, ...]:
    charge, kept = charge_of(settlement), (settlement.unconfirmed_nano, settlement.unconfirmed_tokens)
    rest = budget.unconfirmed(held.hold, charge, kept, is_estimate=settlement.estimated)
    attempt_id = (ticket.request_id, settlement.attempt)
    stored = replace(held, hold=rest, unconfirmed=True, unconfirmed_ms=now_ms)
    state.month_of(ticket).holds[attempt_id] = stored
    state.unconfirmed[ticket.project_id][index_name(ticket.day, *attempt_id)] = counted_from_ms(ticket.day, now_ms)
    by = Movement(charge, rest.amount - held.hold.amount, charge if settlement.estimated else NOTHING)
    return move(state, ticket, by, held.limits, counts_user=held.counts_user)


def settle_health(
    state: State, settlement: Settlement, held: StoredHold | None, terms: Terms
) -> tuple[BreakerChange, ...]:
    """Tell the breaker, the moving average, the buckets and the provider's limits how the attempt ended."""
    deployment = (settlement.provider, settlement.deployment_id)
    effect = Effect(settlement.effect, settlement.generation, settlement.probe, settlement.retry_after_ms)
    before = state.breaker(deployment, terms.now_ms)
    after = state.breakers[deployment] = breaker.settle(before, effect, terms.now_ms, terms.policy)
    if settlement.effect == "ok":
        timed = (*deployment, settlement.streamed)
        state.latencies[timed] = average(state.latencies.get(timed), settlement.latency_ms, terms.now_ms)
    # What nobody knows the size of is not given back; a minute heals it.
    if held and not settlement.unconfirmed:
        _give_back(state, held, settlement)
    if settlement.rates:
        provider_limits = state.reported(deployment, terms.now_ms) or ProviderLimits()
        state.provider_limits[deployment] = ratelimit.update_from_report(
            provider_limits, settlement.rates, held.sequence if held else None
        )
    return breaker.changes(*deployment, before, after)


def average(latency: Latency | None, latency_ms: int, now_ms: int) -> Latency:
    """Exponentially weighted moving average: alpha is 0.2, but 0.5 after a while without any; the first is itself."""
    if latency is None:
        return Latency(latency_ms * 1000, now_ms)
    old, parts = latency.average_us, 2 if now_ms - latency.at_ms >= STALE_MS else 5
    return Latency(((parts - 1) * old + 1000 * latency_ms) // parts, now_ms)


def _give_back(state: State, held: StoredHold, settlement: Settlement) -> None:
    """Tokens that were not used and, of an attempt that was not sent, its place."""
    tokens = (held.hold.amount.tokens, settlement.charge_tokens)
    requests = (1, 0 if settlement.unsent else 1)
    _correct(state, ("key", held.key_id, "tpm"), tokens, held.key_tpm)
    _correct(state, ("key", held.key_id, "rpm"), requests, held.key_rpm)
    if settlement.generation != DEGRADED:
        _correct(state, ("provider", settlement.provider, "tpm"), tokens, settlement.tpm)
        _correct(state, ("provider", settlement.provider, "rpm"), requests, settlement.rpm)


def _correct(state: State, bucket: Bucket, units: tuple[int, int], per_minute: int) -> None:
    """`units` are how many were reserved and how many were used."""
    if per_minute and bucket in state.arrivals:
        state.arrivals[bucket] = ratelimit.correct(state.arrivals[bucket], *units, per_minute)
