"""Structured logs and metrics through Powertools, with OTel `gen_ai.*` names. No prompt or secret passes here.

Names: https://github.com/open-telemetry/semantic-conventions-genai, as far as they are on a client's span.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import IO, TYPE_CHECKING, Any

from aws_lambda_powertools import Logger

from gateway_core.crowd.limiter import CrowdReport
from gateway_core.domain.caller import Caller
from gateway_core.domain.cost import NANO_PER_USD, usd
from gateway_core.domain.errors import LLMError
from gateway_core.domain.provider_errors import ProviderError
from gateway_core.domain.result import Attempt
from gateway_core.store.changes import BreakerChange
from gateway_core.store.messages import Refusal, Settled, Settlement, Ticket
from gateway_core.store.probes import CatalogWarning, Probe
from gateway_core.store.records import Unsettled, UsageRecord
from gateway_core.store.unsettled import facts
from gateway_core.telemetry.events import BreakerMoved, BudgetReached, Event, FailedOver
from gateway_core.telemetry.log_format import LogFormat, json_line, model_names, text_line, usage_names
from gateway_core.telemetry.metrics import Metrics
from gateway_core.telemetry.places import place_of
from gateway_core.telemetry.ports import Observer, Tracer
from gateway_core.telemetry.store import StoreTelemetry
from gateway_core.wires.table import traits_of

if TYPE_CHECKING:  # for the one function that administers
    from gateway_core.telemetry.audit import Administered

SERVICE = "llm-gateway"
"""What the service is called unless POWERTOOLS_SERVICE_NAME says otherwise; on AWS it is the stack's name."""

_BREAKER_METRICS = {"open": "BreakerOpened", "half_open": "BreakerHalfOpen", "closed": "BreakerClosed"}
_QUIET_EVENTS = {"breaker.half_open", "breaker.closed", "request.failover"}


class Telemetry(StoreTelemetry):
    """What the gateway tells its operator. With `metrics` it also prints EMF lines, which become CloudWatch metrics."""

    def __init__(
        self,
        *,
        level: str = "INFO",
        metrics: bool = False,
        stream: IO[str] | None = None,
        service: str = SERVICE,
        log_format: LogFormat = "json",
        tracer: Tracer | None = None,
    ) -> None:
        line = text_line if log_format == "text" else json_line
        # Without a time of this form Lambda takes every line for INFO when it filters by level.
        self._log = Logger(
            service=service, level=level, stream=stream, utc=True, use_rfc3339=True, json_serializer=line
        )
        self._tracer = tracer
        self._metrics = Metrics(service, level, enabled=metrics)
        self._observers: list[Observer] = []

    def attach(self, observer: Observer) -> None:
        """Have it hear of what follows, in this process."""
        self._observers.append(observer)
        self._metrics.attach(observer)

    def attempt_ended(self, request_id: str, attempt: Attempt, ended_ms: int) -> None:
        """One call of a model ended, whichever way."""
        if self._tracer:
            self._tracer.attempt(request_id, attempt, ended_ms)
        for observer in self._observers:
            observer.attempted(request_id, attempt, ended_ms)

    def attempt_failed(self, request_id: str, attempt: Attempt, error: ProviderError) -> None:
        """One attempt failed; what follows is a fallback or the end."""
        fields = {
            "request_id": request_id,
            **model_names(attempt.provider, attempt.model),
            "error.type": error.code,
            "detail": error.detail,
            "latency_ms": attempt.latency_ms,
            "retry_after_s": error.retry_after_s,
        }
        self._log.warning("attempt failed", extra=fields)
        self._metrics.put(attempt.provider, AttemptFailed=1)

    def stream_broke(self, request_id: str, attempt: Attempt, error: LLMError) -> None:
        """A stream broke off after its first content: the caller has a part of an answer, with HTTP status 200."""
        fields = {
            "request_id": request_id,
            **model_names(attempt.provider, attempt.model),
            "error.type": error.code,
            "detail": error.detail,
        }
        self._log.warning("stream broke off", extra=fields)
        self._metrics.put(attempt.provider, StreamErrors=1)

    def usage(self, record: UsageRecord, first_token_ms: int | None = None) -> None:
        """The books' entry, logged before it is known to be settled: this line survives a crash of all that follows."""
        if self._log.log_level <= logging.INFO:
            self._log.info("usage", extra=_usage_fields(record, first_token_ms))
        self._count_request(record, first_token_ms)
        for observer in self._observers:
            observer.requested(record, first_token_ms)

    def refused(self, refusal: Refusal) -> None:
        """A request was refused by a budget or a rate limit; a resting model alone is counted elsewhere."""
        match refusal.reason:
            case "budget":
                self._metrics.put(BudgetExceeded=1)
            case "rate":
                self._metrics.put(RateLimited=1)

    def unsettled(
        self,
        ticket: Ticket,
        settlement: Settlement | None,
        record: UsageRecord,
        error: LLMError,
        *,
        owed: Sequence[Settlement] = (),
    ) -> None:
        """A settlement did not reach the store; the line holds all that a replay needs. `owed` are earlier attempts."""
        fields = {
            "request_id": ticket.request_id,
            **facts(Unsettled(ticket, tuple(owed), settlement, record)),
            "detail": error.detail or error.message,
        }
        self._log.error("usage not settled", extra=fields)
        self._metrics.put(record.provider, UnsettledUsage=1)

    def backlogged(self, record: UsageRecord, error: LLMError) -> None:
        """A settlement did not reach the store and waits in the backlog, from which it is replayed."""
        fields = {"request_id": record.request_id, "detail": error.detail or error.message}
        self._log.warning("usage in the backlog", extra=fields)
        self._metrics.put(record.provider, UsageBacklogged=1)

    def replayed(self, record: UsageRecord, *, written: bool) -> None:
        """What waited is settled; not `written` if it was before."""
        self._log.info("usage replayed", extra={"request_id": record.request_id, "written": written})
        self._metrics.put(record.provider, UsageReplayed=1)

    def replay_refused(self, error: LLMError) -> None:
        """What waited can never be settled as it is, and needs an operator."""
        self._log.error("replay refused", extra={"detail": error.message})
        self._metrics.put(ReplayRefused=1)

    def booked(self, settled: Settled) -> None:
        """What became of a record in the books, where it is not what one expects."""
        if settled.folded:
            self._metrics.put(UsageFolded=1)

    def event(self, event: Event) -> None:
        """An event's own line and metric, for those that do not have richer ones already."""
        match event:
            case FailedOver():
                self._metrics.put(event.from_provider, Failovers=1)
            case BreakerMoved(change=change):
                self._count_breaker(change)
            case BudgetReached():
                self._metrics.put(BudgetThreshold=1)
            case _:
                return
        detail = event.render()["detail"]
        log = self._log.info if event.detail_type in _QUIET_EVENTS else self._log.warning
        log(event.detail_type, extra={name: value for name, value in detail.items() if name not in {"schema", "at"}})

    def events_failed(self, count: int, why: str) -> None:
        """Events that nobody will hear of; their own log lines tell them."""
        self._log.warning("events failed", extra={"count": count, "detail": why})
        self._metrics.put(EventsFailed=count)

    def probed(self, probe: Probe, detail: str = "") -> None:
        """A provider was probed; `detail` is why it failed. What is not in use is no fault of anybody."""
        fields = {
            "gen_ai.provider.name": traits_of(probe.provider).otel_name,
            "status": probe.status,
            "latency_ms": probe.latency_ms,
            "detail": detail,
        }
        (self._log.debug if probe.is_fine else self._log.warning)("provider probed", extra=fields)
        values: dict[str, float] = {} if probe.is_fine else {"ProbeFailed": 1}
        if probe.latency_ms is not None:
            values["ProviderLatency"] = probe.latency_ms
        if values:
            self._metrics.put(probe.provider, **values)

    def catalog_warning(self, warning: CatalogWarning) -> None:
        """Something in the catalog needs an operator."""
        self._log.warning("catalog warning", extra={"warning": asdict(warning)})
        self._metrics.put(CatalogWarnings=1)

    def event_refused(self, error: LLMError) -> None:
        """A schedule sent an event that nobody understands; the text names the field and no value."""
        self._log.error("event refused", extra={"detail": error.message})
        self._metrics.put(InternalErrors=1)

    def config_reloaded(self, version: str, *, secrets_changed: bool, needs_restart: Sequence[str]) -> None:
        """Another configuration serves from here on; `needs_restart` names changed sections that do not yet."""
        fields = {"version": version, "secrets_changed": secrets_changed, "needs_restart": list(needs_restart)}
        self._log.info("config reloaded", extra=fields)
        self._metrics.put(ConfigReloaded=1)

    def config_rejected(self, error: LLMError, version: str, *, in_use: str) -> None:
        """A new configuration is invalid, or did not arrive (`version` is empty); `in_use` goes on serving."""
        fields = {"error": error.message, "detail": error.detail, "version": version, "version_in_use": in_use}
        self._log.error("config rejected", extra=fields)
        self._metrics.put(ConfigRejected=1)

    def request_failed(self, request_id: str, error: LLMError, caller: Caller | None = None) -> None:
        """A request was answered with an error. `caller` is None where nobody knows who sent it."""
        fields = {"request_id": request_id, "error.type": error.code, "detail": error.detail}
        if caller:
            fields |= {"project_id": caller.project_id, "key_id": caller.key_id}
        self._log.info("request failed", extra=fields)
        self.store_failed(request_id, error)

    def crowded(self, report: CrowdReport) -> None:
        """More requests came than one process works on at once, in the last seconds."""
        log = self._log.warning if report.refused else self._log.info
        log("crowd", extra=asdict(report))
        self._metrics.put(Overloaded=report.refused, QueuedRequests=report.waited, QueueWait=report.longest_ms)

    def batch_ended(self, request_id: str, caller: Caller, questions: int, outcomes: Mapping[str, int]) -> None:
        """A batch is over; `outcomes` counts its answers by error code, or `ok`: fewer than asked if it was left."""
        fields = {
            "request_id": request_id,
            "project_id": caller.project_id,
            "key_id": caller.key_id,
            "questions": questions,
            "succeeded": outcomes.get("ok", 0),
            "outcomes": dict(outcomes),
        }
        self._log.info("batch ended", extra=fields)

    def job_ended(self, job_id: str, state: str, error_code: str) -> None:
        """A job has ended, or is over because nobody can go on with it."""
        self._log.info("job ended", extra={"job_id": job_id, "state": state, "error.type": error_code or None})

    def administered(self, told: Administered) -> None:
        """Who administered what, or tried to: the audit's line."""
        self._log.info("administered", extra={**told.facts(), "project_id": told.project_id, "outcome": told.outcome})

    def crashed(self, request_id: str, error: BaseException, where: str) -> None:
        """A fault of ours. The exception's text is left out: it may quote a prompt or a secret."""
        fields = {
            "request_id": request_id,
            "error.type": type(error).__name__,
            "where": where,
            "place": place_of(error),
        }
        self._log.error("internal error", extra=fields)
        self._metrics.put(InternalErrors=1)

    def _count_request(self, record: UsageRecord, first_token_ms: int | None) -> None:
        values = {
            "Requests": 1,
            "RequestErrors": int(bool(record.error_code)),
            "RequestLatency": record.latency_ms,
            "InputTokens": record.input_tokens,
            "OutputTokens": record.output_tokens,
            "CostUsd": record.cost_nano / NANO_PER_USD,  # a metric is a float; the books are not
        }
        if first_token_ms is not None:
            values["TimeToFirstToken"] = first_token_ms
        if record.estimated_nano:
            values["EstimatedUsd"] = record.estimated_nano / NANO_PER_USD
        if record.cache_hit:
            values["CacheHits"] = 1
        self._metrics.put(record.provider, **values)

    def _count_breaker(self, change: BreakerChange) -> None:
        """A rate limit with a known end is no failure: it opens the breaker, but not the alarm's eyes."""
        name = "ProviderRateLimited" if change.reason == "rate_limit" else _BREAKER_METRICS[change.state]
        self._metrics.put(change.provider, **{name: 1})


def _usage_fields(record: UsageRecord, first_token_ms: int | None) -> dict[str, Any]:
    fields = {
        "request_id": record.request_id,
        "project_id": record.project_id,
        **usage_names(record),
        "cost_usd": usd(record.cost_nano),
        "estimated_usd": usd(record.estimated_nano),
        "latency_ms": record.latency_ms,
        "attempts": record.attempts,
        "usage": asdict(record),
    }
    if first_token_ms is not None:
        fields["first_token_ms"] = first_token_ms
    if record.error_code:
        fields["error.type"] = record.error_code
    return fields
