"""Keys and arguments of the scripts, in the order in which the scripts read them, and what they answer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass, field
from urllib.parse import unquote

from gateway_core.adapters.upstash import layout
from gateway_core.adapters.upstash.client import Reply
from gateway_core.adapters.upstash.reading import flag, moment, one_of, text, whole
from gateway_core.domain.chat import RefusalReason
from gateway_core.domain.rates import RateView, ReportedLimit
from gateway_core.store.changes import (
    BreakerChange,
    BreakerReason,
    BreakerState,
    BudgetCrossed,
    BudgetLimit,
    Change,
    Percent,
)
from gateway_core.store.counters import CARDINALITY_CAP, count, dimensions, encode
from gateway_core.store.messages import (
    Admission,
    Admitted,
    BreakerPolicy,
    Candidate,
    Refusal,
    Refused,
    Settled,
    Settlement,
    Shortage,
    StaleCaller,
    Ticket,
)
from gateway_core.store.records import UsageRecord
from gateway_core.store.response_cache import Hit, LookUp, Miss

_BREAKERS: dict[str, tuple[BreakerState, BreakerReason]] = {
    "c": ("closed", ""),
    "h": ("half_open", ""),
    "l": ("open", "rate_limit"),
    "o": ("open", "failures"),
}
_LIMITS: dict[str, BudgetLimit] = {
    "day_nano": "day_nano",
    "month_nano": "month_nano",
    "day_tokens": "day_tokens",
    "month_tokens": "month_tokens",
}
_WRITTEN = {"0": False, "1": True}
_PERCENTS: dict[str, Percent] = {"50": 50, "80": 80, "100": 100}
_REASONS: dict[str, RefusalReason] = {"budget": "budget", "rate": "rate", "open": "breaker_open"}


@dataclass(slots=True)
class ScriptCall:
    """Keys and arguments of one run of a script, collected in order."""

    keys: list[str] = field(default_factory=list)
    arguments: list[str] = field(default_factory=list)

    def add(self, *values: str | int) -> None:
        self.arguments += map(str, values)

    def key_index(self, key: str) -> int:
        """Position of a key from 1, declaring it if it is new."""
        if key not in self.keys[_FIXED_KEYS:]:
            self.keys.append(key)
        return self.keys.index(key, _FIXED_KEYS) + 1


_FIXED_KEYS = 4


def request_call(ticket: Ticket, now_ms: int) -> ScriptCall:
    """What every script is told first."""
    home = ticket.key_home
    keys = [
        layout.budget_key(ticket.project_id, ticket.month),
        layout.budget_key(home, ticket.month),
        layout.project_key(ticket.project_id),
        layout.project_key(home),
    ]
    call = ScriptCall(keys)
    call.add(now_ms, ticket.request_id, ticket.digest, ticket.rights_tag)
    call.add(encode(ticket.key_id), encode(ticket.user_id), ticket.day)
    return call


def add_policy(call: ScriptCall, policy: BreakerPolicy) -> None:
    call.add(policy.failures, policy.window_ms, policy.cooldown_ms, policy.max_cooldown_ms, policy.lease_ms)


def add_admission(call: ScriptCall, candidates: Sequence[Candidate], max_wait_ms: int) -> None:
    call.add(max_wait_ms, len(candidates))
    for candidate in candidates:
        provider = call.key_index(layout.provider_key(candidate.provider))
        call.add(provider, candidate.deployment_id, candidate.hold_nano, candidate.hold_tokens)
        call.add(candidate.rpm, candidate.tpm, candidate.likely_tokens)


def add_attempt(call: ScriptCall, settlement: Settlement) -> None:
    call.add(settlement.attempt, call.key_index(layout.provider_key(settlement.provider)), settlement.deployment_id)
    call.add(settlement.generation, int(settlement.probe), settlement.effect, settlement.latency_ms)
    call.add(settlement.charge_nano, settlement.charge_tokens, int(settlement.unconfirmed))
    call.add(settlement.retry_after_ms, settlement.tpm, settlement.rpm, int(settlement.unsent))
    call.add(int(settlement.streamed))
    rates = settlement.rates or RateView(0)
    call.add(rates.seen_ms, rates.until_ms, *_quota(rates.requests), *_quota(rates.tokens))


def _quota(quota: ReportedLimit) -> Iterator[int]:
    return (-1 if number is None else number for number in astuple(quota))


def declare_books(call: ScriptCall, ticket: Ticket) -> None:
    """The keys of counters and records, before any provider's."""
    call.keys += [
        layout.counters_key(ticket.project_id, ticket.day),
        layout.records_key(ticket.project_id, ticket.day),
        layout.PROJECTS,
    ]


def add_books(call: ScriptCall, ticket: Ticket, record: UsageRecord) -> None:
    groups = dimensions(record, ticket.hour)
    call.add(ticket.project_id, layout.pack_record(record), CARDINALITY_CAP)
    call.add(layout.pack_counters(count(record)), len(groups))
    for group in groups:
        call.add(len(group.fields), len(group.rest), *group.fields, *group.rest)


def parse_admission(reply: str) -> Admission:
    """The answer of `admit` and `next`; its format is told in `lua/admission.lua`."""
    answer, *told = reply.split("|")
    head, *refusals = answer.split(";")
    passed_over, changes = tuple(_refusal(refusal) for refusal in refusals), _changes(told)
    if head == "!":
        return StaleCaller(changes)
    if head == "-":
        return Refused(passed_over, changes)
    kind, numbers = head[:1], head[1:]
    if kind != "+":
        raise ValueError
    index, attempt, generation, probe, wait_ms, limited = (whole(number) for number in numbers.split(","))
    return Admitted(index, attempt, generation, bool(probe), wait_ms, passed_over, bool(limited), changes)


def parse_look_up(ticket: Ticket, reply: str) -> LookUp:
    """The answer of `look_up`; its format is told in `lua/look_up.lua`."""
    kind, (wait_ms, _, value) = reply[:1], reply[1:].partition(";")
    match kind:
        case "+":
            return Hit(value, whole(wait_ms))
        case "-":
            return Refused((Refusal(0, "rate", f"k:{ticket.key_id}:rpm", whole(wait_ms)),))
        case "!":
            return StaleCaller()
        case "":
            return Miss()
    raise ValueError


def parse_settled(reply: Reply) -> Settled:
    """The answer of `settle`; that of `record` and `record_hit` is a number."""
    if isinstance(reply, int):
        return Settled(flag(reply))
    written, *told = text(reply).split("|")
    return Settled(one_of(_WRITTEN, written), _changes(told))


def _changes(told: Sequence[str]) -> tuple[Change, ...]:
    return tuple(_change(change.split(",")) for change in told)


def _change(parts: Sequence[str]) -> Change:
    """A change from its form in `lua/common.lua`."""
    if parts[0] in _BREAKERS:
        letter, until_ms, generation, provider, deployment_id = parts
        state, reason = _BREAKERS[letter]
        return BreakerChange(provider, unquote(deployment_id), state, whole(generation), moment(until_ms), reason)
    name, percent, spent, limit = parts
    scope, _, kind = name.rpartition(":")
    return BudgetCrossed(unquote(scope), _LIMITS[kind], _PERCENTS[percent], whole(spent), whole(limit))


def _refusal(told: str) -> Refusal:
    index, reason, scope, retry_after_ms, *amounts = told.split(",")
    shortage = Shortage(*map(whole, amounts)) if amounts else None
    return Refusal(whole(index), _REASONS[reason], unquote(scope), whole(retry_after_ms), shortage)
