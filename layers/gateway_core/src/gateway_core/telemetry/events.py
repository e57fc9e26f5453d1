"""What happened, for whoever subscribes: EventBridge rules on AWS, a feed on one machine. The schema: docs/events.md.

No event has a prompt, a completion or a secret in it. Money is a decimal string of USD, times are ISO 8601 in UTC.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, override

from gateway_core.domain.cost import usd
from gateway_core.domain.times import iso
from gateway_core.store.changes import BreakerChange, BudgetCrossed, Change
from gateway_core.store.messages import Ticket
from gateway_core.store.records import UsageRecord

SOURCE = "llm-gateway"
SCHEMA = 1
"""Grows when a field changes its meaning or goes; new fields do not change it."""

type OperatorEventType = Literal[
    "config.reloaded", "config.rejected", "model.retiring", "provider.unhealthy", "invoice.differs"
]
type Fact = str | int | bool | list[str] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Event(ABC):
    """Something that happened at `at_ms`. `project_id` is whose event it is; empty if it is the operator's."""

    at_ms: int
    project_id: str = ""

    @property
    @abstractmethod
    def detail_type(self) -> str:
        """What happened, as in `breaker.opened`."""

    @abstractmethod
    def facts(self) -> dict[str, Fact]:
        """What there is to say of it."""

    def render(self) -> dict[str, Any]:
        """The event in EventBridge's form."""
        project = {"project_id": self.project_id} if self.project_id else {}
        detail = {"schema": SCHEMA, "at": iso(self.at_ms), **project, **self.facts()}
        return {"source": SOURCE, "detail-type": self.detail_type, "detail": detail}


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptFailed(Event):
    """One call of a model failed; a fallback or the end follows. `retry_after_ms` is None if not reported."""

    request_id: str
    model: str
    provider: str
    error_code: str
    latency_ms: int
    retry_after_ms: int | None = None

    @property
    @override
    def detail_type(self) -> str:
        return "attempt.failed"

    @override
    def facts(self) -> dict[str, Fact]:
        return {
            "request_id": self.request_id,
            "model": self.model,
            "provider": self.provider,
            "error_code": self.error_code,
            "latency_ms": self.latency_ms,
            "retry_after_ms": self.retry_after_ms,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedOver(Event):
    """A request moved on to another model; `reason` is the error code of the attempt before."""

    request_id: str
    from_model: str
    from_provider: str
    to_model: str
    to_provider: str
    reason: str

    @property
    @override
    def detail_type(self) -> str:
        return "request.failover"

    @override
    def facts(self) -> dict[str, Fact]:
        return {
            "request_id": self.request_id,
            "from_model": self.from_model,
            "from_provider": self.from_provider,
            "to_model": self.to_model,
            "to_provider": self.to_provider,
            "reason": self.reason,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Downgraded(Event):
    """A cheaper group serves a request, because `percent` of a budget is spent, in its `period`, of `at_percent`."""

    request_id: str
    from_group: str
    to_group: str
    owner: str
    period: str
    percent: int
    at_percent: int

    @property
    @override
    def detail_type(self) -> str:
        return "request.downgraded"

    @override
    def facts(self) -> dict[str, Fact]:
        return {
            "request_id": self.request_id,
            "from_group": self.from_group,
            "to_group": self.to_group,
            "scope": self.owner,
            "period": self.period,
            "percent": self.percent,
            "at_percent": self.at_percent,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerMoved(Event):
    """A deployment's breaker opened, let a probe through, or closed. `model` is a catalog key that it serves."""

    change: BreakerChange
    model: str

    @property
    @override
    def detail_type(self) -> str:
        return {"open": "breaker.opened", "half_open": "breaker.half_open", "closed": "breaker.closed"}[
            self.change.state
        ]

    @override
    def facts(self) -> dict[str, Fact]:
        change = self.change
        return {
            "provider": change.provider,
            "model": self.model,
            "deployment": change.deployment_id,
            "generation": change.generation,
            **({"until": iso(change.until_ms)} if change.until_ms else {}),
            **({"reason": change.reason} if change.reason else {}),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetReached(Event):
    """What is spent reached 50, 80 or 100 % of a budget; `window` is the UTC day or month, `20261120` or `202611`."""

    crossed: BudgetCrossed
    window: str

    @property
    @override
    def detail_type(self) -> str:
        return "budget.threshold"

    @override
    def facts(self) -> dict[str, Fact]:
        crossed = self.crossed
        letter, _, name = crossed.scope.partition(":")
        period, _, currency = crossed.limit.partition("_")
        in_usd = currency == "nano"
        return {
            "scope": {"p": "project", "k": "key", "u": "user"}[letter],
            **({f"{'key' if letter == 'k' else 'user'}_id": name} if name else {}),
            "period": period,
            "window": self.window,
            "unit": "usd" if in_usd else "tokens",
            "percent": crossed.percent,
            "spent": usd(crossed.spent) if in_usd else str(crossed.spent),
            "limit": usd(crossed.of) if in_usd else str(crossed.of),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestCost(Event):
    """A request ended: what its usage record says. Sent when it ends, so before the store has the record."""

    record: UsageRecord

    @property
    @override
    def detail_type(self) -> str:
        return "request.cost"

    @override
    def facts(self) -> dict[str, Fact]:
        record = self.record
        return {
            "request_id": record.request_id,
            "key_id": record.key_id,
            "agent_id": record.agent_id,
            "user_id": record.user_id,
            "kind": record.kind,
            "model": record.model,
            "provider": record.provider,
            "model_group": record.model_group,
            "error_code": record.error_code,
            "attempts": record.attempts,
            "input_tokens": record.input_tokens,
            "output_tokens": record.output_tokens,
            "cached_input_tokens": record.cached_input_tokens,
            "cache_write_tokens": record.cache_write_tokens,
            "reasoning_tokens": record.reasoning_tokens,
            "input_usd": usd(record.input_nano),
            "output_usd": usd(record.output_nano),
            "cost_usd": usd(record.cost_nano),
            "estimated_usd": usd(record.estimated_nano),
            "price_source": record.price_source,
            "latency_ms": record.latency_ms,
            "cache_hit": record.cache_hit,
            "downgraded": record.downgraded,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreDegraded(Event):
    """A request goes on without the store."""

    request_id: str

    @property
    @override
    def detail_type(self) -> str:
        return "store.degraded"

    @override
    def facts(self) -> dict[str, Fact]:
        return {"request_id": self.request_id}


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorEvent(Event):
    """Something about the gateway itself rather than a request. What `details` has for each type: docs/events.md."""

    kind: OperatorEventType
    details: Mapping[str, Fact] = field(default_factory=dict)

    @property
    @override
    def detail_type(self) -> str:
        return self.kind

    @override
    def facts(self) -> dict[str, Fact]:
        return dict(self.details)


def of_changes(
    changes: Iterable[Change], ticket: Ticket, models: Mapping[tuple[str, str], str], at_ms: int
) -> list[Event]:
    """The events of what a step of the store changed. `models` names the model of a (provider, deployment id) pair."""
    return [
        _of_breaker(change, models, at_ms) if isinstance(change, BreakerChange) else _of_budget(change, ticket, at_ms)
        for change in changes
    ]


def _of_breaker(change: BreakerChange, models: Mapping[tuple[str, str], str], at_ms: int) -> Event:
    return BreakerMoved(at_ms=at_ms, change=change, model=models.get((change.provider, change.deployment_id), ""))


def _of_budget(crossed: BudgetCrossed, ticket: Ticket, at_ms: int) -> Event:
    owner = ticket.key_home if crossed.scope.startswith("k:") else ticket.project_id
    window = ticket.day if crossed.limit.startswith("day") else ticket.month
    return BudgetReached(at_ms=at_ms, project_id=owner, crossed=crossed, window=window)
