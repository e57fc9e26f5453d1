"""The backlog as its operator sees it: files on one machine, a queue with dead letters on AWS."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gateway_core.adapters.file_backlog import FileBacklog
from gateway_core.adapters.sqs_backlog import connect
from gateway_core.domain.errors import BacklogUnavailable
from gateway_core.ports import Replay
from gateway_core.ports.replaying import BacklogState

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

_AWAY = "The backlog does not answer."
_WAITING, _DELAYED = "ApproximateNumberOfMessages", "ApproximateNumberOfMessagesDelayed"
_IN_WORK = "ApproximateNumberOfMessagesNotVisible"


class FileKeeper:
    """Implements the port `BacklogKeeper` over a folder; `replay` settles a message."""

    def __init__(self, folder: str, replay: Replay) -> None:
        self._backlog = FileBacklog(Path(folder))
        self._replay = replay

    async def state(self) -> BacklogState:
        try:
            waiting, refused = await self._backlog.waiting()
        except OSError as error:
            raise BacklogUnavailable(_AWAY, detail=error.strerror or "") from None
        return BacklogState(waiting, 0, refused)

    async def replay(self) -> Mapping[str, int]:
        """What waits is tried at once; what was refused stays so. `away` and `waits` are left."""
        try:
            told = await self._backlog.drain(self._replay)
        except OSError as error:
            raise BacklogUnavailable(_AWAY, detail=error.strerror or "") from None
        return {str(verdict): number for verdict, number in told.items()}


class QueueKeeper:
    """Implements the port `BacklogKeeper` over the queue at `url`, which names its dead letters."""

    def __init__(self, url: str, connect: Callable[[], SQSClient] = connect) -> None:
        self._url = url
        self._connect = connect
        self._client: SQSClient | None = None

    async def state(self) -> BacklogState:
        return await asyncio.to_thread(self._answered, self._state)

    async def replay(self) -> Mapping[str, int]:
        """Dead letters go back to the queue, from which they are settled; what waits there is tried anyway."""
        return await asyncio.to_thread(self._answered, self._send_back)

    def _answered[T](self, ask: Callable[[SQSClient], T]) -> T:
        try:
            self._client = self._client or self._connect()
            return ask(self._client)
        except Exception as error:  # noqa: BLE001 - botocore and urllib3 raise dozens; their texts may name the account
            answer: dict[str, Any] = getattr(error, "response", {})
            code = answer.get("Error", {}).get("Code") or type(error).__name__
            raise BacklogUnavailable(_AWAY, detail=code) from None

    def _state(self, client: SQSClient) -> BacklogState:
        queue, letters = self._attributes(client, self._url), self._attributes(client, self._letters(client))
        return BacklogState(int(queue[_WAITING]) + int(queue[_DELAYED]), int(queue[_IN_WORK]), int(letters[_WAITING]))

    def _send_back(self, client: SQSClient) -> Mapping[str, int]:
        letters = self._attributes(client, self._letters(client))
        number = int(letters[_WAITING])
        if number:
            client.start_message_move_task(SourceArn=letters["QueueArn"])
        return {"sent_back": number}

    def _letters(self, client: SQSClient) -> str:
        """The URL of the queue of dead letters: the name is the end of its ARN, and both are of one account."""
        redrive = json.loads(self._attributes(client, self._url)["RedrivePolicy"])
        return client.get_queue_url(QueueName=redrive["deadLetterTargetArn"].rpartition(":")[2])["QueueUrl"]

    @staticmethod
    def _attributes(client: SQSClient, url: str) -> Mapping[Any, str]:
        return client.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
