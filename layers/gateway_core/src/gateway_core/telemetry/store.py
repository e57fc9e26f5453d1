"""What the operator is told of the store and its books: what it could not take, cannot read, or has otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from aws_lambda_powertools import Logger

from gateway_core.domain.cost import NANO_PER_USD, usd
from gateway_core.domain.errors import LLMError, StoreUnreadable
from gateway_core.store.estimates import HeldMoney
from gateway_core.store.messages import Ticket
from gateway_core.telemetry.metrics import Metrics
from gateway_core.wires.table import traits_of

if TYPE_CHECKING:
    from gateway_core.store.invoices import InvoiceDay


class StoreTelemetry:
    """A part of `Telemetry`."""

    _log: Logger
    _metrics: Metrics

    def admission_lost(self, ticket: Ticket, error: LLMError) -> None:
        """Nobody knows whether the store admitted the request: if it did, a hold is left that this line explains."""
        fields = {
            "request_id": ticket.request_id,
            "ticket": asdict(ticket),
            "detail": error.detail or error.message,
        }
        self._log.error("admission lost", extra=fields)
        self._metrics.put(AdmissionLost=1)

    def cache_failed(self, request_id: str, error: LLMError) -> None:
        """The store could not be asked for a kept answer, or could not keep one; the request goes on."""
        self._log.warning("cache failed", extra={"request_id": request_id, "detail": error.detail or error.message})
        self._metrics.put(CacheFailed=1)

    def store_degraded(self, request_id: str) -> None:
        """A request goes on without the store."""
        self._log.warning("store degraded", extra={"request_id": request_id})
        self._metrics.put(StoreDegraded=1)

    def probes_lost(self, error: LLMError) -> None:
        """The store could not take the results of a round of probes."""
        self._log.error("probes not stored", extra={"detail": error.detail or error.message})
        self._metrics.put(StoreDegraded=1)

    def holds_found(self, found: Sequence[HeldMoney]) -> None:
        """What projects hold for attempts that nobody settled; nothing is said of those that hold nothing."""
        for held in found:
            fields = {"project_id": held.project_id, "unconfirmed": held.unconfirmed, "booked": held.booked}
            self._log.warning("holds unconfirmed", extra={**fields, "held_usd": usd(held.nano)})
            if held.unreadable:
                self._left_out({"project_id": held.project_id}, held.unreadable, "holds")
        if number := sum(held.unconfirmed for held in found):
            total = sum(held.nano for held in found)
            self._metrics.put(UnconfirmedHolds=number, UnconfirmedUsd=total / NANO_PER_USD)

    def invoice_checked(self, found: InvoiceDay) -> None:
        """What a provider bills for a day beside what was booked."""
        fields = {
            "gen_ai.provider.name": traits_of(found.provider).otel_name,
            "day": found.day.isoformat(),
            "billed_usd": usd(found.billed_nano),
            "booked_usd": usd(found.booked_nano),
            "difference_usd": usd(found.difference_nano),
        }
        agrees = self._log.info if found.difference_nano else self._log.debug
        (self._log.warning if found.differs else agrees)("invoice checked", extra=fields)
        self._metrics.put(found.provider, InvoiceDifference=abs(found.difference_nano) / NANO_PER_USD)

    def invoice_failed(self, provider: str, error: LLMError) -> None:
        """A provider did not tell what it bills."""
        fields = {"gen_ai.provider.name": traits_of(provider).otel_name, "detail": error.detail or error.message}
        self._log.warning("invoice not read", extra=fields)
        self._metrics.put(provider, InvoiceFailed=1)

    def unreadable_records(self, request_id: str, project_id: str, count: int) -> None:
        """So many records of a page cannot be read, and were left out of it."""
        self._left_out({"request_id": request_id, "project_id": project_id}, count, "usage records")

    def _left_out(self, whose: dict[str, str], count: int, kind: str) -> None:
        self._log.error("store unreadable", extra={**whose, "detail": f"unreadable: {count} {kind}"})
        self._metrics.put(StoreUnreadable=count)

    def store_failed(self, request_id: str, error: LLMError) -> None:
        """Louder where the store holds what cannot be read: that does not heal by itself."""
        if isinstance(error, StoreUnreadable):
            self._log.error("store unreadable", extra={"request_id": request_id, "detail": error.detail})
            self._metrics.put(StoreUnreadable=1)
