"""Structured logs and metrics through Powertools, with OTel `gen_ai.*` names. No prompt or secret passes here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import IO

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import MetricUnit, single_metric

from gateway_core.admission import Settlement, Ticket, UsageRecord
from gateway_core.domain import Attempt
from gateway_core.errors import LLMError, ProviderError

NAMESPACE = "LLMGateway"


class Telemetry:
    """What the gateway tells its operator. With `metrics` it also prints EMF lines, which become CloudWatch metrics."""

    def __init__(
        self, *, level: str = "INFO", metrics: bool = False, stream: IO[str] | None = None, service: str = "llm-gateway"
    ) -> None:
        self._log = Logger(service=service, level=level, stream=stream, utc=True)
        self._metrics = metrics

    def attempt_failed(self, request_id: str, attempt: Attempt, error: ProviderError) -> None:
        """One attempt failed; what follows is a fallback or the end."""
        fields = {
            "request_id": request_id,
            "gen_ai.provider.name": attempt.provider,
            "gen_ai.request.model": attempt.model,
            "error.type": error.code,
            "detail": error.detail,
            "latency_ms": attempt.latency_ms,
            "retry_after_s": error.retry_after_s,
        }
        self._log.warning("attempt failed", extra=fields)
        self._count("AttemptFailed", attempt.provider)

    def usage(self, record: UsageRecord) -> None:
        """The books' entry, logged before it is settled: this line survives a crash of everything after it."""
        self._log.info("usage", extra={"usage": asdict(record)})
        self._count("Requests", record.provider)
        if record.error_code:
            self._count("RequestErrors", record.provider)

    def admission_lost(self, ticket: Ticket, error: LLMError) -> None:
        """Nobody knows whether the store admitted the request: if it did, a hold is left that this line explains."""
        fields = {"ticket": asdict(ticket), "detail": error.detail or error.message}
        self._log.error("admission lost", extra=fields)
        self._count("AdmissionLost", "gateway")

    def store_degraded(self, request_id: str) -> None:
        """A request goes on without the store."""
        self._log.warning("store degraded", extra={"request_id": request_id})
        self._count("StoreDegraded", "gateway")

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
            "ticket": asdict(ticket),
            "owed": [asdict(attempt) for attempt in owed],
            "settlement": asdict(settlement) if settlement else None,
            "usage": asdict(record),
            "detail": error.detail or error.message,
        }
        self._log.error("usage not settled", extra=fields)
        self._count("UnsettledUsage", record.provider)

    def config_reloaded(self, version: str, *, secrets_changed: bool, needs_restart: Sequence[str]) -> None:
        """Another configuration serves from here on; `needs_restart` names changed sections that do not yet."""
        fields = {"version": version, "secrets_changed": secrets_changed, "needs_restart": list(needs_restart)}
        self._log.info("config reloaded", extra=fields)
        self._count("ConfigReloaded", "gateway")

    def config_rejected(self, error: LLMError, version: str, *, in_use: str) -> None:
        """A new configuration is invalid, or did not arrive (`version` is empty); `in_use` goes on serving."""
        fields = {"error": error.message, "detail": error.detail, "version": version, "version_in_use": in_use}
        self._log.error("config rejected", extra=fields)
        self._count("ConfigRejected", "gateway")

    def request_failed(self, request_id: str, error: LLMError) -> None:
        """A request was answered with an error."""
        fields = {"request_id": request_id, "error.type": error.code, "detail": error.detail}
        self._log.info("request failed", extra=fields)

    def crashed(self, request_id: str, error: BaseException, where: str) -> None:
        """A fault of ours. The exception's text is left out: it may quote a prompt or a secret."""
        fields = {"request_id": request_id, "error.type": type(error).__name__, "where": where}
        self._log.error("internal error", extra=fields)
        self._count("InternalErrors", "gateway")

    def _count(self, name: str, provider: str) -> None:
        if not self._metrics:
            return
        with single_metric(name=name, unit=MetricUnit.Count, value=1, namespace=NAMESPACE) as metric:
            metric.add_dimension("provider", provider)
