"""Traces and metrics at a collector that decodes what it is sent."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import dataclass, field

import httpx
import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

from gateway_core.adapters.memory import MemoryStore
from gateway_core.adapters.otel import OtelObserver, TracedRequests
from gateway_core.api import complete, stream
from gateway_core.api.app import create_app
from gateway_core.domain.provider_errors import ProviderUnavailable
from local.front import route_of
from local.observing import Observing
from local.serving import serve
from tests.contract.desk import NOON, Desk, record_of

HELLO = {"messages": [{"role": "user", "content": "a secret plan"}]}
TRACE, CALLER = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
PARENT = {"traceparent": f"00-{TRACE}-{CALLER}-01"}
INTERNAL, SERVER, CLIENT = 1, 2, 3


@dataclass
class Collector:
    """What arrived."""

    spans: list = field(default_factory=list)
    metrics: dict = field(default_factory=dict)
    resource: dict = field(default_factory=dict)

    @property
    def app(self):
        return Starlette(
            routes=[
                Route("/v1/traces", self.traces, methods=["POST"]),
                Route("/v1/metrics", self.measures, methods=["POST"]),
            ]
        )

    async def traces(self, request):
        message = ExportTraceServiceRequest.FromString(await request.body())
        for part in message.resource_spans:
            self.resource = values(part.resource.attributes)
            self.spans += [span for scope in part.scope_spans for span in scope.spans]
        return Response()

    async def measures(self, request):
        message = ExportMetricsServiceRequest.FromString(await request.body())
        for part in message.resource_metrics:
            self.metrics |= {one.name: one for scope in part.scope_metrics for one in scope.metrics}
        return Response()


def values(attributes):
    """As plain values."""
    return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in attributes}


@pytest.fixture(scope="module")
def listening():
    found = Collector()
    with serve(found.app) as url:
        yield found, url


@pytest.fixture
async def traced(world, listening, monkeypatch):
    """The gateway whose collector listens, and what that has got, once it is flushed."""
    collector, url = listening
    collector.spans, collector.metrics = [], {}
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", url)
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=staging")
    observer = OtelObserver("the-gateway")
    app = create_app(world.services, complete.router, stream.router)
    app.state.telemetry.attach(observer)
    front = TracedRequests(app, observer, route_of)
    transport = httpx.ASGITransport(front, raise_app_exceptions=False)
    headers = {"authorization": f"Bearer {await world.key()}"}
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway", headers=headers) as http:
        await http.post("/v1/complete", json=HELLO)  # nobody is told before it starts
        observer.start()
        yield http, collector, observer
    observer.close()


@pytest.mark.parametrize("path", ["/v1/complete", "/v1/stream"])
async def test_a_request_and_its_attempts_are_spans_below_the_callers(traced, world, path):
    """By the conventions' names; of the prompt nothing."""
    http, collector, observer = traced

    def fail(_call):
        raise ProviderUnavailable("down")

    world.behave["first"] = fail
    answer = await http.post(path, json=HELLO, headers=PARENT)
    assert answer.status_code == 200
    observer.flush(30)
    request = next(span for span in collector.spans if span.kind == SERVER)
    attempts = [span for span in collector.spans if span.kind == CLIENT]
    assert (request.name, request.trace_id.hex(), request.parent_span_id.hex()) == (f"POST {path}", TRACE, CALLER)
    told = values(request.attributes)
    expected = {
        "http.route": path,
        "http.response.status_code": 200,
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "second-provider",
        "gen_ai.request.model": "reasoning",
        "gen_ai.response.model": "second",
        "gen_ai.usage.input_tokens": 3,
        "gateway.project_id": "alpha",
        "gateway.cost_usd": "0.000009",
        "gateway.attempts": 2,
        "gateway.request_id": answer.headers["x-request-id"],
    }
    assert {name: told[name] for name in expected} == expected
    assert [(span.name, span.parent_span_id, span.status.code) for span in attempts] == [
        ("chat first", request.span_id, 2),
        ("chat second", request.span_id, 0),
    ]
    assert values(attempts[0].attributes)["error.type"] == "provider_error"
    assert "secret plan" not in str(collector.spans)
    assert collector.resource["service.name"] == "the-gateway"
    assert collector.resource["deployment.environment.name"] == "staging"


async def test_durations_and_tokens_are_histograms(traced):
    """In seconds and tokens, by the names that the conventions ask for."""
    http, collector, observer = traced
    await http.post("/v1/complete", json=HELLO)
    observer.flush(30)
    (duration,) = collector.metrics["gen_ai.client.operation.duration"].histogram.data_points
    assert (duration.count, values(duration.attributes)) == (
        1,
        {"gen_ai.operation.name": "chat", "gen_ai.provider.name": "first-provider", "gen_ai.request.model": "first"},
    )
    assert (duration.explicit_bounds[0], duration.explicit_bounds[-1]) == (0.01, 81.92)
    usage = collector.metrics["gen_ai.client.token.usage"]
    assert usage.unit == "{token}"
    kinds = {values(one.attributes)["gen_ai.token.type"]: one.sum for one in usage.histogram.data_points}
    assert kinds == {"input": 3, "output": 3}


async def test_what_fails_or_asks_whether_it_lives(traced):
    """An unknown path has no name of its own, and liveness is no news."""
    http, collector, observer = traced
    await http.get("/health")
    await http.get("/secret-path", headers={"traceparent": "nonsense"})
    observer.flush(30)
    (span,) = collector.spans
    assert (span.name, values(span.attributes)["http.response.status_code"]) == ("GET (unknown)", 404)
    assert span.parent_span_id == b""


async def test_what_is_no_request_of_its_own_has_a_span_all_the_same(traced):
    """A job's question has no HTTP request around it, and one of a batch is not alone in it."""
    _http, collector, observer = traced
    record = record_of(Desk(MemoryStore(), "alpha").ticket("r1"), at_ms=NOON, error_code="provider_error")
    observer.requested(record, 20)
    with observer.tracer.start_as_current_span("POST /ask", attributes={"http.route": "/ask"}):
        observer.requested(record, None)
    observer.flush(30)
    alone, one, batch = collector.spans
    assert [(span.name, span.kind, span.status.code) for span in (alone, one)] == [("chat reasoning", INTERNAL, 2)] * 2
    assert (alone.parent_span_id, one.parent_span_id) == (b"", batch.span_id)
    assert alone.end_time_unix_nano - alone.start_time_unix_nano == 900_000_000
    assert values(alone.attributes)["gateway.first_token_ms"] == 20


def test_a_collector_that_hangs_keeps_no_process_from_its_end(monkeypatch):
    """Whatever time a single try has."""
    released = threading.Event()

    async def hang(_request):
        await asyncio.to_thread(released.wait)
        return Response()

    with serve(Starlette(routes=[Route("/v1/{kind}", hang, methods=["POST"])])) as url:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", url)
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "86400")
        observer = OtelObserver("the-gateway")
        observer.start()
        observer.tracer.start_span("one").end()
        observer.flush(0.1)
        released.set()
        observer.close()


def test_it_is_on_where_a_collector_is_named():
    """And off where the SDK's own switch says so."""
    named = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"}
    assert Observing.of({}).otel is None
    assert Observing.of({**named, "OTEL_SDK_DISABLED": "true"}).otel is None
    assert len(Observing.of(named).observers) == 2
