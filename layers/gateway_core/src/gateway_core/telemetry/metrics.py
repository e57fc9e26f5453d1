"""Metrics as EMF lines on standard output, which CloudWatch turns into metrics. The list of them: docs/operations.md.

Format: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

from gateway_core.telemetry.log_format import lambda_level

NAMESPACE = "LLMGateway"
_UNITS = {
    "CostUsd": MetricUnit.NoUnit,
    "EstimatedUsd": MetricUnit.NoUnit,
    "ProviderLatency": MetricUnit.Milliseconds,
    "QueueWait": MetricUnit.Milliseconds,
    "RequestLatency": MetricUnit.Milliseconds,
    "TimeToFirstToken": MetricUnit.Milliseconds,
    "UnconfirmedUsd": MetricUnit.NoUnit,
}
_TOTALS = {"CostUsd", "InputTokens", "OutputTokens", "RequestLatency", "TimeToFirstToken"}
"""Not split by provider: CloudWatch charges for each combination, and a query of the log gives these for nothing."""


class Metrics:
    """Prints what is counted, for the service as a whole and, where it is known, also by provider."""

    def __init__(self, service: str, level: str, *, enabled: bool) -> None:
        self._service = service
        self._level = lambda_level(level)
        self._enabled = enabled

    def put(self, provider: str = "", **values: float) -> None:
        """One line with these metrics. Their units are counts, unless they are listed here."""
        if not self._enabled:
            return
        metrics = EphemeralMetrics(namespace=NAMESPACE, service=self._service)
        for name, value in values.items():
            metrics.add_metric(name, _UNITS.get(name, MetricUnit.Count), value)
        # Lambda drops lines below its log level, and takes one that names no level and time for INFO.
        metrics.add_metadata("level", self._level)
        metrics.add_metadata("timestamp", datetime.now(UTC).isoformat(timespec="milliseconds"))
        line: dict[str, Any] = {**metrics.serialize_metric_set()}
        print(json.dumps(_by_provider(line, provider) if provider else line, separators=(",", ":")))  # noqa: T201


def _by_provider(line: dict[str, Any], provider: str) -> dict[str, Any]:
    """The line with a second directive, which Powertools has no words for."""
    total = line["_aws"]["CloudWatchMetrics"][0]
    split = [metric for metric in total["Metrics"] if metric["Name"] not in _TOTALS]
    directive = {"Namespace": NAMESPACE, "Dimensions": [["service", "provider"]], "Metrics": split}
    return {**line, "_aws": {**line["_aws"], "CloudWatchMetrics": [total, directive]}, "provider": provider}
