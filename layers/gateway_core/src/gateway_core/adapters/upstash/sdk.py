"""Keys, budgets and holds through Upstash's own SDK, for the command line: it asks again where a person waits.

Why requests go another way, and what is done here about the SDK: docs/decisions/0013. Not in the Lambda layer: it needs
the extra `gateway-core[cli]`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from typing import override

import httpx
from upstash_redis.asyncio import Redis
from upstash_redis.errors import UpstashError

from gateway_core.adapters.upstash.books import UpstashBooks
from gateway_core.adapters.upstash.client import Client, CommandError, Reply, unavailable
from gateway_core.adapters.upstash.holds import UpstashHolds
from gateway_core.adapters.upstash.keys import UpstashKeys
from gateway_core.adapters.upstash.scripts import load_scripts
from gateway_core.domain.errors import ConfigError

_RETRIES = 2
_SYNC = "upstash-sync-token"
"""The one header of an answer that the SDK reads: with it the next command sees what this one wrote."""
_UNUSABLE = (
    "The environment names a proxy or certificates that cannot be used ({}). "
    "Unset HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and SSL_CERT_FILE for this command, or correct them."
)
_FOREIGN = (AssertionError, AttributeError, LookupError, TypeError, ValueError)
"""What the SDK trips over where an answer has another form than Upstash's: HTML, `null`."""


class SdkClient(Client):
    """Sends commands through the SDK, in one event loop.

    Each trip takes `timeout_s` at most, retries and pauses included. What gets no answer in JSON is sent twice more,
    after a pause each. Raises ConfigError for what the SDK cannot abide in the environment.
    """

    def __init__(self, url: str, token: str, timeout_s: float, pause_s: float = 0.5) -> None:
        super().__init__(token)
        self._timeout_s = timeout_s
        self._redis = _open(url, token, timeout_s, pause_s)

    @override
    async def pipeline(self, commands: Sequence[Sequence[str | int]]) -> list[Reply]:
        """As in `Client`, in one trip."""
        try:
            return await self._usable(self._together(commands)) if commands else []
        except CommandError as error:
            raise self._refused(error) from None

    @override
    async def close(self) -> None:
        await self._redis.close()

    @override
    async def _execute(self, command: Sequence[str | int]) -> Reply:
        return await self._usable(self._alone(command))

    async def _alone(self, command: Sequence[str | int]) -> Reply:
        return _flat(await self._redis.execute(list(command)))

    async def _together(self, commands: Sequence[Sequence[str | int]]) -> list[Reply]:
        pipeline = self._redis.pipeline()
        for command in commands:
            pipeline.execute(list(command))
        answers = await pipeline.exec()
        if len(answers) != len(commands):
            raise ValueError
        return [_flat(answer) for answer in answers]

    async def _usable[T](self, answer: Awaitable[T]) -> T:
        try:
            async with asyncio.timeout(self._timeout_s):
                return await answer
        except UpstashError as error:
            raise CommandError(str(error)) from None
        except (httpx.HTTPError, OSError) as error:  # TimeoutError is one
            raise unavailable(type(error).__name__) from None
        except _FOREIGN:
            raise unavailable("the answer is not Upstash's") from None


class SdkKeyStore(UpstashKeys, UpstashHolds, UpstashBooks):
    """Implements the port `OperatorStore` over the REST API at `url`. Opens no connection before its first call."""

    def __init__(self, url: str, token: str, *, timeout_s: float) -> None:
        super().__init__(SdkClient(url, token, timeout_s), load_scripts())

    async def close(self) -> None:
        await self._client.close()


def _open(url: str, token: str, timeout_s: float, pause_s: float) -> Redis:
    try:
        # No encoding: the SDK takes for base64 whatever comes, and what is stored is text.
        redis = Redis(
            url,
            token,
            rest_encoding=None,
            rest_retries=_RETRIES,
            rest_retry_interval=pause_s,
            allow_telemetry=False,
        )
        # Its own would hand the token to a proxy that the environment names.
        redis._http._client = _connections(timeout_s)  # noqa: SLF001 - there is no other way to it; a test holds the seam
    except (ImportError, OSError, ValueError, httpx.InvalidURL) as error:
        raise ConfigError(_UNUSABLE.format(type(error).__name__)) from None
    return redis


def _connections(timeout_s: float) -> httpx.AsyncClient:
    # Cancelled in a handshake, httpx leaves the socket open: every try to connect is to end before our deadline.
    connect_s = timeout_s / (_RETRIES + 2)
    transport = _Listed(verify=httpx.create_ssl_context(), trust_env=False)
    return httpx.AsyncClient(timeout=httpx.Timeout(None, connect=connect_s), trust_env=False, transport=transport)


class _Listed(httpx.AsyncHTTPTransport):
    """Makes the one answer that a refused pipeline gets the first of a list: the SDK stumbles over any other."""

    @override
    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await super().handle_async_request(request)
        if not request.url.path.endswith("/pipeline"):
            return response
        content = await response.aread()
        listed = b"[%s]" % content if content.lstrip().startswith(b"{") else content
        kept = {_SYNC: response.headers[_SYNC]} if _SYNC in response.headers else None
        return httpx.Response(response.status_code, headers=kept, content=listed)


def _flat(answer: object) -> Reply:
    """The SDK makes mappings of hashes, numbers of cursors and truth of 1; on the wire are flat lists and texts."""
    if isinstance(answer, bool):
        return int(answer)
    if isinstance(answer, dict):
        return [part for pair in answer.items() for part in pair]
    if isinstance(answer, tuple):
        cursor, found = answer
        return [str(cursor), _flat(found)]
    if answer is None or isinstance(answer, str | int | list):
        return answer
    raise TypeError
