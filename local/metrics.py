"""What Prometheus is told of this gateway, of all its worker processes together.

Labels have few values: models and projects beyond the first two hundred are `~other`, and nobody's user is named.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import override

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
    multiprocess,
)
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from gateway_core.crowd.limiter import Limiter
from gateway_core.domain.cost import NANO_PER_USD
from gateway_core.domain.result import Attempt
from gateway_core.store.deployment_state import DeploymentState
from gateway_core.store.records import UsageRecord
from gateway_core.telemetry.few_names import FewNames
from local.observing import SHARED_FOLDER

CONTENT_TYPE: str = CONTENT_TYPE_LATEST
_SECONDS = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 40, 80, 160, 320)
_REFUSALS = {"BudgetExceeded": "budget", "RateLimited": "rate", "Overloaded": "overload"}
_BREAKERS = {"closed": 0, "half_open": 1, "open": 2}
_TOLD_OTHERWISE = frozenset(
    {"Requests", "RequestErrors", "RequestLatency", "InputTokens", "OutputTokens", "CostUsd", "TimeToFirstToken"}
    | {"EstimatedUsd", "CacheHits", "AttemptFailed", "QueuedRequests", "QueueWait", "ProviderLatency"}
    | {"UnconfirmedUsd", "UnconfirmedHolds", "InvoiceDifference", *_REFUSALS}
)
"""Metrics of CloudWatch that have one of their own here, or are no counts."""


class PrometheusMetrics:
    """Implements `Observer`. Each has a registry of its own; `text` is what a scrape answers."""

    def __init__(self) -> None:
        own = self._own = CollectorRegistry()
        self._models, self._projects = FewNames(), FewNames()
        model = ("provider", "model")
        self._requests = Counter(
            "llm_gateway_requests", "Requests that ended.", ("operation", *model, "error"), registry=own
        )
        self._tokens = Counter("llm_gateway_tokens", "Tokens billed.", (*model, "type"), registry=own)
        self._cost = Counter("llm_gateway_cost_usd", "What requests cost.", model, registry=own)
        self._estimated = Counter("llm_gateway_estimated_usd", "How much of it is an estimate.", model, registry=own)
        self._spend = Counter("llm_gateway_project_cost_usd", "The same, by project.", ("project",), registry=own)
        self._hits = Counter("llm_gateway_cache_hits", "Answers that were kept.", model, registry=own)
        self._seconds = Histogram(
            "llm_gateway_request_seconds", "How long requests took.", ("operation",), buckets=_SECONDS, registry=own
        )
        self._first = Histogram(
            "llm_gateway_first_token_seconds", "Until a stream's first content.", (), buckets=_SECONDS, registry=own
        )
        self._attempts = Counter("llm_gateway_attempts", "Calls of models that ended.", (*model, "error"), registry=own)
        self._attempt_seconds = Histogram(
            "llm_gateway_attempt_seconds", "How long they took.", ("provider",), buckets=_SECONDS, registry=own
        )
        self._refused = Counter("llm_gateway_refused", "Requests refused unasked.", ("reason",), registry=own)
        self._signals = Counter(
            "llm_gateway_signals", "What else happened: see operations.md.", ("signal", "provider"), registry=own
        )
        self._in_flight = _gauge("llm_gateway_in_flight", "Requests whose answer has not ended.", own)
        self._working = _gauge("llm_gateway_working", "Requests with a slot.", own)
        self._queued = _gauge("llm_gateway_queued", "Requests that wait for a slot.", own)

    def measured(self, provider: str, values: Mapping[str, float]) -> None:
        for name, value in values.items():
            if reason := _REFUSALS.get(name):
                self._refused.labels(reason).inc(value)
            elif name not in _TOLD_OTHERWISE:
                self._signals.labels(_snake(name), provider).inc(value)

    def attempted(self, request_id: str, attempt: Attempt, ended_ms: int) -> None:  # noqa: ARG002 - the port's
        model = self._models.of(attempt.model)
        self._attempts.labels(attempt.provider, model, attempt.error_code or "").inc()
        self._attempt_seconds.labels(attempt.provider).observe(attempt.latency_ms / 1000)

    def requested(self, record: UsageRecord, first_token_ms: int | None) -> None:
        """What was taken back is left out: a counter cannot fall."""
        provider, model = record.provider, self._models.of(record.model)
        self._requests.labels(record.kind, provider, model, record.error_code).inc()
        self._seconds.labels(record.kind).observe(record.latency_ms / 1000)
        if first_token_ms is not None:
            self._first.observe(first_token_ms / 1000)
        for kind, tokens in _tokens(record):
            self._tokens.labels(provider, model, kind).inc(max(0, tokens))
        self._cost.labels(provider, model).inc(_usd(record.cost_nano))
        self._estimated.labels(provider, model).inc(_usd(record.estimated_nano))
        self._spend.labels(self._projects.of(record.project_id)).inc(_usd(record.cost_nano))
        self._hits.labels(provider, model).inc(record.cache_hit)

    @contextmanager
    def in_flight(self, limiter: Limiter) -> Iterator[None]:
        """Within the block one request more is under way; `limiter` tells who has a slot and who waits."""
        self._in_flight.inc()
        self._look_at(limiter)
        try:
            yield
        finally:
            self._in_flight.dec()
            self._look_at(limiter)

    def text(self, states: Iterable[DeploymentState] | None, models: Mapping[tuple[str, str], str]) -> bytes:
        """What a scrape answers, with the breakers as the store has them; None where it does not answer."""
        registry = CollectorRegistry()
        registry.register(_Breakers(states, models))
        if os.environ.get(SHARED_FOLDER):
            multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
            return generate_latest(registry)
        return generate_latest(registry) + generate_latest(self._own)

    def _look_at(self, limiter: Limiter) -> None:
        self._working.set(limiter.working)
        self._queued.set(limiter.waiting)


class _Breakers(Collector):
    """Of the fleet, at one scrape."""

    def __init__(self, states: Iterable[DeploymentState] | None, models: Mapping[tuple[str, str], str]) -> None:
        self._states = states
        self._models = models

    @override
    def collect(self) -> Iterator[GaugeMetricFamily]:
        up = GaugeMetricFamily("llm_gateway_store_up", "Whether the store answers.")
        up.add_metric([], int(self._states is not None))
        yield up
        found = GaugeMetricFamily(
            "llm_gateway_breaker_state", "0 closed, 1 half-open, 2 open.", labels=("provider", "model")
        )
        for state in self._states or ():
            model = self._models[state.provider, state.deployment_id]
            found.add_metric([state.provider, model], _BREAKERS[state.state])
        yield found


def _gauge(name: str, text: str, registry: CollectorRegistry) -> Gauge:
    return Gauge(name, text, registry=registry, multiprocess_mode="livesum")


def _tokens(record: UsageRecord) -> Iterator[tuple[str, int]]:
    """Kinds that do not overlap."""
    cached, written = record.cached_input_tokens, record.cache_write_tokens
    yield "input", record.input_tokens - cached - written
    yield "cached_input", cached
    yield "cache_write", written
    yield "output", record.output_tokens


def _usd(nano: int) -> float:
    return max(0, nano) / NANO_PER_USD


def _snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
