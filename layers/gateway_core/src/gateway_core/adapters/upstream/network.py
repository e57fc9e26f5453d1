"""What attempts are sent over: connections of our own (`gateway_core.http1`), or in tests whatever does the same."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Protocol

from gateway_core.http1 import ConnectError, Request


class RefusedAddressError(ConnectError):
    """A name leads to an address that a caller may not reach; nothing was connected to."""


class Incoming(Protocol):
    """An answer whose body is still to be read."""

    @property
    def status(self) -> int: ...

    @property
    def headers(self) -> Mapping[str, str]:
        """Names in lower case."""
        ...

    async def read(self) -> bytes:
        """What has come since, as soon as there is any; nothing at the end. Raises HttpError."""
        ...

    def close(self) -> None:
        """Let the connection go, cut off unless all has been read. Twice is as good as once."""
        ...


class Network(Protocol):
    """Sends each request once, and gives what comes back as it is."""

    async def send(self, request: Request, sending: Callable[[], None], /) -> Incoming:
        """Send; `sending` is called when the first byte may leave. Raises HttpError."""
        ...

    async def close(self) -> None:
        """Close the connections."""
        ...


class Signing(Protocol):
    """Signs requests where others carry a key."""

    async def signed(self, network: Network, service: str, region: str, now_ms: Callable[[], int], /) -> Network:
        """`network`, signing what it sends for this service and region. Raises BadCredentials."""
        ...


type OpenSigning = Callable[[], Signing]
"""Gives the same one each time; it is made when somebody needs it first."""


def signing_of(environ: Mapping[str, str]) -> OpenSigning:
    """Signs as the account of this environment."""

    @cache
    def opened() -> Signing:
        # Here, not above: most processes sign nothing.
        from gateway_core.adapters.aws import Account  # noqa: PLC0415
        from gateway_core.adapters.upstream.signing import AwsSigning  # noqa: PLC0415

        return AwsSigning(Account(environ))

    return opened
