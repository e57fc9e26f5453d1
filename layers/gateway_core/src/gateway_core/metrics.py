"""Metrics as EMF lines on standard output, which CloudWatch turns into metrics. The list of them: docs/operations.md.

Format: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

from __future__ import annotations

from datetime import UTC, datetime

from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

from gateway_core.log_format import lambda_level

NAMESPACE = "LLMGateway"
_UNITS = {
    "CostUsd": MetricUnit.NoUnit,
    "ProviderLatency": MetricUnit.Milliseconds,
    "RequestLatency": MetricUnit.Milliseconds,
    "TimeToFirstToken": MetricUnit.Milliseconds,
}


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
        if provider:
            metrics.add_dimensions(service=self._service, provider=provider)
        # Lambda drops lines below its log level, and takes one that names no level and time for INFO.
        metrics.add_metadata("level", self._level)
        metrics.add_metadata("timestamp", datetime.now(UTC).isoformat(timespec="milliseconds"))
        metrics.flush_metrics()
