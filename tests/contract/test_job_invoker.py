"""Starts jobs as Lambda is to hear it, and tells its answers apart."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ReadTimeoutError
from botocore.stub import Stubber

from gateway_core.adapters import job_invoker
from gateway_core.adapters.job_invoker import JobInvoker
from gateway_core.invocation import FunctionUnavailable
from gateway_core.store.jobs import JobName

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

ALIAS = "arn:aws:lambda:eu-central-1:123456789012:function:stack-JobWorker-1A2B3C:live"
JOB = JobName("alpha", "0123456789abcdef" * 2)
PRIVATE = "arn:aws:iam::123456789012:role/the-role is not allowed"
WANTED = {
    "FunctionName": ALIAS,
    "InvocationType": "Event",
    "DurableExecutionName": JOB.token,
    "Payload": b'{"job": "job_alpha_0123456789abcdef0123456789abcdef"}',
}


@pytest.fixture
def client(monkeypatch) -> LambdaClient:
    """One that asks nobody twice."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    return boto3.client("lambda", config=Config(region_name="eu-central-1", retries={"total_max_attempts": 1}))


async def test_a_job_is_an_execution_of_its_name(client):
    """Asynchronous, of the alias, with the job's id and nothing else: no key, no question."""
    with Stubber(client) as stubber:
        stubber.add_response("invoke", {"StatusCode": 202}, WANTED)
        await JobInvoker(ALIAS, lambda: client).start(JOB)
        stubber.assert_no_pending_responses()


async def test_the_name_is_one_that_lambda_takes(client):
    """Its API says which, in the model that boto3 has: letters, digits, dash and underscore, 64 at most."""
    shape = client.meta.service_model.operation_model("Invoke").input_shape
    assert shape
    name = shape.members["DurableExecutionName"]
    assert len(JOB.token) <= name.metadata["max"]
    assert JOB.token.isalnum()


async def test_a_job_that_is_started_already_is_started(client):
    """A copy of a request, whose first start was heard."""
    with Stubber(client) as stubber:
        code = "DurableExecutionAlreadyStartedException"
        stubber.add_client_error("invoke", code, PRIVATE, 409, expected_params=WANTED)
        await JobInvoker(ALIAS, lambda: client).start(JOB)
        stubber.assert_no_pending_responses()


@pytest.mark.parametrize(
    ("error", "status"),
    [
        ("TooManyRequestsException", 429),
        ("ServiceException", 500),
        ("ResourceNotFoundException", 404),
        ("AccessDeniedException", 403),
        ("InvalidParameterValueException", 400),
    ],
)
async def test_what_lambda_refuses_may_be_tried_again(client, error, status):
    """With Lambda's own word for the operator, and without its text."""
    with Stubber(client) as stubber:
        stubber.add_client_error("invoke", error, PRIVATE, status)
        with pytest.raises(FunctionUnavailable) as refused:
            await JobInvoker(ALIAS, lambda: client).start(JOB)
    assert (refused.value.detail, refused.value.status, refused.value.retryable) == (error, 503, True)
    assert refused.value.retry_after_s
    assert PRIVATE not in f"{refused.value} {refused.value.detail}"


async def test_lambda_out_of_reach_is_the_same():
    """Nobody knows whether it was heard: to start again starts nothing twice."""

    class Late:
        def invoke(self, **arguments: Any) -> None:
            raise ReadTimeoutError(endpoint_url="https://lambda.eu-central-1.amazonaws.com")

    late: Any = Late()
    with pytest.raises(FunctionUnavailable) as refused:
        await JobInvoker(ALIAS, lambda: late).start(JOB)
    assert refused.value.detail == "ReadTimeoutError"


async def test_the_client_is_made_once_and_may_send_twice(monkeypatch):
    """What is started is told apart by its name."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    made: list[LambdaClient] = []

    def connect() -> LambdaClient:
        made.append(job_invoker.connect())
        stubber = Stubber(made[-1])
        for _ in range(2):
            stubber.add_response("invoke", {"StatusCode": 202}, WANTED)
        stubber.activate()
        return made[-1]

    invoker = JobInvoker(ALIAS, connect)
    assert made == []
    for _ in range(2):
        await invoker.start(JOB)
    (client,) = made
    assert client.meta.config.retries["total_max_attempts"] == 3
    assert json.loads(WANTED["Payload"]) == {"job": JOB.id}
