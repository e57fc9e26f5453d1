"""The `ModelProvider` over HTTP: every attempt by one of the engines, its own or LiteLLM."""

from __future__ import annotations

import asyncio
import copy
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import replace
from functools import partial
from typing import Protocol, Self

from gateway_core.adapters.tokens import PromptCounter
from gateway_core.adapters.upstream.attempts import Attempts, Line, OpenLine
from gateway_core.adapters.upstream.embeddings import check_servable, private_texts, request_embeddings, vectors_of
from gateway_core.adapters.upstream.rates import view_of
from gateway_core.adapters.upstream.streams import Opened
from gateway_core.domain.answer import Chunk, ProviderAnswer, TokenCount, ToolCallDelta, Usage
from gateway_core.domain.chat import Deployment, Json, ProviderCall
from gateway_core.domain.credentials import Credential
from gateway_core.domain.embedding import EmbedCall, Embeddings
from gateway_core.routing.estimate import estimated_usage
from gateway_core.wires.codecs import codec_of, unsaid_to
from gateway_core.wires.table import wire_of


class TranslationEngine(Protocol):
    """Puts a call into its provider's words, sends it over the attempt's line, and reads what comes back.

    Both raise anything; the attempt judges it by what the line has seen.
    """

    async def complete(self, call: ProviderCall, line: Line) -> ProviderAnswer:
        """A whole answer."""
        ...

    async def open(self, call: ProviderCall, line: Line) -> Opened:
        """A stream, once the answer has begun."""
        ...


class PreparingEngine(TranslationEngine, Protocol):
    """One whose translation needs nothing of the attempt."""

    def prepare(self, call: ProviderCall, *, streams: bool) -> ProviderCall:
        """The call with its translation."""
        ...


class LazyEngine:
    """An engine that is loaded once, when it is needed first, in a thread of its own.

    Not in one of the event loop's: all who wait for it would take those away from who looks up a name or counts tokens.
    """

    def __init__(self, load: Callable[[], TranslationEngine]) -> None:
        self._load = load
        self._lock = threading.Lock()
        self._loading: Future[TranslationEngine] | None = None

    def loaded(self) -> TranslationEngine:
        """The engine; takes as long as loading does. Raises what that raises."""
        return self._begun().result()

    @property
    def is_there(self) -> bool:
        """Whether it was loaded."""
        return bool(self._loading and self._loading.done() and not self._loading.exception())

    async def get(self) -> TranslationEngine:
        """The engine, without holding up others meanwhile. Raises the same; who asks next has it tried anew."""
        loading = self._begun()
        return loading.result() if loading.done() else await asyncio.wrap_future(loading)

    def _begun(self) -> Future[TranslationEngine]:
        with self._lock:
            if self._loading is None or (self._loading.done() and not self.is_there):
                self._loading = Future()
                self._loading.set_running_or_notify_cancel()  # whoever gives up waiting for it does not end it
                threading.Thread(target=self._run, args=(self._loading,), name="engine", daemon=True).start()
            return self._loading

    def _run(self, loading: Future[TranslationEngine]) -> None:
        try:
            loading.set_result(self._load())
        except BaseException as error:  # noqa: BLE001 - for those who wait
            loading.set_exception(error)


class UpstreamProvider:
    """Calls a model once, within the call's deadline.

    Args:
        attempts: Makes attempts with the credentials of now.
        native: The engine for deployments that a wire of ours speaks to.
        litellm: The engine for all others.
        counter: Counts tokens without a network.
    """

    def __init__(
        self, attempts: Attempts, native: PreparingEngine, litellm: LazyEngine, counter: PromptCounter | None = None
    ) -> None:
        self._attempts = attempts
        self._native = native
        self._litellm = litellm
        self._counter = counter or PromptCounter()

    async def complete(self, call: ProviderCall) -> ProviderAnswer:
        """One attempt. Raises a ProviderError subclass; see `classify` for which and when."""
        engine = await self._engine(call.deployment)
        answer, seen = await self._attempts.whole(call, call.messages, lambda line: engine.complete(call, line))
        usage = seen.usage
        if usage is None or (answer.says_something and not usage.is_bill):
            counted = await self._estimated(call, answer)
            usage = usage.at_least(counted) if usage else counted
        finish = answer.finish_reason or seen.finish
        dropped = _with_unsaid(answer.dropped_params, call)
        return replace(answer, finish_reason=finish, usage=usage, rates=view_of(seen), dropped_params=dropped)

    def prepare(self, call: ProviderCall, *, streams: bool) -> ProviderCall:
        """Put it into its wire's words, where that is one of ours."""
        if codec_of(call.deployment) is None:
            return call
        return self._native.prepare(call, streams=streams and wire_of(call.deployment).stream is not None)

    def stream(self, call: ProviderCall) -> AsyncGenerator[Chunk]:
        """One attempt, handed on as it comes. Raises the same errors, also after a part of the answer."""
        if wire_of(call.deployment).stream is None:
            return self._in_one_piece(call)
        return self._attempts.streamed(call, partial(self._ready, call))

    async def _in_one_piece(self, call: ProviderCall) -> AsyncGenerator[Chunk]:
        yield _whole_chunk(await self.complete(replace(call, timeout_s=call.first_within_s)))

    async def _ready(self, call: ProviderCall) -> OpenLine:
        engine = await self._engine(call.deployment)

        async def open_(line: Line) -> Opened:
            opened = await engine.open(call, line)
            return replace(opened, dropped=_with_unsaid(opened.dropped, call))

        return open_

    async def embed(self, call: EmbedCall) -> Embeddings:
        """One attempt, on the same terms. Raises ProviderRejected for what only OpenAI's wire can embed."""
        check_servable(call)

        async def send(line: Line) -> tuple[tuple[float, ...], ...]:
            await request_embeddings(call, line)
            return vectors_of(line.seen.json, call)

        vectors, seen = await self._attempts.whole(call, private_texts(call), send)
        return Embeddings(vectors, seen.usage or Usage(), view_of(seen))

    def count_tokens(self, deployment: Deployment, messages: Sequence[Json], params: Json) -> TokenCount:
        """Count here, without a network; may be called from any thread. See `PromptCounter.count`."""
        return self._counter.count(deployment, messages, params)

    def with_credentials(self, credentials: Mapping[str, Credential]) -> Self:
        """The same provider with other keys; both share engines and connections, and go on working."""
        other = copy.copy(self)
        other._attempts = replace(self._attempts, credentials=dict(credentials))  # noqa: SLF001 - its own
        return other

    def loading(self, deployment: Deployment) -> Awaitable[object] | None:
        """LiteLLM, until it is there, for those whose chats no wire of ours speaks."""
        if deployment.mode == "embedding" or codec_of(deployment) or self._litellm.is_there:
            return None
        return self._litellm.get()

    def load_litellm(self) -> None:
        """Load LiteLLM now (seconds of CPU), so that no request has to wait for it."""
        self._litellm.loaded()

    def forget_connections(self) -> None:
        """For a process that was restored from a snapshot: its connections belong to another machine."""
        self._attempts.connections.forget()

    async def close(self) -> None:
        """Close the connections of the running event loop."""
        await self._attempts.connections.close()

    async def _engine(self, deployment: Deployment) -> TranslationEngine:
        """Loaded already, but where `loading` failed."""
        return self._native if codec_of(deployment) else await self._litellm.get()

    async def _estimated(self, call: ProviderCall, answer: ProviderAnswer) -> Usage:
        """What an answer without usage cost, as counted here: what was sent, and what it says."""
        # In a thread: a long prompt takes the tokeniser a while.
        counted = await asyncio.to_thread(estimated_usage, self.count_tokens, call, answer.everything)
        return counted.with_sound(answer.sound_tokens)


def _with_unsaid(dropped: tuple[str, ...], call: ProviderCall) -> tuple[str, ...]:
    """What an engine left out, and what its deployment's wire had no word for to begin with."""
    unsaid = unsaid_to(call)
    return tuple(sorted({*dropped, *unsaid})) if unsaid else dropped


def _whole_chunk(answer: ProviderAnswer) -> Chunk:
    """A whole answer as the only piece of a stream."""
    calls = (
        ToolCallDelta(index, call.id, call.name, call.arguments, call.custom)
        for index, call in enumerate(answer.tool_calls)
    )
    return Chunk(
        text=answer.content,
        tool_calls=tuple(calls),
        reasoning=answer.reasoning,
        finish_reason=answer.finish_reason,
        usage=answer.usage,
        dropped_params=answer.dropped_params,
        rates=answer.rates,
        refusal=answer.refusal,
    )
