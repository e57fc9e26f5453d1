"""The part of Upstash's REST protocol that the store needs, with deadlines.

Protocol: https://upstash.com/docs/redis/features/restapi. Strings travel as base64, so that any byte survives.
"""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, override

from gateway_core.adapters.upstash.client import Client, CommandError, Reply, unavailable
from gateway_core.domain.compact_json import compact
from gateway_core.http1 import (
    Answer,
    AnswerTimeout,
    ConnectTimeout,
    HttpError,
    LazyTls,
    Limits,
    LineTimeout,
    Pool,
    Template,
    Url,
)

_TRIES = 2
_MOST_CONNECTIONS = 64
_IDLE_S = 300.0
_MOST_BYTES = 64 * 1024 * 1024
"""Of an answer. A report of many days has some megabytes."""
_LATE = (AnswerTimeout, ConnectTimeout, LineTimeout)


@dataclass(frozen=True, slots=True)
class Deadlines:
    """Seconds to connect, and for the whole answer to a command that was sent; a try that took them is the last.

    They are the store's time: while the event loop was busy with something else, they stand still.
    """

    connect_s: float = 0.25
    read_s: float = 0.75


def _ignore(_date: str, _trip_s: float) -> None:
    """For who has no clock to put right."""


class _LostAnswerError(Exception):
    """No usable answer: whether the command ran is unknown. The text holds no secret."""


class RestClient(Client):
    """Keeps connections, for one event loop at a time: a new loop gets new ones. More than 64 at once wait in order.

    An answer that got lost, but not one that is late, is asked for once more, at once.
    """

    def __init__(
        self, url: str, token: str, deadlines: Deadlines | None = None, hear: Callable[[str, float], None] = _ignore
    ) -> None:
        """`hear` is told the `date` of each answer, and how many seconds that took."""
        super().__init__(token)
        self._hear = hear
        self._url = url.rstrip("/")
        headers = {
            "authorization": f"Bearer {token}",
            "upstash-encoding": "base64",
            "content-type": "application/json",
            "accept-encoding": "identity",
            "user-agent": "llm-gateway",
        }
        self._one = Template(Url.parse(self._url), headers)
        self._several = Template(Url.parse(f"{self._url}/pipeline"), headers)
        self._deadlines = deadlines or Deadlines()
        self._tls = LazyTls()
        self._pool: Pool | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    @override
    async def pipeline(self, commands: Sequence[Sequence[str | int]]) -> list[Reply]:
        """As in `Client`, in one trip."""
        try:
            answers = await self._post(self._several, commands)
            if not isinstance(answers, list):
                _reply(answers)
            if len(answers) != len(commands):
                raise unavailable("the pipeline's answer is incomplete")
            return [_reply(answer) for answer in answers]
        except CommandError as error:
            raise self._refused(error) from None

    def forget(self) -> None:
        """Drop the connections unclosed: after a SnapStart restore they belong to another machine."""
        self._pool = None

    @override
    async def close(self) -> None:
        """Close the connections; a later call opens new ones."""
        pool, self._pool = self._pool, None
        if pool and self._loop is asyncio.get_running_loop():
            await pool.close()

    @override
    async def _execute(self, command: Sequence[str | int]) -> Reply:
        return _reply(await self._post(self._one, command))

    async def _post(self, to: Template, body: Any) -> Any:
        """The decoded answer; a lost one is asked for once more, unless it used the time up."""
        content = compact(body).encode()
        lost = ""
        for _ in range(_TRIES):
            try:
                return await self._try(to, content)
            except _LostAnswerError as error:
                lost = str(error)
        raise unavailable(lost)

    async def _try(self, to: Template, content: bytes) -> Any:
        began_s = time.monotonic()
        try:
            answer = await self._connections().fetch(
                to, content, answer_s=self._deadlines.read_s, most_bytes=_MOST_BYTES
            )
        except _LATE as error:
            raise unavailable(type(error).__name__) from None
        except (HttpError, OSError) as error:
            raise _LostAnswerError(type(error).__name__) from None
        self._hear(answer.headers.get("date", ""), time.monotonic() - began_s)
        return _json(answer)

    def _connections(self) -> Pool:
        loop = asyncio.get_running_loop()
        if self._pool is None or self._loop is not loop:
            most = _MOST_CONNECTIONS
            limits = Limits(most=most, keep=most, idle_s=_IDLE_S, connect_s=self._deadlines.connect_s)
            self._pool, self._loop = Pool(limits, self._tls), loop
        return self._pool


def _json(answer: Answer) -> Any:
    status = answer.status
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise _LostAnswerError(f"HTTP {status}")
    try:
        return json.loads(answer.body)
    except ValueError:
        if status == HTTPStatus.OK:
            raise _LostAnswerError("HTTP 200 without JSON") from None
        raise unavailable(f"HTTP {status} without JSON") from None


def _reply(answer: Any) -> Reply:
    """The reply in one answer object. Raises CommandError, or StoreUnavailable if it is not Upstash's."""
    if isinstance(answer, dict) and isinstance(answer.get("error"), str):
        raise CommandError(answer["error"])
    if not isinstance(answer, dict) or "result" not in answer:
        raise unavailable("the answer is not Upstash's")
    try:
        return _decoded(answer["result"])
    except ValueError:
        raise unavailable("the answer is not base64") from None


def _decoded(value: Any) -> Reply:
    """Undo base64 at any depth. Upstash leaves the simple string OK as it is."""
    if isinstance(value, list):
        return [_decoded(item) for item in value]
    if isinstance(value, str) and value != "OK":
        return base64.b64decode(value, validate=True).decode()
    if value is None or isinstance(value, str | int):
        return value
    raise ValueError
