"""The part of Upstash's REST protocol that the store needs, with deadlines.

Protocol: https://upstash.com/docs/redis/features/restapi. Strings travel as base64, so that any byte survives.
"""

from __future__ import annotations

import asyncio
import base64
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import httpx

from gateway_core.adapters.upstash.scripts import Script
from gateway_core.domain.errors import StoreUnavailable

type Reply = str | int | list[Reply] | None

_RETRY_AFTER_S = 5.0
_TRIES = 2
_DETAIL_LENGTH = 160


@dataclass(frozen=True, slots=True)
class Deadlines:
    """Seconds to connect and to wait for bytes. A try takes at most their sum; one that took it is the last."""

    connect_s: float = 0.25
    read_s: float = 0.75


class _CommandError(Exception):
    """Redis answered with an error; the text starts with its code."""


class _LostAnswerError(Exception):
    """No usable answer: whether the command ran is unknown. The text holds no secret."""


class _LateAnswerError(_LostAnswerError):
    """No answer in time."""


class RestClient:
    """Sends commands; keeps connections. One event loop at a time: a new loop gets new connections.

    Every method raises StoreUnavailable when there is no usable answer within the deadline, and when the server
    refuses. An answer that got lost, but not one that is late, is asked for once more, so a command may run twice:
    send only what may.
    """

    def __init__(self, url: str, token: str, deadlines: Deadlines | None = None) -> None:
        self._url = url.rstrip("/")
        self._token = token
        self._headers = {"Authorization": f"Bearer {token}", "Upstash-Encoding": "base64"}
        self._deadlines = deadlines or Deadlines()
        self._tls: ssl.SSLContext | None = None
        self._http: httpx.AsyncClient | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def execute(self, *command: str | int) -> Reply:
        """The reply to one command."""
        try:
            return await self._execute(command)
        except _CommandError as error:
            raise self._refused(error) from None

    async def pipeline(self, commands: Sequence[Sequence[str | int]]) -> list[Reply]:
        """The replies to several commands, sent in one trip, not atomic. One error among them is an error of all."""
        try:
            answers = await self._post("/pipeline", commands)
            if not isinstance(answers, list):
                _reply(answers)
            if len(answers) != len(commands):
                raise _unavailable("the pipeline's answer is incomplete")
            return [_reply(answer) for answer in answers]
        except _CommandError as error:
            raise self._refused(error) from None

    async def run(self, script: Script, keys: Sequence[str], arguments: Sequence[str]) -> Reply:
        """The reply of a script, which the server is sent in full only if it does not know it."""
        tail: tuple[str | int, ...] = (len(keys), *keys, *arguments)
        try:
            return await self._execute(("EVALSHA", script.sha, *tail))
        except _CommandError as error:
            if not str(error).startswith("NOSCRIPT"):
                raise self._refused(error) from None
        # Not SCRIPT LOAD: another replica may serve the EVALSHA that follows it.
        return await self.execute("EVAL", script.text, *tail)

    def forget(self) -> None:
        """Drop the connections unclosed: after a SnapStart restore they belong to another machine."""
        self._http = None

    async def close(self) -> None:
        """Close the connections; a later call opens new ones."""
        http, self._http = self._http, None
        if http and self._loop is asyncio.get_running_loop():
            await http.aclose()

    async def _execute(self, command: Sequence[str | int]) -> Reply:
        return _reply(await self._post("", command))

    def _refused(self, error: _CommandError) -> StoreUnavailable:
        return _unavailable(str(error).replace(self._token, "***")[:_DETAIL_LENGTH])

    async def _post(self, path: str, body: Any) -> Any:
        """The decoded answer; a lost one is asked for once more, unless it used the time up."""
        lost = ""
        for _ in range(_TRIES):
            try:
                return await self._try(path, body)
            except _LateAnswerError as error:
                raise _unavailable(str(error)) from None
            except _LostAnswerError as error:
                lost = str(error)
        raise _unavailable(lost)

    async def _try(self, path: str, body: Any) -> Any:
        try:
            # httpx restarts its read deadline with every byte; this one does not move.
            async with asyncio.timeout(self._deadlines.connect_s + self._deadlines.read_s):
                response = await self._client().post(self._url + path, json=body)
        except (httpx.TimeoutException, TimeoutError) as error:
            raise _LateAnswerError(type(error).__name__) from None
        except (httpx.HTTPError, OSError) as error:
            raise _LostAnswerError(type(error).__name__) from None
        return _json(response)

    def _client(self) -> httpx.AsyncClient:
        loop = asyncio.get_running_loop()
        if self._http is None or self._loop is not loop:
            self._http, self._loop = self._new_client(), loop
        return self._http

    def _new_client(self) -> httpx.AsyncClient:
        if self._tls is None and self._url.startswith("https:"):
            self._tls = httpx.create_ssl_context()
        deadlines = self._deadlines
        return httpx.AsyncClient(
            headers=self._headers,
            timeout=httpx.Timeout(deadlines.read_s, connect=deadlines.connect_s, pool=deadlines.connect_s),
            limits=httpx.Limits(max_connections=64, max_keepalive_connections=64, keepalive_expiry=300),
            verify=self._tls or False,  # False only where there is no TLS: making a context costs 20 ms
            follow_redirects=False,
            trust_env=False,  # neither a proxy nor a .netrc may come between us and the token
        )


def _json(response: httpx.Response) -> Any:
    status = response.status_code
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise _LostAnswerError(f"HTTP {status}")
    try:
        return response.json()
    except ValueError:
        if status == HTTPStatus.OK:
            raise _LostAnswerError("HTTP 200 without JSON") from None
        raise _unavailable(f"HTTP {status} without JSON") from None


def _reply(answer: Any) -> Reply:
    """The reply in one answer object. Raises _CommandError, or StoreUnavailable if it is not Upstash's."""
    if isinstance(answer, dict) and isinstance(answer.get("error"), str):
        raise _CommandError(answer["error"])
    if not isinstance(answer, dict) or "result" not in answer:
        raise _unavailable("the answer is not Upstash's")
    try:
        return _decoded(answer["result"])
    except ValueError:
        raise _unavailable("the answer is not base64") from None


def _decoded(value: Any) -> Reply:
    """Undo base64 at any depth. Upstash leaves the simple string OK as it is."""
    if isinstance(value, list):
        return [_decoded(item) for item in value]
    if isinstance(value, str) and value != "OK":
        return base64.b64decode(value, validate=True).decode()
    if value is None or isinstance(value, str | int):
        return value
    raise ValueError


def _unavailable(why: str) -> StoreUnavailable:
    return StoreUnavailable("The gateway's store does not answer.", detail=why, retry_after_s=_RETRY_AFTER_S)
