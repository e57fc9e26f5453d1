"""The backlog as an SQS queue, whose messages a function of ours is handed by Lambda: see `triggers.replay`."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from gateway_core.domain.errors import BacklogUnavailable, LLMError
from gateway_core.store.records import Unsettled
from gateway_core.store.unsettled import pack

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient


def connect(**options: Any) -> SQSClient:
    """A client that takes half a second of CPU, so it is made when first needed: hardly any process ever does."""
    import boto3  # noqa: PLC0415 - see above; and only AWS has a use for it
    from botocore.config import Config  # noqa: PLC0415 - as above

    # May be sent twice: what is settled twice counts once.
    config = Config(connect_timeout=1, read_timeout=2, retries={"mode": "standard", "total_max_attempts": 2})
    return boto3.session.Session().client("sqs", config=config, **options)


class SqsBacklog:
    """Implements the port `Backlog` over the queue at `url`."""

    def __init__(self, url: str, connect: Callable[[], SQSClient] = connect) -> None:
        self._url = url
        self._connect = connect
        self._client: SQSClient | None = None
        self._lock = threading.Lock()

    async def put(self, unsettled: Unsettled, error: LLMError) -> None:  # noqa: ARG002 - the port's
        await asyncio.to_thread(self._send, pack(unsettled))

    def _send(self, text: str) -> None:
        try:
            with self._lock:
                self._client = self._client or self._connect()
            self._client.send_message(QueueUrl=self._url, MessageBody=text)
        except Exception as error:  # noqa: BLE001 - botocore and urllib3 raise dozens; their texts may name the account
            answer: dict[str, Any] = getattr(error, "response", {})
            code = answer.get("Error", {}).get("Code") or type(error).__name__
            raise BacklogUnavailable("The backlog did not take a settlement.", detail=code) from None
