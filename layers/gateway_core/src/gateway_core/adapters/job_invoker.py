"""Starts jobs as executions of a Lambda durable function, which has to be named with its version or alias.

An execution bears the job's token, so that to start it again, as a copy of a request does, starts nothing.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import TYPE_CHECKING

from gateway_core.domain.errors import LLMError
from gateway_core.invocation import FunctionUnavailable
from gateway_core.store.jobs import JobName

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

_RUNNING = "DurableExecutionAlreadyStartedException"
_RETRY_AFTER_S = 5.0


def connect() -> LambdaClient:
    """A client that takes the better part of a second of CPU, so it is made when first needed."""
    import boto3  # noqa: PLC0415 - see above; and only AWS has a use for it
    from botocore.config import Config  # noqa: PLC0415 - as above

    # May be sent twice: what is started is told apart by its name.
    config = Config(connect_timeout=2, read_timeout=10, retries={"mode": "standard", "total_max_attempts": 3})
    return boto3.session.Session().client("lambda", config=config)


class JobInvoker:
    """Implements the port `JobStarter` over the function `function`, asynchronously."""

    def __init__(self, function: str, connect: Callable[[], LambdaClient] = connect) -> None:
        self._function = function
        self._connect = connect
        self._client: LambdaClient | None = None

    async def start(self, name: JobName) -> None:
        await asyncio.to_thread(self._start, name)

    def _start(self, name: JobName) -> None:
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - for AWS only

        if self._client is None:
            self._client = self._connect()
        try:
            self._client.invoke(
                FunctionName=self._function,
                InvocationType="Event",
                DurableExecutionName=name.token,
                Payload=json.dumps({"job": name.id}).encode(),
            )
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code", "")
            if code != _RUNNING:
                raise _unavailable(code) from error
        except BotoCoreError as error:
            raise _unavailable(type(error).__name__) from error


def _unavailable(why: str) -> LLMError:
    return FunctionUnavailable(why, retry_after_s=_RETRY_AFTER_S)
