"""Log lines and metrics: what they say, and in which form Lambda and people can read them."""

import inspect
import io
import json
import re
import uuid
from dataclasses import replace
from pathlib import Path

import pytest

from gateway_core.adapters.log_backlog import LogBacklog
from gateway_core.bootstrap import event_sink, light_services
from gateway_core.config.environment import ProcessEnvironment
from gateway_core.domain.errors import ConfigError
from gateway_core.domain.provider_errors import ProviderTimeout, ProviderUnavailable
from gateway_core.domain.result import Attempt
from gateway_core.store.messages import Settled, Ticket
from gateway_core.store.records import Unsettled
from gateway_core.telemetry.events import OperatorEvent
from gateway_core.telemetry.telemetry import Telemetry
from tests.unit.test_events import RECORD

OPERATIONS = Path(__file__).parents[2] / "docs/operations.md"
STORE = {"UPSTASH_REDIS_REST_URL": "https://store.example", "UPSTASH_REDIS_REST_TOKEN": "token"}


def telemetry(**changes):
    stream = io.StringIO()
    return Telemetry(stream=stream, service=uuid.uuid4().hex, **changes), stream


def test_a_usage_line_has_the_names_of_opentelemetry():
    """Next to the record as the books have it."""
    log, stream = telemetry()
    log.usage(RECORD, 120)
    line = json.loads(stream.getvalue())
    assert {name: value for name, value in line.items() if name.startswith("gen_ai")} == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "reasoning",
        "gen_ai.response.model": "gpt-5.1",
        "gen_ai.usage.input_tokens": 1200,
        "gen_ai.usage.output_tokens": 300,
        "gen_ai.usage.cache_read.input_tokens": 1000,
        "gen_ai.usage.cache_creation.input_tokens": 0,
        "gen_ai.usage.reasoning.output_tokens": 120,
    }
    assert (line["request_id"], line["cost_usd"], line["first_token_ms"]) == ("req_1", "0.003375", 120)
    assert "error.type" not in line


def test_lambda_can_filter_lines_by_level():
    """Its own words for levels, and the form of time without which it takes every line for INFO."""
    log, stream = telemetry()
    log.store_degraded("req_1")
    line = json.loads(stream.getvalue())
    assert line["level"] == "WARN"
    assert line["timestamp"].endswith("+00:00")
    assert "T" in line["timestamp"]


def test_text_is_one_line_without_objects():
    """Of a request what people look for, and what is unusual about it; the record is in the store."""
    log, stream = telemetry(log_format="text")
    log.usage(replace(RECORD, attempts=1))
    log.usage(replace(RECORD, model_group="", error_code="cancelled", estimated_nano=1000))
    first, second = (line[12:] for line in stream.getvalue().splitlines())
    told = "input_tokens=1200 output_tokens=300 cost_usd=0.003375 latency_ms=900"
    assert first == f" INFO  usage request_id=req_1 project_id=alpha model=reasoning served_by=gpt-5.1 {told}"
    unusual = "estimated_usd=0.000001 attempts=2 error=cancelled"
    assert second == f" INFO  usage request_id=req_1 project_id=alpha model=gpt-5.1 {told} {unusual}"


def test_text_has_short_names():
    """Those of OpenTelemetry are for machines."""
    log, stream = telemetry(log_format="text")
    log.attempt_failed("req_1", Attempt("first", "openai", "failed", "timeout", 7), ProviderTimeout("late"))
    assert stream.getvalue()[12:].startswith(
        " WARN  attempt failed request_id=req_1 provider=openai model=first error="
    )


async def test_text_shows_objects_where_something_is_to_be_done():
    """A settlement that is lost can be replayed from the text too."""
    log, stream = telemetry(log_format="text")
    ticket = Ticket("req_1", "alpha", "key", "digest", "tag", RECORD.at_ms)
    await LogBacklog(log).put(Unsettled(ticket, (), None, RECORD), ProviderUnavailable("x y", detail='a "b" c'))
    assert ' ERROR usage not settled request_id=req_1 ticket={"request_id":"req_1"' in stream.getvalue()
    assert r'detail="a \"b\" c"' in stream.getvalue()


def test_the_level_holds():
    """What is below it is not printed."""
    log, stream = telemetry(level="ERROR")
    log.store_degraded("req_1")
    assert stream.getvalue() == ""


def test_a_metric_line_passes_lambdas_filter(capsys):
    """It has the level that is let through, and one line has both sets of dimensions."""
    log = Telemetry(level="WARNING", metrics=True, stream=io.StringIO(), service="stack")
    log.usage(RECORD, 120)
    (printed,) = capsys.readouterr().out.splitlines()
    line = json.loads(printed)
    assert (line["level"], line["timestamp"][10]) == ("WARN", "T")
    total, by_provider = line["_aws"]["CloudWatchMetrics"]
    assert {directive["Namespace"] for directive in (total, by_provider)} == {"LLMGateway"}
    assert (total["Dimensions"], by_provider["Dimensions"]) == ([["service"]], [["service", "provider"]])
    assert [metric["Name"] for metric in by_provider["Metrics"]] == ["Requests", "RequestErrors"]
    assert (line["service"], line["provider"]) == ("stack", "openai")
    assert {m["Name"]: (m["Unit"], line[m["Name"]]) for m in total["Metrics"]} == {
        "Requests": ("Count", [1.0]),
        "RequestErrors": ("Count", [0.0]),
        "RequestLatency": ("Milliseconds", [900.0]),
        "InputTokens": ("Count", [1200.0]),
        "OutputTokens": ("Count", [300.0]),
        "CostUsd": ("None", [0.003375]),
        "TimeToFirstToken": ("Milliseconds", [120.0]),
    }


@pytest.mark.parametrize(
    ("settled", "metrics"),
    [
        (Settled(written=True), []),
        (Settled(written=True, folded=("u", "um")), ["UsageFolded"]),
    ],
)
def test_what_the_books_could_not_do_is_told(capsys, settled, metrics):
    """Names that were counted among the rest."""
    log, _ = telemetry(metrics=True)
    log.booked(settled)
    printed = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [name for line in printed for name in ("UsageFolded",) if name in line] == metrics


def test_without_lambda_no_metric_is_printed(capsys):
    """Standard output is for people there."""
    log, _ = telemetry()
    log.usage(RECORD)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("environ", "first"),
    [
        ({"AWS_LAMBDA_FUNCTION_NAME": "f"}, "{"),
        ({}, "1"),
        ({"LOG_FORMAT": "json"}, "{"),
        ({"AWS_LAMBDA_FUNCTION_NAME": "f", "LOG_FORMAT": "text"}, "1"),
    ],
)
def test_lines_are_json_on_lambda_and_text_elsewhere(environ, first, capsys):
    """Unless LOG_FORMAT says otherwise."""
    name = uuid.uuid4().hex
    services = light_services({**STORE, **environ, "POWERTOOLS_SERVICE_NAME": name})
    services.now().telemetry.store_degraded("req_1")
    line = capsys.readouterr().out.splitlines()[0]
    assert line[0].isdigit() == (first == "1")
    assert line.startswith("{") == (first == "{")


def test_another_log_format_is_an_error():
    """That names the variable."""
    with pytest.raises(ConfigError, match="LOG_FORMAT"):
        light_services({**STORE, "LOG_FORMAT": "xml"})


@pytest.mark.parametrize(("environ", "sinks"), [({}, 1), ({"GATEWAY_EVENT_BUS": "bus", "AWS_SAM_LOCAL": "true"}, 1)])
def test_without_a_bus_events_are_log_lines(environ, sinks):
    """`sam local` passes on a name of the template, which no bus has."""
    assert len(event_sink(ProcessEnvironment.from_env(environ), telemetry()[0], environ)._sinks) == sinks


async def test_a_bus_is_used(aws):
    """In the account and at the place that the environment names."""
    environ = {**aws.environ, "GATEWAY_EVENT_BUS": "bus"}
    written, text = telemetry()
    log, bridge = event_sink(ProcessEnvironment.from_env(environ), written, environ)._sinks
    assert type(log).__name__ == "EventLog"
    aws.client("events").create_event_bus(Name="bus")
    await bridge.emit([OperatorEvent(at_ms=0, kind="config.reloaded", details={})])
    assert "events failed" not in text.getvalue()
    bridge.close()


def test_every_line_is_documented():
    """docs/operations.md has each message that the product logs in its own name."""
    messages = set(re.findall(r'self\._log\.\w+\(\s*"([^"]+)"', inspect.getsource(Telemetry)))
    rows = re.findall(
        r"^\| (`.*?) \|", OPERATIONS.read_text().partition("## Logs")[2].partition("\n## ")[0], re.MULTILINE
    )
    assert len(messages) >= 10
    assert messages <= {name for row in rows for name in re.findall(r"`([^`]+)`", row)}
