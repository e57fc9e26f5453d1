"""One attempt from its start to its verdict, whichever engine translates: deadline, exchange, and what it ended in."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import cast

from gateway_core.adapters.upstream.about import About
from gateway_core.adapters.upstream.classify import classify
from gateway_core.adapters.upstream.connections import Connections
from gateway_core.adapters.upstream.exchange import ProviderExchange, origin_of
from gateway_core.adapters.upstream.network import Network, OpenSigning
from gateway_core.adapters.upstream.rates import view_of
from gateway_core.adapters.upstream.streams import Flow, Opened
from gateway_core.adapters.upstream.transport import OnceTransport
from gateway_core.domain.answer import Chunk
from gateway_core.domain.chat import Deployment, Json, ProviderCall
from gateway_core.domain.credentials import Credential, Secret
from gateway_core.domain.embedding import EmbedCall
from gateway_core.domain.provider_errors import BadCredentials, ProviderError
from gateway_core.ports import Clock
from gateway_core.wires.table import traits_of, wire_of

MAX_RESPONSE_BYTES = 40 * 1024 * 1024
"""The longest answer there is: 2048 vectors of 3072 numbers, 32 MiB in base64 and a little around them."""
NO_KEY = Secret("none")
"""Stands for the key at a base URL that none belongs to; without, LiteLLM would take one from the environment."""


@dataclass(frozen=True, slots=True)
class Line:
    """What an engine works with in one attempt: the key, and the transport with the exchange that it fills."""

    key: Secret
    transport: OnceTransport
    seen: ProviderExchange


type OpenLine = Callable[[Line], Awaitable[Opened]]
"""Sends the request of a stream over an attempt's line."""


@dataclass(frozen=True, slots=True)
class Attempts:
    """Makes attempts with the credentials of now. A key goes to the host of its own `api_base` only.

    credentials: By provider name.
    clock: For `Retry-After` dates, and for when limits reset.
    max_response_bytes: Longest answer that is read; a longer one is an error.
    signing: Who signs where requests carry no key; nobody does without.
    """

    credentials: Mapping[str, Credential]
    clock: Clock
    connections: Connections
    max_response_bytes: int = MAX_RESPONSE_BYTES
    signing: OpenSigning | None = None

    async def whole[A](
        self, call: ProviderCall | EmbedCall, private: tuple[Json, ...], send: Callable[[Line], Awaitable[A]]
    ) -> tuple[A, ProviderExchange]:
        """What `send` makes of a whole answer, and what was seen of it.

        Raises a ProviderError subclass; see `classify` for which and when. No error repeats what `private` holds.
        """
        line = await self._line(call)
        about = self._about(call, line.key, private)
        try:
            answer, cause = await _within(call.timeout_s, send(line), line.seen)
        finally:
            await line.transport.release()
        # Raised out here, where no exception is handled: an engine's holds the prompt, and must not be its context.
        if error := _failure(line.seen, cause, about, spoke=bool(getattr(answer, "says_something", False))):
            raise error
        return cast("A", answer), line.seen

    async def streamed(self, call: ProviderCall, ready: Callable[[], Awaitable[OpenLine]]) -> AsyncGenerator[Chunk]:
        """An answer as it comes, from what `ready` gives before the attempt's time begins.

        Raises the same errors, also after a part of it.
        """
        open_ = await ready()
        line = await self._line(call)
        about = self._about(call, line.key, call.messages)
        times = {"timeout_s": call.timeout_s, "first_within_s": call.first_within_s}
        flow = Flow(line.seen, line.transport, lambda: open_(line), **times)
        try:
            while chunk := await flow.next():
                yield chunk
            if error := _failure(line.seen, flow.cause, about, spoke=flow.has_begun):
                raise error
            yield flow.last()
        finally:
            flow.close()
            await line.transport.release()

    async def _line(self, call: ProviderCall | EmbedCall) -> Line:
        deployment = call.deployment
        key = self._key(deployment)
        network = await self._network(deployment)
        seen = ProviderExchange(
            wire_of(deployment), origin_of(deployment.api_base), self.max_response_bytes, now_ms=self.clock.now_ms
        )
        return Line(key, OnceTransport(network, seen), seen)

    def _about(self, call: ProviderCall | EmbedCall, key: Secret, private: tuple[Json, ...]) -> About:
        return About(call.deployment, self.clock.now_ms(), key, private)

    async def _network(self, deployment: Deployment) -> Network:
        """One that signs, where the provider's credential is a signature. Raises BadCredentials."""
        network = self.connections.network(deployment.reach)
        credential = self.credentials.get(deployment.provider)
        if deployment.is_callers or not (credential and credential.region and self.signing):
            return network
        if origin_of(credential.api_base) != origin_of(deployment.api_base):
            return network
        service = traits_of(deployment.provider).signs_for
        return await self.signing().signed(network, service, credential.region, self.clock.now_ms)

    def _key(self, deployment: Deployment) -> Secret:
        if deployment.is_callers:
            return NO_KEY
        credential = self.credentials.get(deployment.provider)
        if credential and origin_of(credential.api_base) == origin_of(deployment.api_base):
            return credential.secret
        if credential:
            return NO_KEY
        raise BadCredentials(f"The gateway has no credentials for the provider {deployment.provider}.")


def _failure(seen: ProviderExchange, cause: Exception | None, about: About, *, spoke: bool) -> ProviderError | None:
    """The error that an attempt ended in, with what its answer says of the provider's limits."""
    error = classify(seen, cause, about, spoke=spoke)
    if error:
        error.rates = view_of(seen)
    return error


async def _within[A](
    timeout_s: float, answer: Awaitable[A], seen: ProviderExchange
) -> tuple[A | None, Exception | None]:
    deadline = asyncio.timeout(timeout_s)
    try:
        async with deadline:
            return await answer, None
    except Exception as cause:  # noqa: BLE001 - LiteLLM raises anything; `classify` judges it
        if deadline.expired():
            seen.fault = "deadline"
        return None, cause
