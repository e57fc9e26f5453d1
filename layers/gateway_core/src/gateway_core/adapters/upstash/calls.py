"""Keys and arguments of the scripts, in the order in which the scripts read them, and what they answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import get_args
from urllib.parse import unquote

from gateway_core.adapters.upstash import layout
from gateway_core.adapters.upstash.client import Reply
from gateway_core.adapters.upstash.news import News
from gateway_core.adapters.upstash.reading import moment, one_of, text, whole
from gateway_core.domain.chat import RefusalReason
from gateway_core.domain.errors import RecordRefused
from gateway_core.domain.rates import RateView, ReportedLimit
from gateway_core.domain.times import day_key, hour_key, utc_date
from gateway_core.store.changes import (
    BreakerChange,
    BreakerReason,
    BreakerState,
    BudgetCrossed,
    BudgetLimit,
    Change,
    Percent,
)
from gateway_core.store.counters import Dimension, Kind, count, dimensions, encode
from gateway_core.store.estimates import day_end_ms
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
_DUE = "|due"
_KINDS = frozenset(get_args(Kind.__value__))
_WRITTEN = {"0": False, "1": True}
_PERCENTS: dict[str, Percent] = {"50": 50, "80": 80, "100": 100}
_DETAIL_LENGTH = 160
_HELD = "|="
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
_REQUEST_ARGUMENTS = 7
"""Of those in `request_call`."""


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
    names = (encode(ticket.key_id), encode(ticket.user_id))
    call.add(now_ms, ticket.request_id, ticket.digest, ticket.rights_tag, *names, ticket.day)
    return call


def add_policy(call: ScriptCall, policy: BreakerPolicy) -> None:
    times_ms = (policy.window_ms, policy.cooldown_ms, policy.max_cooldown_ms, policy.lease_ms)
    call.add(policy.failures, *times_ms, call.key_index(layout.DEPLOYMENTS))


def add_admission(call: ScriptCall, candidates: Sequence[Candidate], max_wait_ms: int, due_before_ms: int = 0) -> None:
    """`due_before_ms`: unconfirmed attempts that began to wait before it are to be booked."""
    call.add(max_wait_ms, due_before_ms, call.key_index(layout.PROJECTS), len(candidates))
    for candidate in candidates:
        held = (candidate.hold_nano, candidate.hold_tokens)
        limits = (candidate.rpm, candidate.tpm, candidate.likely_tokens)
        call.add(encode(candidate.provider), candidate.deployment_id, *held, *limits)


def add_news(call: ScriptCall, news: Sequence[News]) -> None:
    """What is to be known of deployments before anything else is done."""
    call.add(len(news))
    for told in news:
        ended, rates = told.settlement, told.settlement.rates or RateView(0)
        call.add(
            *(encode(ended.provider), ended.deployment_id, told.at_ms, ended.generation, ended.latency_ms),
            *(int(ended.streamed), told.held_tokens, ended.charge_tokens, ended.tpm, ended.rpm, int(ended.unsent)),
            *(told.sequence, told.token_sequence, rates.seen_ms, rates.until_ms),
            *(*_quota(rates.requests), *_quota(rates.tokens)),
        )


def news_call(news: Sequence[News]) -> ScriptCall:
    """News alone: there is no request, and no project's key is touched."""
    call = ScriptCall([layout.DEPLOYMENTS] * _FIXED_KEYS)
    call.add(*[0] * _REQUEST_ARGUMENTS)
    add_policy(call, BreakerPolicy())
    add_news(call, news)
    return call


def add_attempt(call: ScriptCall, ticket: Ticket, settlement: Settlement, *, is_news: bool = False) -> None:
    """With `is_news` what it taught of its deployment is told later, by `add_news`."""
    rates = settlement.rates or RateView(0)
    call.add(
        *(settlement.attempt, encode(settlement.provider), settlement.deployment_id),
        *(settlement.generation, int(settlement.probe), settlement.effect, settlement.latency_ms),
        *(settlement.charge_nano, settlement.charge_tokens, int(settlement.unconfirmed)),
        *(settlement.retry_after_ms, settlement.tpm, settlement.rpm, int(settlement.unsent)),
        *(int(settlement.streamed), settlement.serial),
        *(rates.seen_ms, rates.until_ms, int(settlement.estimated)),
        *(_or_unknown(settlement.unconfirmed_nano), _or_unknown(settlement.unconfirmed_tokens)),
        *(day_end_ms(ticket.day), call.key_index(layout.unconfirmed_key(ticket.project_id)), int(is_news)),
        *(*_quota(rates.requests), *_quota(rates.tokens)),
    )


def _quota(quota: ReportedLimit) -> tuple[int, int, int]:
    return _or_unknown(quota.limit), _or_unknown(quota.remaining), _or_unknown(quota.reset_at_ms)


def _or_unknown(number: int | None) -> int:
    return -1 if number is None else number


def declare_books(call: ScriptCall, ticket: Ticket) -> None:
    """The keys of the records and of the projects, before any provider's."""
    call.keys += [layout.records_key(ticket.project_id, ticket.day, ticket.hour), layout.PROJECTS]


def add_books(call: ScriptCall, ticket: Ticket, record: UsageRecord, now_ms: int) -> None:
    groups = dimensions(record, ticket.day, ticket.hour)
    is_late = (ticket.day, ticket.hour) != (day_key(utc_date(now_ms)), hour_key(now_ms))
    described, fields = _told(groups)
    written = (ticket.project_id, layout.pack_record(record), int(is_late))
    call.add(*written, layout.pack_counters(count(record)), described, len(fields), *fields)


@lru_cache(maxsize=256)
def _told(groups: tuple[Dimension, ...]) -> tuple[str, tuple[str, ...]]:
    """What a script has to know of them, and their fields: requests of an hour have few different ones."""
    return "\n".join(map(_described, groups)), tuple(field for group in groups for field in group.fields)


def _described(group: Dimension) -> str:
    """What a script has to know of a dimension where a field is new. Names are encoded: none has a space."""
    if not group.index:
        return str(len(group.fields))
    facts = (len(group.fields), group.index, group.kind, group.name, group.rest_name, group.most, *group.rest)
    return " ".join(map(str, facts))


def told_due(reply: str) -> tuple[str, bool]:
    """The answer of `admit`, and whether it says that some attempts are to be booked."""
    answer = reply.removesuffix(_DUE)
    return answer, answer != reply


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
    index, attempt, generation, probe, wait_ms, limited, *serial = map(whole, numbers.split(","))
    # A version before serials may have admitted what this one is told of again.
    return Admitted(index, attempt, generation, bool(probe), wait_ms, passed_over, bool(limited), changes, *serial)


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


def parse_settled(reply: str) -> Settled:
    """The answer of `settle`, `record` and `record_hit`; what the books tell is told in `lua/books.lua`.

    Raises RecordRefused where there was no room for the record.
    """
    if reply.startswith("!") and len(reply) > 1:
        detail = reply[1:].rpartition(_HELD)[0] if _HELD in reply else reply[1:]
        raise RecordRefused("The store has no room for the usage record.", detail=detail[:_DETAIL_LENGTH])
    written, *told = reply.split("|")
    folded = tuple(_kind(kind) for part in told if part.startswith("~") for kind in part[1:].split(","))
    changes = _changes([part for part in told if part[0] not in "~="])
    return Settled(one_of(_WRITTEN, written), changes, folded)


def parse_held(reply: str) -> tuple[int, int, int] | None:
    """What a settlement that is told as news found in its hold: tokens and both sequences. None if there is no news."""
    _, found, held = reply.rpartition(_HELD)
    if not found:
        return None
    tokens, sequence, token_sequence = map(whole, held.partition("|")[0].split(","))
    return tokens, sequence, token_sequence


def parse_adjusted(reply: Reply) -> tuple[Change, ...] | None:
    """The answer of `adjust`: what it changed, or what a copy tells again; None if it was not done."""
    done, *told = text(reply).split("|")
    if done not in ("", "1") or (told and not done):
        raise ValueError
    return _changes(told) if done else None


def _kind(name: str) -> str:
    if name not in _KINDS:
        raise ValueError
    return name


def _changes(told: Sequence[str]) -> tuple[Change, ...]:
    return tuple(_change(change.split(",")) for change in told)


def _change(parts: Sequence[str]) -> Change:
    """A change from its form in `lua/common.lua`."""
    if parts[0] in _BREAKERS:
        letter, until_ms, generation, provider, deployment_id = parts
        state, reason = _BREAKERS[letter]
        moved = (whole(generation), moment(until_ms), reason)
        return BreakerChange(unquote(provider), unquote(deployment_id), state, *moved)
    name, percent, spent, limit = parts
    scope, _, kind = name.rpartition(":")
    return BudgetCrossed(unquote(scope), _LIMITS[kind], _PERCENTS[percent], whole(spent), whole(limit))


def _refusal(told: str) -> Refusal:
    index, reason, scope, retry_after_ms, *amounts = told.split(",")
    shortage = Shortage(*map(whole, amounts)) if amounts else None
    return Refusal(whole(index), _REASONS[reason], unquote(scope), whole(retry_after_ms), shortage)
