"""Time, chance, and what is outside: providers, other functions, sources of configuration, the backlog."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol, runtime_checkable

from gateway_core.domain.answer import Chunk, ProviderAnswer, TokenCount
from gateway_core.domain.catalog import Provider
from gateway_core.domain.chat import Deployment, Json, ProviderCall
from gateway_core.domain.credentials import Secret
from gateway_core.domain.embedding import EmbedCall, Embeddings
from gateway_core.domain.errors import LLMError
from gateway_core.invocation import HttpAnswer, HttpRequest, HttpStream
from gateway_core.store.probes import ModelList
from gateway_core.store.records import Unsettled
from gateway_core.store.unsettled import Verdict


class Clock(Protocol):
    """Time as an argument. `now_ms` is wall time since the epoch, `monotonic_s` only ever grows."""

    def now_ms(self) -> int: ...

    def monotonic_s(self) -> float: ...

    async def sleep(self, seconds: float) -> None: ...


class Draw(Protocol):
    """Chance as an argument: a number of [0, 1), each as likely as the other."""

    def __call__(self) -> float: ...


class ChatProvider(Protocol):
    """Calls a model once: one HTTP request at most, no retries, within `call.timeout_s`.

    Raises a `ProviderError` subclass that says whether the attempt may have been billed.
    """

    async def complete(self, call: ProviderCall) -> ProviderAnswer: ...


class StreamingProvider(Protocol):
    """Streams an answer, under the same terms as `ChatProvider`; closing the iterator closes the connection.

    `call.timeout_s` bounds the whole stream, `call.first_s` what comes before its first content. Ends normally only
    after the provider's own terminator; then exactly one chunk, the last, had a finish reason, and the last usage of
    any chunk is the final one. Else it raises a ProviderError whose `usage` is what the provider had reported so far,
    None if nothing.
    """

    def stream(self, call: ProviderCall) -> AsyncIterator[Chunk]: ...


class EmbeddingProvider(Protocol):
    """Embeds once, under the same terms as `ChatProvider`."""

    async def embed(self, call: EmbedCall) -> Embeddings: ...


class TokenCounter(Protocol):
    """Counts what a prompt would cost in tokens, without calling anybody. Estimates may be off; the method says how."""

    def count_tokens(self, deployment: Deployment, messages: Sequence[Json], params: Json) -> TokenCount: ...


class ModelProvider(ChatProvider, StreamingProvider, EmbeddingProvider, TokenCounter, Protocol):
    """All that a provider adapter does."""

    def prepare(self, call: ProviderCall, *, streams: bool) -> ProviderCall:
        """The same call, with all done that can be before it may be sent; it may still get other deadlines.

        Calls nobody. May raise what the call itself would raise.
        """
        ...

    def loading(self, deployment: Deployment) -> Awaitable[object] | None:
        """What has to be loaded before this one is called first, seconds of waiting; None where all is there.

        Raises anything when it cannot be; the call itself then says so.
        """
        ...


class ConfigSource(Protocol):
    """One document of configuration, by what GATEWAY_CONFIG calls it: `name`."""

    @property
    def name(self) -> str: ...

    def read(self) -> str:
        """The document's text as it is now. Blocks for seconds at most; raises ConfigUnavailable."""
        ...


class ModelLister(Protocol):
    """Asks a provider which models it has: free of charge, and proof that it answers and takes our key."""

    async def list_models(self, provider: Provider, key: Secret | None) -> ModelList:
        """One HTTP request, without a deadline of its own. The key goes to the provider's base URL and nowhere else.

        Raises BadCredentials, RateLimitError, ProviderUnavailable for what is no list, ProviderRejected where it
        answers but has no list of models, and ConfigError where nothing runs at an address on this machine.
        """
        ...


class KeySetSource(Protocol):
    """Where an issuer of tokens has its public keys."""

    async def fetch(self, url: str) -> bytes:
        """The JSON Web Key Set there, unread. Raises IssuerUnavailable, after some seconds at the latest."""
        ...


class Invoker(Protocol):
    """Calls another function of the gateway (`complete`, `usage`, ...) over HTTP's terms, once: no retries.

    Both raise DeadlineExceeded after `request.timeout_s`, RateLimited when the function is at its concurrency limit,
    and FunctionUnavailable for everything else that is not an answer. An error status is an answer.
    """

    async def invoke(self, function: str, request: HttpRequest) -> HttpAnswer: ...

    def stream(self, function: str, request: HttpRequest) -> AbstractAsyncContextManager[HttpStream]:
        """The answer while it is made; leaving the block lets go of it."""
        ...


class Backlog(Protocol):
    """Keeps what the store could not be told, until it is settled."""

    async def put(self, unsettled: Unsettled, error: LLMError) -> None:
        """Keep it, beyond the life of this process; `error` is why it was not settled. Raises BacklogUnavailable."""
        ...


type Replay = Callable[[str], Awaitable[Verdict]]
"""Settles what one message of a backlog holds. Never raises."""


class LocalBacklog(Backlog, Protocol):
    """One that is emptied by a process of ours; SQS hands its messages to a Lambda instead."""

    async def drain(self, replay: Replay) -> Counter[Verdict]:
        """Hand each message to `replay` once, up to the first that is `away`, and keep those that wait.

        What another process is about to drain is left to it.
        """
        ...


@runtime_checkable
class Connected(Protocol):
    """What keeps connections."""

    def forget_connections(self) -> None:
        """Drop them unclosed, in a process that was restored from a snapshot: they lead nowhere."""
        ...
