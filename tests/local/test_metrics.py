"""GET /metrics: what Prometheus reads, who may, and that processes add up."""

import os
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from gateway_core.adapters.memory import MemoryStore
from gateway_core.api import complete
from gateway_core.api.app import create_app
from gateway_core.crowd.limiter import Limiter
from gateway_core.domain.errors import StoreUnavailable
from gateway_core.domain.provider_errors import ProviderUnavailable
from gateway_core.telemetry.few_names import MOST_NAMES, OTHER, FewNames
from local.front import route_of
from local.metrics_route import metrics_router
from local.observing import Observing
from tests.contract.desk import Desk, record_of

HELLO = {"messages": [{"role": "user", "content": "one two three"}]}
TOKEN = {"authorization": "Bearer the-token"}


@pytest.fixture
async def gateway(world):
    """The routes with their metrics, in front of the memory world; a key of `alpha`."""
    observing = Observing.of({})
    app = create_app(world.services, complete.router, metrics_router(observing.prometheus, "the-token"))
    for observer in observing.observers:
        app.state.telemetry.attach(observer)
    front = observing.around(app, Limiter(world.services.telemetry.crowded))
    transport = httpx.ASGITransport(front, raise_app_exceptions=False)
    headers = {"authorization": f"Bearer {await world.key()}"}
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway", headers=headers) as http:
        yield http


async def scraped(gateway):
    """Samples by name and labels."""
    answer = await gateway.get("/metrics", headers=TOKEN)
    assert (answer.status_code, answer.headers["content-type"].split(";")[0]) == (200, "text/plain"), answer.text
    families = text_string_to_metric_families(answer.text)
    return {
        (one.name.removeprefix("llm_gateway_"), *sorted(one.labels.values())): one.value
        for family in families
        for one in family.samples
    }


async def test_what_requests_were_and_cost(gateway, world):
    """By provider and model, with the failure that came before; nobody's user is a label."""

    def fail(_call):
        raise ProviderUnavailable("down")

    world.behave["first"] = fail
    answer = await gateway.post("/v1/complete", json={**HELLO, "user_id": "ada", "agent_id": "bot"})
    assert answer.status_code == 200
    found = await scraped(gateway)
    assert found["requests_total", "", "chat", "second", "second-provider"] == 1
    assert found["attempts_total", "first", "first-provider", "provider_error"] == 1
    assert found["attempts_total", "", "second", "second-provider"] == 1
    assert found["tokens_total", "input", "second", "second-provider"] == 3
    assert found["cost_usd_total", "second", "second-provider"] == 9e-06
    assert found["project_cost_usd_total", "alpha"] == 9e-06
    assert found["request_seconds_count", "chat"] == 1
    assert found["signals_total", "failovers", "first-provider"] == 1
    assert found["in_flight",] == 1  # the scrape itself
    assert (found["store_up",], found["breaker_state", "first", "first-provider"]) == (1, 0)
    assert "ada" not in str(found)


async def test_refusals_are_counted_by_reason(gateway, world):
    """A budget's, here."""
    await world.budget(day_nano=1)
    assert (await gateway.post("/v1/complete", json=HELLO)).status_code == 402
    assert (await scraped(gateway))["refused_total", "budget"] == 1


async def test_without_the_store_it_says_so(gateway, world):
    """And tells what it knows."""

    async def away(*_args, **_kwargs):
        raise StoreUnavailable("away")

    world.store.fleet_health = away
    found = await scraped(gateway)
    assert found["store_up",] == 0
    assert not [name for name, *_ in found if name == "breaker_state"]


@pytest.mark.parametrize(
    ("headers", "status"), [({}, 403), ({"authorization": "Bearer the-toke"}, 401), ({"authorization": ""}, 401)]
)
async def test_it_is_not_for_everybody(gateway, headers, status):
    """A project's key is no admin's, and a token is the whole token."""
    assert (await gateway.get("/metrics", headers=headers)).status_code == status


async def test_an_admin_key_opens_it(gateway, world):
    """As it does all reports."""
    admin = {"authorization": f"Bearer {await world.key('ops', admin=True)}"}
    assert (await gateway.get("/metrics", headers=admin)).status_code == 200


def test_what_is_taken_back_lets_no_counter_fall():
    """A correction is negative; a stream tells when it began to speak."""
    prometheus = Observing.of({}).prometheus
    record = record_of(Desk(MemoryStore(), "alpha").ticket("r1"), input_nano=-50, output_nano=0, input_tokens=-1)
    prometheus.requested(record, 1500)
    told = prometheus.text(None, {}).decode().splitlines()
    assert 'llm_gateway_cost_usd_total{model="claude",provider="one"} 0.0' in told
    assert "llm_gateway_first_token_seconds_sum 1.5" in told


def test_names_have_a_bound():
    """Whatever callers ask for."""
    names = FewNames()
    assert {names.of(f"m{number}") for number in range(MOST_NAMES + 5)} - {OTHER} == {
        f"m{number}" for number in range(MOST_NAMES)
    }
    assert (names.of("m0"), names.of("m204")) == ("m0", OTHER)


def test_paths_have_few_names():
    """Of routes with something behind them, and of none."""
    assert [route_of(path) for path in ("/v1/complete", "/metrics", "/ask/job_1", "/wp-admin")] == [
        "/v1/complete",
        "/metrics",
        "/ask/{id}",
        "(unknown)",
    ]


PROGRAM = """
import os, sys
from local.observing import Observing, added_up, forget
assert "prometheus_client" not in sys.modules
with added_up(2):
    observing = Observing.of({})
    children = []
    for number in (1, 2):
        if not (pid := os.fork()):
            observing.prometheus._in_flight.inc()
            observing.prometheus._refused.labels("budget").inc(number)
            os._exit(0)
        os.waitpid(pid, 0)
        children.append(pid)
    def told(name):
        lines = observing.prometheus.text(None, {}).decode().splitlines()
        return [line.split()[1] for line in lines if line.startswith("llm_gateway_" + name)]
    print(told("refused_total"), told("in_flight"))
    forget(children[0])
    print(told("refused_total"), told("in_flight"))
assert "PROMETHEUS_MULTIPROC_DIR" not in os.environ
print(sorted(name for name in sys.modules if name.startswith(("opentelemetry.sdk", "opentelemetry.exporter"))))
"""


def test_processes_add_up_and_the_collector_is_not_loaded_unasked():
    """Counts of the dead stay; what they had under way goes. OpenTelemetry's SDK is for who names a collector."""
    root = Path(__file__).parents[2]
    path = os.pathsep.join((str(root / "layers/gateway_core/src"), str(root)))
    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": path}
    done = subprocess.run(
        (sys.executable, "-c", PROGRAM), env=environ, capture_output=True, text=True, check=False, cwd=root
    )
    assert done.stdout.splitlines() == ["['3.0'] ['2.0']", "['3.0'] ['1.0']", "[]"], done.stderr
