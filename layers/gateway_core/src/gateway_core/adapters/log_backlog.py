"""Unsettled requests as log lines: what the log keeps, an operator or a replay can settle."""

from __future__ import annotations

from gateway_core.domain.errors import LLMError
from gateway_core.store.records import Unsettled
from gateway_core.telemetry.telemetry import Telemetry


class LogBacklog:
    """Implements the port `Backlog`."""

    def __init__(self, telemetry: Telemetry) -> None:
        self._telemetry = telemetry

    async def put(self, unsettled: Unsettled, error: LLMError) -> None:
        self._telemetry.unsettled(unsettled.ticket, unsettled.settlement, unsettled.record, error, owed=unsettled.owed)
