"""The one way out: sends a request exactly once, to the host its key belongs to, and notes what comes back.

A second request of an attempt is refused, whoever asks for it. Deadlines are the caller's; only connecting has a limit
of its own, in the connections.
"""

from __future__ import annotations

import asyncio
import contextlib

from gateway_core.adapters.upstream.exchange import Fault, ProviderExchange
from gateway_core.adapters.upstream.network import Incoming, Network, RefusedAddressError
from gateway_core.http1 import ConnectError, HttpError, Request

_DRAIN_S = 0.1
"""How long the end of the HTTP body may take once the answer is whole, before the connection is given up."""


class TransportError(Exception):
    """The attempt came to nothing; its exchange says why."""


class OnceTransport:
    """The transport of a single attempt, over connections that it neither owns nor closes."""

    def __init__(self, network: Network, exchange: ProviderExchange) -> None:
        self._network = network
        self._exchange = exchange
        self._answer: Incoming | None = None

    async def send(self, request: Request) -> Incoming:
        """Send; the head of the answer is in. Raises TransportError for whatever goes wrong.

        Of the answer, `status` and `headers` are for all to see; its body is read here, see `read`.
        """
        if not self._exchange.begin(request.url.origin):
            raise self._failure(self._exchange.fault or "second_request")
        try:
            answer = await self._network.send(_plain(request), self._sending)
        except (HttpError, ValueError) as error:
            raise self._failure(self._fault_of(error)) from None
        self._exchange.answered(answer.status, answer.headers)
        if fault := self._refused(answer):
            answer.close()
            raise self._failure(fault)
        self._answer = answer
        return answer

    async def read(self) -> bytes:
        """Take in the next piece of the answer, and show it to the exchange; nothing at its end.

        Raises TransportError.
        """
        if self._answer is None:
            raise TransportError("There is no answer to read.")
        if self._exchange.ended:
            return b""
        try:
            piece = await self._answer.read()
        except HttpError:
            self._exchange.fault = self._exchange.fault or "truncated"
            raise TransportError("The response broke off.") from None
        if not piece:
            self._exchange.end()
        elif not self._exchange.take(piece):
            raise TransportError("The response is longer than allowed.")
        return piece

    async def read_all(self) -> None:
        """Take in the whole answer: it is in the exchange then. Raises TransportError."""
        while await self.read():
            pass

    async def release(self) -> None:
        """Let go of the answer: a whole one leaves its connection to the next call, any other is cut off."""
        try:
            if self._exchange.complete and not self._exchange.ended:
                await self._drain()
        finally:
            if self._answer is not None:
                self._answer.close()

    async def _drain(self) -> None:
        with contextlib.suppress(TransportError, TimeoutError):
            async with asyncio.timeout(_DRAIN_S):
                await self.read_all()

    def _sending(self) -> None:
        self._exchange.sent = True

    def _fault_of(self, error: Exception) -> Fault:
        if isinstance(error, RefusedAddressError):
            return "address"
        never_sent = isinstance(error, ConnectError | ValueError) and not self._exchange.sent
        return "connect" if never_sent else "reset"

    def _refused(self, answer: Incoming) -> Fault | None:
        if 300 <= answer.status < 400:  # noqa: PLR2004 - the class of redirects
            return "redirect"
        if answer.headers.get("content-encoding", "identity").lower() != "identity":
            return "encoded"
        length = answer.headers.get("content-length", "")
        return "too_large" if length.isdecimal() and int(length) > self._exchange.max_bytes else None

    def _failure(self, fault: Fault) -> TransportError:
        self._exchange.fault = fault
        return TransportError(f"The gateway's transport ended the attempt: {fault}.")


def _plain(request: Request) -> Request:
    """Uncompressed, so that the byte limit counts real bytes and the recorder reads what the engine reads."""
    headers = {**request.headers, "accept-encoding": "identity"}
    return Request(request.method, request.url, headers, request.content)
