"""Requests that are signed where others carry a key: AWS's, by whoever the environment says that the process is."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote

from gateway_core.adapters.aws import Account, AwsError
from gateway_core.adapters.aws.signature import Credentials, Scope, signed
from gateway_core.adapters.upstream.network import Incoming, Network
from gateway_core.domain.provider_errors import BadCredentials
from gateway_core.http1 import Request

_KEYS = frozenset({"authorization", "x-api-key"})
_SIGNED = frozenset({"content-type"})
"""Beside `host` and what signs: proxies may change other headers on the way."""


class AwsSigning:
    """Signs as the account of the environment: a function's role, or whatever else AWS's SDKs would find."""

    def __init__(self, account: Account) -> None:
        self._account = account

    async def signed(self, network: Network, service: str, region: str, now_ms: Callable[[], int], /) -> Network:
        """See `Signing`; the credentials are those of now."""
        # In a thread: where the environment does not say, it takes AWS's SDK and maybe a call.
        try:
            credentials = await asyncio.to_thread(self._account.credentials)
        except AwsError as error:
            raise BadCredentials("The gateway finds no AWS credentials.", detail=error.code) from None
        return SignedNetwork(network, Scope(region, service), credentials, now_ms)


@dataclass(frozen=True, slots=True)
class SignedNetwork:
    """A `Network` that signs what it sends, and sends no other key along."""

    network: Network
    scope: Scope
    credentials: Credentials
    now_ms: Callable[[], int]

    async def send(self, request: Request, sending: Callable[[], None], /) -> Incoming:
        """As `Network.send`."""
        return await self.network.send(self._signed(request), sending)

    async def close(self) -> None:
        await self.network.close()

    def _signed(self, request: Request) -> Request:
        path, _, query = request.url.target.partition("?")
        kept = {name: value for name, value in request.headers.items() if name not in _KEYS}
        told = {name: " ".join(value.split()) for name, value in kept.items() if name in _SIGNED}
        signing = signed(
            quote(path, safe="/~"),  # once more than it is sent, as all services but S3 want it
            {**told, "host": request.url.origin.authority},
            request.content,
            self.scope,
            self.credentials,
            datetime.fromtimestamp(self.now_ms() / 1000, UTC),
            method=request.method,
            query=query,
        )
        del signing["host"]
        return Request(request.method, request.url, {**kept, **signing}, request.content)
