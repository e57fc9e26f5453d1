"""A new version is asked before CodeDeploy sends anybody to it."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.response import StreamingBody
from botocore.stub import Stubber

from gateway_core.adapters.release import CodeDeployRelease, connect
from gateway_core.invocation import SEPARATOR, FunctionUnavailable
from gateway_core.ports.release import Version
from gateway_core.triggers.preflight import ROUTES, event_for, fault_of, preflight

EVENT = {"DeploymentId": "d-1", "LifecycleEventHookExecutionId": "h-1"}
COMPLETE = Version("llm-gateway-prod-Complete-a1B2c3", "7")


def whole(status: int, code: str) -> bytes:
    """As a function behind a route that buffers answers."""
    return json.dumps({"statusCode": status, "headers": {}, "body": json.dumps({"error": {"code": code}})}).encode()


def streamed(status: int, body: bytes) -> bytes:
    """As one that streams does, when it is invoked."""
    return json.dumps({"statusCode": status}).encode() + SEPARATOR + body


class Deployment:
    """Implements the port `Release` over one answer, or one failure."""

    def __init__(self, answer: bytes | Exception, version: Version = COMPLETE) -> None:
        self._answer = answer
        self._version = version
        self.told: list[tuple[str, str, bool]] = []

    def version(self, deployment_id: str) -> Version:
        return self._version

    def ask(self, version: Version, event: Any) -> bytes:
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer

    def report(self, deployment_id: str, execution_id: str, *, passed: bool) -> None:
        self.told.append((deployment_id, execution_id, passed))


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        (streamed(401, b'{"error": {"code": "unauthenticated"}}'), ""),
        (whole(401, "unauthenticated"), ""),
        (whole(503, "store_unavailable"), "HTTP 503, not 401"),
        (whole(401, "other"), "an answer in another form"),
        (streamed(200, b"{}"), "HTTP 200, not 401"),
        (streamed(401, b"<html>"), "JSONDecodeError"),
        (b'"gk_secret"', "the payload is not a JSON object"),
        (FunctionUnavailable("Runtime.ImportModuleError"), "Runtime.ImportModuleError"),
        (RuntimeError("gk_secret"), "RuntimeError"),
    ],
)
def test_a_version_gets_traffic_if_it_answers(answer, fault):
    """And CodeDeploy always hears, with no word of what was answered."""
    deployment = Deployment(answer)
    told = preflight(deployment)(EVENT, None)
    where = f"version 7 of {COMPLETE.function}: " if fault else ""
    assert told == {"passed": not fault, "fault": where + fault}
    assert deployment.told == [("d-1", "h-1", not fault)]


def test_what_asks_for_no_look_is_left_alone():
    """As everywhere."""
    deployment = Deployment(b"")
    assert preflight(deployment)({"source": "warmup"}, None) == {"ignored": True}
    assert deployment.told == []


@pytest.mark.parametrize("name", ["Probe", "Replay", "Invoices", "Odd"])
def test_a_function_without_a_route_has_to_start(name):
    """It is asked for nothing that it does."""
    function = f"llm-gateway-{name}-a1B2"
    assert event_for(function) == {"source": "preflight"}
    assert fault_of(function, b'{"ignored": true}') == ""
    assert fault_of(function, b'{"check": "providers"}') != ""


def test_each_route_is_asked_with_a_key_that_nobody_has():
    """By the name that CloudFormation gives its function, whatever the stack's is."""
    for name, (method, path) in ROUTES.items():
        event = event_for(f"a-Health-b-{name}-x9")
        assert (event["httpMethod"], event["path"]) == (method, path)
        assert event["headers"]["authorization"] == "Bearer gk_preflight_nobody"
    assert fault_of("gateway-Health-1", streamed(200, b'{"status": "ok"}')) == ""
    assert fault_of("gateway-Admin-1", whole(403, "forbidden")) == ""
    assert fault_of("gateway-Mcp-1", whole(421, "wrong_host")) == ""


def test_nobody_can_wait_for_the_worker_of_jobs():
    """Lambda would refuse the call, so its versions pass unasked."""
    deployment = Deployment(RuntimeError(), Version("llm-gateway-JobWorker-a1", "3"))
    assert preflight(deployment)(EVENT, None) == {"passed": True, "fault": ""}
    assert deployment.told == [("d-1", "h-1", True)]


@pytest.fixture
def stubs() -> Iterator[dict[str, Stubber]]:
    """AWS's own models of the services, which refuse what the services would refuse."""
    options = {"region_name": "eu-central-1", "aws_access_key_id": "test", "aws_secret_access_key": "test"}
    clients = {name: boto3.client(name, **options) for name in ("codedeploy", "lambda")}
    found = {name: Stubber(client) for name, client in clients.items()}
    for stub in found.values():
        stub.activate()
    yield found
    for stub in found.values():
        stub.assert_no_pending_responses()


def revision(kind: str, member: str) -> dict[str, Any]:
    """As CloudFormation makes it for an alias."""
    properties = {"Name": COMPLETE.function, "Alias": "live", "CurrentVersion": "6", "TargetVersion": "7"}
    resources = [{COMPLETE.function: {"Type": "AWS::Lambda::Function", "Properties": properties}}]
    content = json.dumps({"version": 0.0, "Resources": resources, "Hooks": [{"BeforeAllowTraffic": "hook"}]})
    return {"deploymentInfo": {"revision": {"revisionType": kind, member: {"content": content, "sha256": "x"}}}}


@pytest.mark.parametrize(("kind", "member"), [("String", "string"), ("AppSpecContent", "appSpecContent")])
@pytest.mark.parametrize(("error", "status"), [(None, "Succeeded"), ("Unhandled", "Failed")])
def test_codedeploy_is_asked_and_told(stubs, kind, member, error, status):
    """Which version it is, that one by its number, and what came of it."""
    answer = b'{"errorType": "Runtime.Init"}' if error else whole(401, "unauthenticated")
    body = StreamingBody(io.BytesIO(answer), len(answer))
    stubs["codedeploy"].add_response("get_deployment", revision(kind, member), {"deploymentId": "d-1"})
    stubs["lambda"].add_response(
        "invoke",
        {"StatusCode": 200, "Payload": body, **({"FunctionError": error} if error else {})},
        {
            "FunctionName": COMPLETE.function,
            "Qualifier": "7",
            "Payload": json.dumps(event_for(COMPLETE.function)).encode(),
        },
    )
    stubs["codedeploy"].add_response(
        "put_lifecycle_event_hook_execution_status",
        {},
        {"deploymentId": "d-1", "lifecycleEventHookExecutionId": "h-1", "status": status},
    )
    told = preflight(CodeDeployRelease(lambda service: stubs[service].client))(EVENT, None)
    assert (told["passed"], "Runtime.Init" in told["fault"]) == (error is None, error is not None)


def test_a_failure_without_a_word_is_one(stubs):
    """Such as of a process that was killed."""
    body = StreamingBody(io.BytesIO(b"?"), 1)
    stubs["lambda"].add_response("invoke", {"StatusCode": 200, "Payload": body, "FunctionError": "Unhandled"})
    with pytest.raises(FunctionUnavailable) as caught:
        CodeDeployRelease(lambda service: stubs[service].client).ask(COMPLETE, {})
    assert caught.value.detail == "Unhandled"


def test_a_cold_start_is_waited_for(monkeypatch):
    """Longer than by default, and what is throttled is asked again."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    config = connect("lambda").meta.config
    assert (config.read_timeout, config.retries["total_max_attempts"]) == (60, 3)
