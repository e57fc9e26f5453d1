"""A provider without a network: for tests of everything around the call, and for fleets of many processes."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, Callable, Sequence

from gateway_core.domain.answer import Chunk, ProviderAnswer, TokenCount, ToolCallDelta, Usage
from gateway_core.domain.catalog import Provider
from gateway_core.domain.chat import Deployment, Json, ProviderCall
from gateway_core.domain.credentials import Secret
from gateway_core.domain.embedding import EmbedCall, Embeddings
from gateway_core.store.probes import ModelList

type Behave = Callable[[ProviderCall], ProviderAnswer]


def echo(call: ProviderCall) -> ProviderAnswer:
    """Say the last message back; a token for each word."""
    text = str(call.messages[-1].get("content"))
    words = len(text.split())
    return ProviderAnswer(content=text, tool_calls=(), finish_reason="stop", usage=Usage(words, words))


class EchoProvider:
    """Implements the port `ModelProvider`. `behave` answers or raises; `calls` tells what was asked, in order."""

    def __init__(self, behave: Behave = echo) -> None:
        self._behave = behave
        self.calls: list[ProviderCall] = []

    async def stream(self, call: ProviderCall) -> AsyncGenerator[Chunk]:
        """The answer of `behave`, a word at a time."""
        self.calls.append(call)
        answer = self._behave(call)
        for piece in re.findall(r"\S+\s*|\s+", answer.content):
            yield Chunk(text=piece)
        for index, made in enumerate(answer.tool_calls):
            yield Chunk(tool_calls=(ToolCallDelta(index, made.id, made.name, made.arguments),))
        yield Chunk(finish_reason=answer.finish_reason, usage=answer.usage)

    async def embed(self, call: EmbedCall) -> Embeddings:
        """A vector of one number for each input: its length."""
        sizes = [len(text.split()) if isinstance(text, str) else len(text) for text in call.inputs]
        return Embeddings(tuple((float(size),) for size in sizes), Usage(sum(sizes)))

    def count_tokens(self, deployment: Deployment, messages: Sequence[Json], params: Json) -> TokenCount:  # noqa: ARG002 - the port's signature
        """A token for each word of the messages."""
        return TokenCount(sum(len(str(message.get("content")).split()) for message in messages), "words")

    def prepare(self, call: ProviderCall, *, streams: bool) -> ProviderCall:  # noqa: ARG002 - the port's signature
        """There is nothing to do."""
        return call

    def loading(self, deployment: Deployment) -> None:
        """Nothing ever is."""

    async def complete(self, call: ProviderCall) -> ProviderAnswer:
        self.calls.append(call)
        await asyncio.sleep(0)  # no provider answers before others have had their turn
        return self._behave(call)


class EchoModelLister:
    """Implements the port `ModelLister`: `answer` lists or raises; `asked` has who was asked, with which key."""

    def __init__(self, answer: Callable[[Provider], ModelList]) -> None:
        self._answer = answer
        self.asked: list[tuple[str, Secret | None]] = []

    async def list_models(self, provider: Provider, key: Secret | None) -> ModelList:
        self.asked.append((provider.name, key))
        return self._answer(provider)
