"""The `ModelProvider` that calls models through LiteLLM."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import Any, Self, cast

import httpx

from gateway_core.adapters.litellm.about import About
from gateway_core.adapters.litellm.answer import answer_of, whole_chunk
from gateway_core.adapters.litellm.chat import chat, open_chat
from gateway_core.adapters.litellm.chunks import Translator
from gateway_core.adapters.litellm.classify import classify
from gateway_core.adapters.litellm.embeddings import check_servable, private_texts, request_embeddings, vectors_of
from gateway_core.adapters.litellm.exchange import ProviderExchange, origin_of
from gateway_core.adapters.litellm.guarded import GuardedTransport, LookUp, addresses_of, unshared_connections
from gateway_core.adapters.litellm.history import history_of
from gateway_core.adapters.litellm.library import lending, load
from gateway_core.adapters.litellm.params import ParamFitter
from gateway_core.adapters.litellm.rates import view_of
from gateway_core.adapters.litellm.responses import open_response, respond
from gateway_core.adapters.litellm.streams import Flow
from gateway_core.adapters.litellm.transport import OnceTransport, connection_pool
from gateway_core.adapters.tokens import PromptCounter
from gateway_core.domain.chat import Chunk, Deployment, Json, ProviderAnswer, ProviderCall, Reach, TokenCount, Usage
from gateway_core.domain.credentials import Credential, Secret
from gateway_core.domain.embedding import EmbedCall, Embeddings
from gateway_core.domain.errors import BadCredentials, ProviderError
from gateway_core.ports import Clock
from gateway_core.wires.table import traits_of, wire_of

MAX_RESPONSE_BYTES = 40 * 1024 * 1024
"""The longest answer there is: 2048 vectors of 3072 numbers, 32 MiB in base64 and a little around them."""
_NO_KEY = Secret("none")
"""Sent to a base URL that no key belongs to; without one, LiteLLM would take a key from the environment."""


class LiteLLMProvider:
    """Calls a model once, within the call's deadline. Loads LiteLLM when it is made (seconds of CPU).

    Args:
        credentials: By provider name. A key goes to the host of its own `api_base` only.
        clock: For `Retry-After` dates, and for when limits reset.
        max_response_bytes: Longest answer that is read; a longer one is an error.
        connect: Makes the connections of one event loop.
        look_up: Finds the addresses of hosts that callers name.
    """

    def __init__(
        self,
        credentials: Mapping[str, Credential],
        clock: Clock,
        *,
        max_response_bytes: int = MAX_RESPONSE_BYTES,
        connect: Callable[[], httpx.AsyncBaseTransport] = connection_pool,
        look_up: LookUp = addresses_of,
    ) -> None:
        self._library = load()
        self._fitter = ParamFitter(self._library.litellm)
        self._counter = PromptCounter()
        self._credentials = dict(credentials)
        self._clock = clock
        self._max_bytes = max_response_bytes
        self._connect = connect
        self._look_up = look_up
        self._pools: dict[asyncio.AbstractEventLoop, dict[Reach, httpx.AsyncBaseTransport]] = {}

    async def complete(self, call: ProviderCall) -> ProviderAnswer:
        """One attempt. Raises a ProviderError subclass; see `classify` for which and when."""
        return await self._attempt(call, call.messages, lambda key, seen: self._complete(call, key, seen))

    async def stream(self, call: ProviderCall) -> AsyncGenerator[Chunk, None]:
        """One attempt, handed on as it comes. Raises the same errors, also after a part of the answer."""
        if wire_of(call.deployment).stream is None:
            yield whole_chunk(await self.complete(replace(call, timeout_s=call.first_within_s)))
            return
        about, seen = self._about(call, call.messages), self._exchange(call)
        transport = OnceTransport(self._pool(call.deployment), seen)
        times = {"timeout_s": call.timeout_s, "first_within_s": call.first_within_s}
        flow = Flow(seen, transport, lambda: self._open(call, about.secret.reveal(), transport), **times)
        try:
            while chunk := await flow.next():
                yield chunk
            if error := _failure(seen, flow.cause, about):
                raise error
            yield flow.last()
        finally:
            await transport.release()

    async def embed(self, call: EmbedCall) -> Embeddings:
        """One attempt, on the same terms. Raises ProviderRejected for what only OpenAI's wire can embed."""
        check_servable(call)
        return await self._attempt(call, private_texts(call), lambda key, seen: self._embed(call, key, seen))

    def count_tokens(self, deployment: Deployment, messages: Sequence[Json], params: Json) -> TokenCount:
        """Count here, without a network; may be called from any thread. See `PromptCounter.count`."""
        return self._counter.count(deployment, messages, params)

    def with_credentials(self, credentials: Mapping[str, Credential]) -> Self:
        """The same provider with other keys; both share LiteLLM and the connections, and go on working."""
        other = copy.copy(self)
        other._credentials = dict(credentials)  # noqa: SLF001 - its own
        return other

    def forget_connections(self) -> None:
        """For a process that was restored from a snapshot: its connections belong to another machine."""
        self._pools.clear()

    async def close(self) -> None:
        """Close the connections of the running event loop."""
        for pool in self._pools.pop(asyncio.get_running_loop(), {}).values():
            await pool.aclose()

    async def _attempt[A](
        self,
        call: ProviderCall | EmbedCall,
        private: tuple[Json, ...],
        send: Callable[[str, ProviderExchange], Awaitable[A]],
    ) -> A:
        about, seen = self._about(call, private), self._exchange(call)
        answer, cause = await _within(call.timeout_s, send(about.secret.reveal(), seen), seen)
        # Raised out here, where no exception is being handled: LiteLLM's holds the prompt and must not be its context.
        if error := _failure(seen, cause, about):
            raise error
        return cast("A", answer)

    def _about(self, call: ProviderCall | EmbedCall, private: tuple[Json, ...]) -> About:
        return About(call.deployment, self._clock.now_ms(), self._secret(call.deployment), private)

    def _exchange(self, call: ProviderCall | EmbedCall) -> ProviderExchange:
        origin = origin_of(call.deployment.api_base)
        return ProviderExchange(wire_of(call.deployment), origin, self._max_bytes, now_ms=self._clock.now_ms)

    async def _complete(self, call: ProviderCall, key: str, seen: ProviderExchange) -> ProviderAnswer:
        params, dropped = self._fitter.fit(call)
        messages = history_of(call)
        transport = OnceTransport(self._pool(call.deployment), seen)
        client = self._client(call.deployment, key, transport)
        send = respond if call.deployment.mode == "responses" else chat
        with _lending(call.deployment, transport):
            response = await send(self._library, call, messages=messages, params=params, api_key=key, client=client)
        return answer_of(response, seen, dropped)

    async def _open(self, call: ProviderCall, key: str, transport: OnceTransport) -> tuple[Translator, tuple[str, ...]]:
        params, dropped = self._fitter.fit(call)
        messages = history_of(call)
        client = self._client(call.deployment, key, transport)
        send = open_response if call.deployment.mode == "responses" else open_chat
        with _lending(call.deployment, transport):
            parser = await send(self._library, call, messages=messages, params=params, api_key=key, client=client)
        return Translator(call.deployment, parser), dropped

    async def _embed(self, call: EmbedCall, key: str, seen: ProviderExchange) -> Embeddings:
        transport = OnceTransport(self._pool(call.deployment), seen)
        await request_embeddings(call, self._client(call.deployment, key, transport))
        body = seen.json
        return Embeddings(vectors_of(body, call), seen.wire.usage_of(body) or Usage(), view_of(seen))

    def _client(self, deployment: Deployment, key: str, transport: OnceTransport) -> Any:
        """What each path of LiteLLM takes as its `client`: a handler of its own, or the OpenAI SDK's."""
        if traits_of(deployment.provider).litellm.by_openai_sdk and deployment.mode != "responses":
            http = httpx.AsyncClient(transport=transport, follow_redirects=False, trust_env=False)
            return self._library.openai.AsyncOpenAI(
                api_key=key, base_url=deployment.api_base, max_retries=0, http_client=http
            )
        return self._library.http_handler(transport=transport, follow_redirects=False)

    def _secret(self, deployment: Deployment) -> Secret:
        if deployment.is_callers:
            return _NO_KEY
        credential = self._credentials.get(deployment.provider)
        if credential and origin_of(credential.api_base) == origin_of(deployment.api_base):
            return credential.secret
        if credential:
            return _NO_KEY
        raise BadCredentials(f"The gateway has no credentials for the provider {deployment.provider}.")

    def _pool(self, deployment: Deployment) -> httpx.AsyncBaseTransport:
        """Connections belong to the event loop that opened them; a process may see several, one after the other."""
        loop = asyncio.get_running_loop()
        if loop not in self._pools:
            # In place: who has other credentials shares them.
            for closed in [known for known in self._pools if known.is_closed()]:
                del self._pools[closed]
            self._pools[loop] = {}
        pools, reach = self._pools[loop], deployment.reach
        if reach not in pools:
            pools[reach] = self._connect() if reach == "any" else self._guarded(reach)
        return pools[reach]

    def _guarded(self, reach: Reach) -> httpx.AsyncBaseTransport:
        return GuardedTransport(unshared_connections(), allow_private=reach == "private", look_up=self._look_up)


def _failure(seen: ProviderExchange, cause: Exception | None, about: About) -> ProviderError | None:
    """The error that an attempt ended in, with what its answer says of the provider's limits."""
    error = classify(seen, cause, about)
    if error:
        error.rates = view_of(seen)
    return error


def _lending(deployment: Deployment, transport: OnceTransport) -> AbstractContextManager[None]:
    """Only for those who leave no other way: what LiteLLM fetches besides the call must find no client at all."""
    return nullcontext() if traits_of(deployment.provider).litellm.takes_client else lending(transport)


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
