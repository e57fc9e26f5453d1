"""Jobs' questions and answers in S3, below `{project}/{token}/`: `input`, and an object for each group of lines.

The name of a group tells the places of its lines, so that nothing but the groups of a page is read: `log/000120-0016`.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from gateway_core.domain.errors import StoreUnavailable
from gateway_core.store.jobs import JobName

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_RETRY_AFTER_S = 5.0
_MISSING = {"NoSuchKey", "404"}


def connect() -> S3Client:
    """A client that takes the better part of a second of CPU, so it is made when first needed."""
    import boto3  # noqa: PLC0415 - see above; and only AWS has a use for it
    from botocore.config import Config  # noqa: PLC0415 - as above

    retries: Any = {"mode": "standard", "total_max_attempts": 3}
    return boto3.session.Session().client("s3", config=Config(connect_timeout=2, read_timeout=10, retries=retries))


class S3JobFiles:
    """Implements the port `JobFiles` in a bucket, which forgets jobs by itself. Raises StoreUnavailable."""

    def __init__(self, bucket: str, connect: Callable[[], S3Client] = connect) -> None:
        self._bucket = bucket
        self._connect = connect
        self._client: S3Client | None = None

    async def put_input(self, name: JobName, text: str) -> None:
        await self._run(lambda s3: self._put(s3, _input_key(name), text))

    async def read_input(self, name: JobName) -> str | None:
        return await self._run(lambda s3: self._get(s3, _input_key(name)))

    async def drop_input(self, name: JobName) -> None:
        await self._run(lambda s3: s3.delete_object(Bucket=self._bucket, Key=_input_key(name)))

    async def append(self, name: JobName, start: int, lines: Sequence[str]) -> None:
        key = f"{_log_prefix(name)}{start:06d}-{len(lines):04d}"
        await self._run(lambda s3: self._put(s3, key, json.dumps(list(lines))))

    async def read(self, name: JobName, start: int, limit: int) -> list[str]:
        return await self._run(lambda s3: list(self._lines(s3, name, start, limit)))

    def _lines(self, s3: S3Client, name: JobName, start: int, limit: int) -> Iterator[str]:
        """Those of the groups that have any, as far as there is no gap."""
        prefix, place, end = _log_prefix(name), start, start + limit
        for first, count in self._groups(s3, prefix):
            if first + count <= place:
                continue
            if first > place or place >= end:
                return
            lines = json.loads(self._get(s3, f"{prefix}{first:06d}-{count:04d}") or "[]")
            yield from lines[place - first : end - first]
            place = min(first + count, end)

    def _groups(self, s3: S3Client, prefix: str) -> Iterator[tuple[int, int]]:
        """The first place and the number of lines of each group, in order."""
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix):
            for item in page.get("Contents", ()):
                first, _, count = item["Key"].removeprefix(prefix).partition("-")
                yield int(first), int(count)

    def _put(self, s3: S3Client, key: str, text: str) -> None:
        s3.put_object(Bucket=self._bucket, Key=key, Body=text.encode(), ContentType="application/json")

    def _get(self, s3: S3Client, key: str) -> str | None:
        from botocore.exceptions import ClientError  # noqa: PLC0415 - brought by the client

        try:
            return s3.get_object(Bucket=self._bucket, Key=key)["Body"].read().decode()
        except ClientError as error:
            if _reason(error) in _MISSING:
                return None
            raise

    async def _run[T](self, use: Callable[[S3Client], T]) -> T:
        """In a thread: boto3 blocks."""
        return await asyncio.to_thread(self._use, use)

    def _use[T](self, use: Callable[[S3Client], T]) -> T:
        if self._client is None:
            self._client = self._connect()
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - brought by the client

        try:
            return use(self._client)
        except (BotoCoreError, ClientError) as error:
            text = "The bucket of jobs does not answer."
            raise StoreUnavailable(text, detail=_reason(error), retry_after_s=_RETRY_AFTER_S) from error


def _input_key(name: JobName) -> str:
    return f"{name.project_id}/{name.token}/input"


def _log_prefix(name: JobName) -> str:
    return f"{name.project_id}/{name.token}/log/"


def _reason(error: Exception) -> str:
    """AWS's own word for a failure, else the exception's name; never its text."""
    response: dict[str, Any] = getattr(error, "response", {})
    return str(response.get("Error", {}).get("Code", "")) or type(error).__name__
