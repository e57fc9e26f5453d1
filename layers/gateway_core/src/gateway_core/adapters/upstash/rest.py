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
from typing import Any, override

import httpx

from gateway_core.adapters.quiet import silence_http
from gateway_core.adapters.upstash.client import Client, CommandError, Reply, unavailable

_TRIES = 2


@dataclass(frozen=True, slots=True)
class Deadlines:
    """Seconds to connect and to wait for bytes. A try takes at most their sum; one that took it is the last."""

    connect_s: float = 0.25
    read_s: float = 0.75


class _LostAnswerError(Exception):
    """No usable answer: whether the command ran is unknown. The text holds no secret."""


class _LateAnswerError(_LostAnswerError):
    """No answer in time."""


class RestClient(Client):
    """Keeps connections, for one event loop at a time: a new loop gets new ones.

    An answer that got lost, but not one that is late, is asked for once more, at once.
    """

    def __init__(self, url: str, token: str, deadlines: Deadlines | None = None) -> None:
        super().__init__(token)
        self._url = url.rstrip("/")
        self._headers = {"Authorization": f"Bearer {token}", "Upstash-Encoding": "base64"}
        self._deadlines = deadlines or Deadlines()
        self._tls: ssl.SSLContext | None = None
        self._http: httpx.AsyncClient | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    @override
    async def pipeline(self, commands: Sequence[Sequence[str | int]]) -> list[Reply]:
        """As in `Client`, in one trip."""
        try:
            answers = await self._post("/pipeline", commands)
            if not isinstance(answers, list):
                _reply(answers)
            if len(answers) != len(commands):
                raise unavailable("the pipeline's answer is incomplete")
            return [_reply(answer) for answer in answers]
        except CommandError as error:
            raise self._refused(error) from None

    def forget(self) -> None:
        """Drop the connections unclosed: after a SnapStart restore they belong to another machine."""
        self._http = None

    @override
    async def close(self) -> None:
        """Close the connections; a later call opens new ones."""
        http, self._http = self._http, None
        if http and self._loop is asyncio.get_running_loop():
            await http.aclose()

    @override
    async def _execute(self, command: Sequence[str | int]) -> Reply:
        return _reply(await self._post("", command))

    async def _post(self, path: str, body: Any) -> Any:
        """The decoded answer; a lost one is asked for once more, unless it used the time up."""
        lost = ""
        for _ in range(_TRIES):
            try:
                return await self._try(path, body)
            except _LateAnswerError as error:
                raise unavailable(str(error)) from None
            except _LostAnswerError as error:
                lost = str(error)
        raise unavailable(lost)

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
        silence_http()
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
