"""The backlogs of the contract, each with the controls that a test needs."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

from mypy_boto3_sqs import SQSClient

from gateway_core.adapters.file_backlog import REFUSED, FileBacklog
from gateway_core.adapters.memory.backlog import MemoryBacklog
from gateway_core.adapters.sqs_backlog import SqsBacklog
from gateway_core.domain.errors import InvalidRequest
from gateway_core.ports import Replay
from gateway_core.triggers.replay import queued
from tests.backlogs import Plan

TRIES = 3


class Handed:
    """What `queued` asks for each message of a batch."""

    def __init__(self, replay: Replay) -> None:
        self.replay = replay

    def refuse(self, error: InvalidRequest) -> dict[str, Any]:
        raise error

    async def close(self) -> None:
        """Nothing is open."""


class Queue:
    """An SQS queue with dead letters, and what Lambda's event source does with it."""

    def __init__(self, client: SQSClient) -> None:
        self.client = client
        self.letters = client.create_queue(QueueName="letters")["QueueUrl"]
        arn = client.get_queue_attributes(QueueUrl=self.letters, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        redrive = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": str(TRIES)})
        # A message that is left comes again at once.
        attributes: Any = {"RedrivePolicy": redrive, "VisibilityTimeout": "0"}
        self.url = client.create_queue(QueueName="backlog", Attributes=attributes)["QueueUrl"]
        self.backlog = SqsBacklog(self.url, lambda: client)
        self.put = self.backlog.put

    async def deliver(self, replay: Replay) -> None:
        """One batch: what its answer does not name is deleted."""
        got = self.client.receive_message(QueueUrl=self.url, MaxNumberOfMessages=10).get("Messages", [])
        records = [{"messageId": message["MessageId"], "body": message["Body"]} for message in got]
        answer = await asyncio.to_thread(queued(Handed(replay)), {"Records": records}, None)  # type: ignore[arg-type]
        left = {failure["itemIdentifier"] for failure in answer["batchItemFailures"]}
        for message in got:
            if message["MessageId"] not in left:
                self.client.delete_message(QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"])

    async def refused(self) -> list[str]:
        for _ in range(TRIES + 1):
            await self.deliver(Plan({"r1": "refused"}))
        got = self.client.receive_message(QueueUrl=self.letters, MaxNumberOfMessages=10)
        return [message["Body"] for message in got.get("Messages", [])]


class Folder:
    """Files in a folder."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.backlog = FileBacklog(path)
        self.put = self.backlog.put

    async def deliver(self, replay: Replay) -> None:
        await self.backlog.drain(replay)

    async def refused(self) -> list[str]:
        return (self._path / REFUSED).read_text().splitlines()


class Memory:
    """A list."""

    def __init__(self) -> None:
        self.backlog = MemoryBacklog()
        self.put = self.backlog.put

    async def deliver(self, replay: Replay) -> None:
        await self.backlog.drain(replay)

    async def refused(self) -> list[str]:
        return self.backlog.refused
