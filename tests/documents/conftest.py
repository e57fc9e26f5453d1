"""The documents' commands for operators, typed before an AWS account and a gateway that are on this machine."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.aws import AwsServer, running_aws
from tests.documents.account import unknown_to_moto
from tests.documents.rehearsal import AWS, MACHINE, Rehearsal
from tests.e2e.conftest import KEY, Stack, fork, providers_url, simulator, stack, stop

__all__ = ["providers_url", "simulator", "stack"]

TOPIC = "arn:aws:sns:eu-central-1:123456789012:llm-gateway"
QUEUE = "arn:aws:sqs:eu-central-1:123456789012:dead"
EXECUTION = "arn:aws:lambda:eu-central-1:123456789012:function:f:1/durable-execution/TOKEN/1"


@pytest.fixture(scope="session")
def account() -> Iterator[AwsServer]:
    """An AWS account in which somebody has deployed the stack before."""
    with running_aws(unknown_to_moto) as server:
        server.client("s3").create_bucket(
            Bucket="my-config", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
        )
        server.client("sqs").create_queue(QueueName="dead")
        yield server


@pytest.fixture(scope="session")
def other() -> Iterator[Stack]:
    """Another stack, whose store is a further database."""
    running = fork()
    yield running
    assert stop(running) == 0


@pytest.fixture(scope="session")
def rehearsal(account, stack, other, tmp_path_factory) -> Rehearsal:
    """A folder to type in. Placeholders of the pages are what is here."""
    assert AWS.exists(), "AWS's command line is not installed: make test-documents does it"
    url, store = stack.urls["Gateway"], stack.urls["Store"]
    places = {
        MACHINE: url,
        "https://ID.execute-api.REGION.amazonaws.com/live": url,
        "https://llm.example.com": url,
        "https://NAME.upstash.io": store,
        "REST_TOKEN=TOKEN": "REST_TOKEN=local",
        "gk_ops_...": KEY,
        "gk_alpha_...": KEY,
        "gk_...": KEY,
        "arn:aws:sns:...": TOPIC,
        "DEAD_LETTERS_ARN": QUEUE,
        "execution-arn ARN": f"execution-arn {EXECUTION}",
    }
    environ = {
        **account.environ,
        "AWS_DEFAULT_REGION": "eu-central-1",
        "UPSTASH_REDIS_REST_URL": store,
        "UPSTASH_REDIS_REST_TOKEN": "local",
        "GATEWAY_DEV_KEY": KEY,
        **{f"UPSTASH_REDIS_REST_URL_{name}": other.urls["Store"] for name in ("EAST", "WEST")},
        **dict.fromkeys(("UPSTASH_REDIS_REST_TOKEN_EAST", "UPSTASH_REDIS_REST_TOKEN_WEST"), "local"),
    }
    made = Rehearsal(tmp_path_factory.mktemp("rehearsal"), places, environ)
    made.prepare()
    return made
