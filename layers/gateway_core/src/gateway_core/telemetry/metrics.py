"""Metrics as EMF lines on standard output, which CloudWatch turns into metrics. The list of them: docs/operations.md.

Format: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime

from gateway_core.telemetry.log_format import lambda_level
from gateway_core.telemetry.ports import Observer

NAMESPACE = "LLMGateway"
_COUNT, _MS, _NO_UNIT = "Count", "Milliseconds", "None"
_UNITS = {
    "CostUsd": _NO_UNIT,
    "EstimatedUsd": _NO_UNIT,
    "InvoiceDifference": _NO_UNIT,
    "ProviderLatency": _MS,
    "QueueWait": _MS,
    "RequestLatency": _MS,
    "TimeToFirstToken": _MS,
    "UnconfirmedUsd": _NO_UNIT,
}
_TOTALS = {"CostUsd", "InputTokens", "OutputTokens", "RequestLatency", "TimeToFirstToken"}
"""Not split by provider: CloudWatch charges for each combination, and a query of the log gives these for nothing."""


class Metrics:
    """Prints what is counted, for the service as a whole and, where it is known, also by provider."""

    def __init__(self, service: str, level: str, *, enabled: bool) -> None:
        self._service = service
        self._level = lambda_level(level)
        self._enabled = enabled
        self._observers: list[Observer] = []

    def attach(self, observer: Observer) -> None:
        """Have it told the same, whether or not lines are printed."""
        self._observers.append(observer)

    def put(self, provider: str = "", **values: float) -> None:
        """One line with these metrics. Their units are counts, unless they are listed here."""
        for observer in self._observers:
            observer.measured(provider, values)
        if not self._enabled:
            return
        now = datetime.now(UTC)
        line = {
            "_aws": {"Timestamp": int(now.timestamp() * 1000), "CloudWatchMetrics": _directives(values, provider)},
            "service": self._service,
            # Lambda drops lines below its log level, and takes one that names no level and time for INFO.
            "level": self._level,
            "timestamp": now.isoformat(timespec="milliseconds"),
            **{name: [float(value)] for name, value in values.items()},
            **({"provider": provider} if provider else {}),
        }
        print(json.dumps(line, separators=(",", ":")))  # noqa: T201


def _directives(names: Iterable[str], provider: str) -> list[dict[str, object]]:
    """What CloudWatch is to make of the line: metrics of the service, and those of them that are split by provider."""
    metrics = [{"Name": name, "Unit": _UNITS.get(name, _COUNT)} for name in names]
    directives = [_directive(metrics, "service")]
    if provider:
        split = [metric for metric in metrics if metric["Name"] not in _TOTALS]
        directives.append(_directive(split, "service", "provider"))
    return directives


def _directive(metrics: list[dict[str, str]], *dimensions: str) -> dict[str, object]:
    return {"Namespace": NAMESPACE, "Dimensions": [list(dimensions)], "Metrics": metrics}
