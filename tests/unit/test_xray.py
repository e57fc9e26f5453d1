"""Calls of models in X-Ray: datagrams to the daemon that Lambda runs."""

import json
import socket
from functools import partial

import pytest

from gateway_core.adapters.xray import XRayTracer, xray_tracer
from gateway_core.config.environment import ProcessEnvironment, trace_header
from gateway_core.domain.caller import Attribution
from gateway_core.domain.chat import ChatRequest
from gateway_core.domain.provider_errors import RateLimitError
from gateway_core.domain.result import Attempt
from tests.conftest import World, catalog_of, model, settings_for
from tests.unit.test_events import RECORD
from tests.unit.test_telemetry import telemetry

ROOT, PARENT = "1-6560a1b2-0123456789abcdef01234567", "0123456789abcdef"
SAMPLED = f"Root={ROOT};Parent={PARENT};Sampled=1;Lineage=1:a:0"


def sampled():
    """The header of a trace that is kept."""
    return SAMPLED


@pytest.fixture
def daemon():
    """Listens where X-Ray's daemon would."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listening:
        listening.bind(("127.0.0.1", 0))
        listening.settimeout(5)
        yield listening


def received(daemon):
    header, _, document = daemon.recv(65_536).partition(b"\n")
    assert json.loads(header) == {"format": "json", "version": 1}
    return json.loads(document)


async def test_each_attempt_of_a_request_is_a_subsegment(daemon):
    """With what it takes to find it: request id, provider, model, and whether it was throttled."""
    catalog = catalog_of(model("first"), model("second"))
    tracer = XRayTracer(sampled, daemon.getsockname())
    world = World(catalog, settings_for(catalog), tracer=tracer)

    def busy(call):
        world.clock.advance(0.25)
        raise RateLimitError("busy")

    world.behave["first"] = busy
    started_s = world.clock.now_ms() / 1000
    caller = await world.services.authenticator.authenticate(await world.key())
    hello = ({"role": "user", "content": "one two three"},)
    asked = ChatRequest(messages=hello, attribution=Attribution("alpha"), model_group="reasoning")
    await world.services.gateway.complete(asked, caller, "req_1", timeout_s=60)
    failed, done = received(daemon), received(daemon)
    assert len(failed.pop("id")) == 16
    assert failed == {
        "type": "subsegment",
        "namespace": "remote",
        "name": "first-provider",
        "trace_id": ROOT,
        "parent_id": PARENT,
        "start_time": started_s,
        "end_time": started_s + 0.25,
        "annotations": {
            "request_id": "req_1",
            "model": "first",
            "provider": "first-provider",
            "error_type": "rate_limited",
        },
        "throttle": True,
        "error": True,
    }
    assert (done["name"], done["annotations"]["model"]) == ("second-provider", "second")
    assert not {"fault", "error", "throttle"} & set(done)
    tracer.close()


def test_another_failure_is_a_fault(daemon):
    """As X-Ray calls what is not the caller's."""
    tracer = XRayTracer(sampled, daemon.getsockname())
    tracer.attempt("req_1", Attempt("m", "p", "failed", "timeout", 10), 1000)
    assert received(daemon)["fault"] is True
    tracer.close()


@pytest.mark.parametrize("header", ["", f"Root={ROOT};Parent={PARENT};Sampled=0", f"Root={ROOT};Sampled=1", "nonsense"])
def test_what_is_not_sampled_is_not_sent(daemon, header):
    """Nor what nobody could find again."""
    tracer = XRayTracer(lambda: header, daemon.getsockname())
    tracer.attempt("req_1", Attempt("m", "p", "ok"), 1000)
    daemon.settimeout(0)
    with pytest.raises(BlockingIOError):
        daemon.recv(1)
    tracer.close()


def test_a_daemon_that_cannot_be_reached_is_no_failure(daemon):
    """The datagram is lost, and nothing else."""
    tracer = XRayTracer(sampled, daemon.getsockname())
    tracer.close()
    tracer.attempt("req_1", Attempt("m", "p", "ok"), 1000)


@pytest.mark.parametrize("address", [None, "", "daemon", "tcp:127.0.0.1:2000 udp:127.0.0.1:x"])
def test_without_a_daemon_there_is_no_tracer(address):
    """As on every machine that is not Lambda's."""
    assert xray_tracer(sampled, address) is None


def test_the_daemon_and_the_trace_are_what_lambda_says(daemon):
    """By the variables that Lambda sets, the second anew for each invocation."""
    environ = {"AWS_XRAY_DAEMON_ADDRESS": "{}:{}".format(*daemon.getsockname()), "_X_AMZN_TRACE_ID": ""}
    tracer = xray_tracer(partial(trace_header, environ), ProcessEnvironment.from_env(environ).trace_daemon)
    assert tracer
    environ["_X_AMZN_TRACE_ID"] = SAMPLED
    tracer.attempt("req_1", Attempt("m", "p", "ok"), 1000)
    assert received(daemon)["trace_id"] == ROOT
    tracer.close()


def test_log_lines_have_the_trace_id(monkeypatch):
    """From the variable that Lambda's runtime sets for each invocation."""
    monkeypatch.setenv("_X_AMZN_TRACE_ID", SAMPLED)
    log, stream = telemetry()
    log.usage(RECORD)
    assert json.loads(stream.getvalue())["xray_trace_id"] == ROOT
