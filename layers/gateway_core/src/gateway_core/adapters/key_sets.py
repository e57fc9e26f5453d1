"""Key sets of issuers, over HTTP: one GET to the configured URL and nowhere else."""

from __future__ import annotations

import asyncio
from http import HTTPStatus

from gateway_core.domain.errors import IssuerUnavailable
from gateway_core.http1 import HttpError, LazyTls, Limits, Pool, Request, UnwantedAnswer, Url
from gateway_core.http1.whole import whole_body

DEADLINE_S = 5.0
"""A client that waits to be let in is not to give up first."""
MOST_BYTES = 256 * 1024
_RETRY_S = 5.0
_ONCE = Limits(keep=0, connect_s=3.0)
_HEADERS = {"accept": "application/json", "accept-encoding": "identity", "user-agent": "llm-gateway"}


class HttpKeySetSource:
    """Implements the port `KeySetSource`. Each call has its own connection, so that nothing outlives an event loop.

    Redirects are not followed: whoever can answer there could have anything fetched from where the gateway is.
    """

    def __init__(self, deadline_s: float = DEADLINE_S) -> None:
        self._tls = LazyTls()
        self._deadline_s = deadline_s

    async def fetch(self, url: str) -> bytes:
        try:
            async with asyncio.timeout(self._deadline_s):
                return await self._get(url)
        except UnwantedAnswer as error:
            raise _unavailable(str(error)) from None
        except (HttpError, TimeoutError, OSError, ValueError) as error:
            raise _unavailable(type(error).__name__) from None

    async def _get(self, url: str) -> bytes:
        response = await Pool(_ONCE, self._tls).send(Request("GET", Url.parse(url), _HEADERS))
        try:
            if response.status != HTTPStatus.OK:
                raise _unavailable(f"HTTP {response.status}")
            return await whole_body(response, MOST_BYTES)
        finally:
            response.close()


def _unavailable(why: str) -> IssuerUnavailable:
    return IssuerUnavailable.of(why, _RETRY_S)
