"""What callers may make up makes no series of metrics without end, and no names of spans."""

import httpx
import pytest

from gateway_core.adapters.memory import MemoryStore
from gateway_core.adapters.otel import OtelObserver, TracedRequests
from gateway_core.domain.result import Attempt
from gateway_core.telemetry.few_names import MOST_NAMES, OTHER
from local.serving import serve
from tests.contract.desk import NOON, Desk, record_of
from tests.contract.test_otel import Collector, values

MADE_UP = MOST_NAMES + 100


@pytest.fixture(scope="module")
def listening():
    found = Collector()
    with serve(found.app) as url:
        yield found, url


@pytest.fixture
def told(listening, monkeypatch):
    collector, url = listening
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", url)
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "always_off")
    observer = OtelObserver("the-gateway")
    observer.start()
    yield observer, collector
    observer.close()


def series(collector, name):
    return [values(point.attributes) for point in collector.metrics[name].histogram.data_points]


async def test_models_that_callers_make_up_are_few_series(told):
    """Of many names the first have series of their own, and all others one together."""
    observer, collector = told
    ticket = Desk(MemoryStore()).ticket("r")
    for number in range(MADE_UP):
        name = f"groq/made-up-{number}"
        record = record_of(ticket, provider=f"p{number}", model=name, model_group=name, input_tokens=3, output_tokens=0)
        observer.attempted("r", Attempt(name, f"p{number}", "failed", "provider_error", 5), NOON)
        observer.requested(record, None)
    observer.flush(60)
    usage, duration = (
        series(collector, "gen_ai.client.token.usage"),
        series(collector, "gen_ai.client.operation.duration"),
    )
    assert (len(usage), len(duration)) == (MOST_NAMES + 1, MOST_NAMES + 1)
    for points in (usage, duration):
        others = [point for point in points if point["gen_ai.request.model"] == OTHER]
        assert [point["gen_ai.provider.name"] for point in others] == [OTHER]
    kinds = {name for point in usage for name in point}
    assert kinds == {"gen_ai.operation.name", "gen_ai.provider.name", "gen_ai.request.model", "gen_ai.response.model",
                     "gen_ai.token.type"}  # fmt: skip


async def test_what_is_no_method_of_http_names_no_span(listening, monkeypatch):
    """There may be any number of them."""
    collector, url = listening
    collector.spans = []
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", url)
    observer = OtelObserver("the-gateway")
    observer.start()

    async def app(_scope, _receive, send):
        await send({"type": "http.response.start", "status": 405, "headers": []})
        await send({"type": "http.response.body"})

    front = TracedRequests(app, observer, lambda _path: "(other)")
    async with httpx.AsyncClient(transport=httpx.ASGITransport(front), base_url="http://gateway") as http:
        for number in range(9):
            await http.request(f"MADEUP{number}", "/v1/complete")
        await http.get("/v1/complete")
    observer.flush(30)
    observer.close()
    assert {span.name for span in collector.spans} == {"_OTHER (other)", "GET (other)"}
    assert len(collector.spans) == 10
