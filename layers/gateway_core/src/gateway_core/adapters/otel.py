"""Traces and metrics over OTLP, by OpenTelemetry's own SDK, which reads its own variables (OTEL_...).

Nothing here is loaded unless a collector is named; the layers of Lambda have no SDK (docs/observability.md). Names:
https://github.com/open-telemetry/semantic-conventions-genai. No prompt, completion or key is in any of it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.metrics import Histogram
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import SERVICE_NAME, OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import (
    INVALID_SPAN,
    NoOpTracer,
    Span,
    SpanKind,
    Status,
    StatusCode,
    Tracer,
    get_current_span,
    set_span_in_context,
)
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway_core import __version__
from gateway_core.domain.cost import usd
from gateway_core.domain.result import Attempt
from gateway_core.store.records import UsageRecord
from gateway_core.telemetry.few_names import FewNames
from gateway_core.telemetry.log_format import model_names, usage_names

NAME = "gateway_core"
BATCHES = "/ask"
"""A request there is many, each with a span of its own."""
_MS = 1_000_000
_EMBEDDINGS = "/v1/embeddings"
_SECONDS = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
_TOKENS = tuple(4.0**power for power in range(14))
"""Both as the conventions advise."""
_SERVER_ERROR = 500
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE"})
_UNTRACED = frozenset({"/health", "/metrics"})

type Attributes = Mapping[str, str | int]


class OtelObserver:
    """Implements `Observer`: a span for each call of a model, below that of the request, and two histograms.

    `TracedRequests` makes the request's. What works on jobs has none: its spans are roots. It is made before a process
    forks, and starts its threads in `start`: until then it does nothing.
    """

    def __init__(self, service: str) -> None:
        self._service = service
        self._sdk: _Sdk | None = None
        self._asked, self._answered, self._providers = FewNames(), FewNames(), FewNames()

    def start(self) -> None:
        """From here on."""
        self._sdk = _Sdk.of(self._service)

    @property
    def tracer(self) -> Tracer:
        return self._sdk.tracer if self._sdk else NoOpTracer()

    def measured(self, provider: str, values: Mapping[str, float]) -> None:
        """Nothing: Prometheus has these."""

    def attempted(self, request_id: str, attempt: Attempt, ended_ms: int) -> None:
        if self._sdk is None:
            return
        names = {"gen_ai.operation.name": _operation(), **model_names(attempt.provider, attempt.model)}
        error = {"error.type": attempt.error_code} if attempt.error_code else {}
        began_ms = ended_ms - attempt.latency_ms
        title = f"{names['gen_ai.operation.name']} {attempt.model}"
        given = {**names, **error, "gateway.request_id": request_id}
        span = self._sdk.tracer.start_span(title, kind=SpanKind.CLIENT, attributes=given, start_time=began_ms * _MS)
        if error:
            span.set_status(Status(StatusCode.ERROR))
        span.end(ended_ms * _MS)
        self._sdk.duration.record(attempt.latency_ms / 1000, {**self._labels(names), **error})

    def requested(self, record: UsageRecord, first_token_ms: int | None) -> None:
        if self._sdk is None:
            return
        names = usage_names(record)
        self._describe(record, _facts(record, names, first_token_ms))
        whose = self._labels(names)
        for kind, tokens in (("input", record.input_tokens), ("output", record.output_tokens)):
            if tokens > 0:
                self._sdk.usage.record(tokens, {**whose, "gen_ai.token.type": kind})

    def flush(self, timeout_s: float) -> None:
        """Send what is left, for so long at most. Blocks."""
        if self._sdk:
            # The SDK's own bounds are those of one try: a collector that hangs would take it half a minute.
            sending = threading.Thread(target=self._sdk.send, args=(timeout_s,), daemon=True)
            sending.start()
            sending.join(timeout_s)

    def close(self) -> None:
        """End its threads, and send what is left, however long that takes. Blocks."""
        if self._sdk:
            self._sdk.traces.shutdown()
            self._sdk.meters.shutdown()
            self._sdk = None

    def _labels(self, names: Attributes) -> dict[str, str]:
        """Of a histogram, whose series are kept: what a caller chose may be `~other`. Spans have it as it was."""
        few = {
            "gen_ai.provider.name": self._providers,
            "gen_ai.request.model": self._asked,
            "gen_ai.response.model": self._answered,
        }
        bounded = {name: kept.of(str(names[name])) for name, kept in few.items() if name in names}
        return {"gen_ai.operation.name": str(names["gen_ai.operation.name"]), **bounded}

    def _describe(self, record: UsageRecord, facts: Attributes) -> None:
        """On the request's span, or on one below it where it is one of many, or has ended before."""
        current = get_current_span()
        if current.is_recording() and not _route(current).startswith(BATCHES):
            current.set_attributes(facts)
            return
        ended_ms = record.at_ms + record.latency_ms
        title = f"{facts['gen_ai.operation.name']} {facts['gen_ai.request.model']}"
        context = set_span_in_context(current)
        span = self.tracer.start_span(title, context, attributes=facts, start_time=record.at_ms * _MS)
        if record.error_code:
            span.set_status(Status(StatusCode.ERROR))
        span.end(ended_ms * _MS)


@dataclass(frozen=True, slots=True)
class _Sdk:
    """What has threads of its own. Nothing of it is global: another library's spans are its own affair."""

    traces: TracerProvider
    meters: MeterProvider
    tracer: Tracer
    duration: Histogram
    usage: Histogram

    def send(self, timeout_s: float) -> None:
        self.traces.force_flush(round(timeout_s * 1000))
        self.meters.force_flush(timeout_s * 1000)

    @classmethod
    def of(cls, service: str) -> _Sdk:
        known = Resource.create({SERVICE_NAME: service, "service.version": __version__})
        resource = known.merge(OTELResourceDetector().detect())  # what the operator wrote wins
        traces = TracerProvider(resource=resource, shutdown_on_exit=False)
        traces.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        reader = PeriodicExportingMetricReader(OTLPMetricExporter())
        meters = MeterProvider([reader], resource=resource, shutdown_on_exit=False)
        meter = meters.get_meter(NAME, __version__)
        duration = meter.create_histogram(
            "gen_ai.client.operation.duration",
            "s",
            "GenAI operation duration.",
            explicit_bucket_boundaries_advisory=_SECONDS,
        )
        usage = meter.create_histogram(
            "gen_ai.client.token.usage",
            "{token}",
            "Number of input and output tokens used.",
            explicit_bucket_boundaries_advisory=_TOKENS,
        )
        return cls(traces, meters, traces.get_tracer(NAME, __version__), duration, usage)


class TracedRequests:
    """An ASGI app around another: each request is a span, below the caller's where it sends `traceparent`.

    `route_of` makes few names of many paths. What only asks whether the gateway lives is none.
    """

    def __init__(self, app: ASGIApp, observer: OtelObserver, route_of: Callable[[str], str]) -> None:
        self._app = app
        self._observer = observer
        self._route_of = route_of

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in _UNTRACED:
            await self._app(scope, receive, send)
            return
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        parent = TraceContextTextMapPropagator().extract(headers)
        method, route = _method(scope["method"]), self._route_of(scope["path"])
        with self._observer.tracer.start_as_current_span(
            f"{method} {route}",
            parent,
            SpanKind.SERVER,
            {"http.request.method": method, "http.route": route},
            record_exception=False,  # its text may quote what was asked
            set_status_on_exception=False,
        ) as span:
            await self._app(scope, receive, _watched(send, span))
            if request_id := scope.get("state", {}).get("request_id"):
                span.set_attribute("gateway.request_id", request_id)


def _method(sent: str) -> str:
    """As the conventions name it: what is none of HTTP's methods is not named, as there may be any number of them."""
    return sent if sent in _METHODS else "_OTHER"


def _watched(send: Send, span: Span) -> Send:
    async def watched(message: Message) -> None:
        if message["type"] == "http.response.start":
            span.set_attribute("http.response.status_code", message["status"])
            if message["status"] >= _SERVER_ERROR:
                span.set_status(Status(StatusCode.ERROR))
        await send(message)

    return watched


def _facts(record: UsageRecord, names: Attributes, first_token_ms: int | None) -> dict[str, str | int]:
    return {
        **names,
        "gateway.request_id": record.request_id,
        "gateway.project_id": record.project_id,
        "gateway.key_id": record.key_id,
        "gateway.cost_usd": usd(record.cost_nano),
        "gateway.attempts": record.attempts,
        **({"gateway.first_token_ms": first_token_ms} if first_token_ms is not None else {}),
        **({"error.type": record.error_code} if record.error_code else {}),
    }


def _operation() -> str:
    return "embeddings" if _route(get_current_span()) == _EMBEDDINGS else "chat"


def _route(span: Span) -> str:
    """Of a request's span."""
    attributes = getattr(span, "attributes", None) or {}
    return str(attributes.get("http.route", "")) if span is not INVALID_SPAN else ""
