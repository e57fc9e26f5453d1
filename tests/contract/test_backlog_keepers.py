"""The backlog as its operator sees it, on AWS: what waits, what was given up, and its way back."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from moto import mock_aws
from mypy_boto3_sqs import SQSClient

from gateway_core.adapters.backlog_keepers import QueueKeeper
from gateway_core.adapters.sqs_backlog import connect
from gateway_core.domain.errors import BacklogUnavailable
from gateway_core.ports.replaying import BacklogState

AWS = {"region_name": "eu-central-1", "aws_access_key_id": "testing", "aws_secret_access_key": "testing"}


@pytest.fixture
def sqs() -> Iterator[SQSClient]:
    with mock_aws():
        yield connect(**AWS)


def queues(sqs: SQSClient) -> tuple[str, str]:
    """URLs of a backlog and of its dead letters."""
    letters = sqs.create_queue(QueueName="letters")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=letters, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    redrive = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": "100"})
    return sqs.create_queue(QueueName="backlog", Attributes={"RedrivePolicy": redrive})["QueueUrl"], letters


async def test_what_waits_and_what_was_given_up_are_counted(sqs):
    """Those in work as well: a message is that for as long as the queue hides it."""
    backlog, letters = queues(sqs)
    keeper = QueueKeeper(backlog, lambda: sqs)
    assert await keeper.state() == BacklogState(0, 0, 0)
    assert await keeper.replay() == {"sent_back": 0}
    for text in ("one", "two"):
        sqs.send_message(QueueUrl=backlog, MessageBody=text)
    sqs.receive_message(QueueUrl=backlog)
    sqs.send_message(QueueUrl=letters, MessageBody="dead")
    assert await keeper.state() == BacklogState(1, 1, 1)


async def test_dead_letters_are_sent_back(sqs):
    """By a task of the queue itself, which is asked for once, by the ARN of the dead letters."""
    backlog, letters = queues(sqs)
    sqs.send_message(QueueUrl=letters, MessageBody="dead")
    asked: list[dict[str, object]] = []

    class Sqs:
        def __getattr__(self, name: str) -> object:
            return getattr(sqs, name)

        def start_message_move_task(self, **named: object) -> None:
            asked.append(named)

    assert await QueueKeeper(backlog, Sqs).replay() == {"sent_back": 1}  # type: ignore[arg-type]
    assert asked == [{"SourceArn": "arn:aws:sqs:eu-central-1:123456789012:letters"}]


async def test_a_queue_that_is_not_there_says_so(sqs):
    """By the code alone: the text of an error may name the account."""
    keeper = QueueKeeper("https://sqs.eu-central-1.amazonaws.com/123456789012/none", lambda: sqs)
    for asked in (keeper.state(), keeper.replay()):
        with pytest.raises(BacklogUnavailable) as failure:
            await asked
        assert "NonExistent" in failure.value.detail
        assert "123456789012" not in f"{failure.value.message}{failure.value.detail}"
