"""A provider under test that streams: at a simulator, or on a network that a test scripts piece by piece."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any

import httpx
import pytest

from gateway_core.adapters.models import model_provider
from gateway_core.adapters.upstream.network import Incoming, Network
from gateway_core.adapters.upstream.provider import UpstreamProvider
from gateway_core.domain.answer import Chunk, ToolCall, Usage
from gateway_core.domain.chat import ProviderCall
from gateway_core.domain.credentials import Credential, Secret
from gateway_core.domain.provider_errors import ProviderError
from gateway_core.http1 import Request
from local.providers import base_urls
from tests.contract.litellm_paths import PATHS, Path, provider_at
from tests.loop_time import ends_after
from tests.manual_clock import ManualClock
from tests.networks import Canned
from tests.patience import patience


def tool(name: str) -> dict[str, Any]:
    """A tool with one text for an argument."""
    schema = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    return {"type": "function", "function": {"name": name, "description": "It helps.", "parameters": schema}}


class Unreachable:
    """A network on which connecting takes for ever. `asked` is set once somebody tries."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()

    async def send(self, request: Request, sending: Callable[[], None]) -> Incoming:
        self.asked.set()
        await asyncio.Event().wait()
        raise AssertionError("nothing ends the wait")

    async def close(self) -> None:
        """There is nothing to close."""


@dataclass
class Heard:
    """What came out of a stream, in order and put together."""

    chunks: list[Chunk] = field(default_factory=list)
    _grew: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def text(self) -> str:
        return "".join(chunk.text for chunk in self.chunks)

    @property
    def reasoning(self) -> str:
        return "".join(chunk.reasoning for chunk in self.chunks)

    @property
    def tool_calls(self) -> tuple[ToolCall, ...]:
        """Put together by index; each call has told its id and its name once, at its beginning."""
        calls: dict[int, ToolCall] = {}
        for delta in (delta for chunk in self.chunks for delta in chunk.tool_calls):
            if delta.index in calls:
                assert (delta.id, delta.name) == ("", "")
                known = calls[delta.index]
                calls[delta.index] = replace(known, arguments=known.arguments + delta.arguments)
            else:
                calls[delta.index] = ToolCall(delta.id, delta.name, delta.arguments)
        assert list(calls) == list(range(len(calls)))
        return tuple(calls.values())

    @property
    def end(self) -> tuple[str, Usage]:
        """The finish reason, of which there is one, at the end, and the final usage beside it."""
        assert [chunk for chunk in self.chunks if chunk.finish_reason] == self.chunks[-1:]
        last = self.chunks[-1]
        assert last.finish_reason
        assert last.usage
        return last.finish_reason, last.usage

    @property
    def open(self) -> bool:
        """Whether there was no end at all."""
        return not any(chunk.finish_reason for chunk in self.chunks)

    async def listen(self, chunks: AsyncIterable[Chunk]) -> Heard:
        """Add all that comes. Raises what the stream raises."""
        async for chunk in chunks:
            self.chunks.append(chunk)
            self._grew.set()
        return self

    async def has(self, count: int) -> None:
        """Wait until so many chunks have come."""
        while len(self.chunks) < count:
            self._grew.clear()
            await self._grew.wait()


@dataclass
class StreamDesk:
    """A provider at a simulator whose faults can be set and whose calls can be counted."""

    root: str
    provider: UpstreamProvider
    http: httpx.AsyncClient

    def call(
        self, path: Path, text: str = "Hello.", *, timeout_s: float = 60.0, limit: int = 256, **params: Any
    ) -> ProviderCall:
        """One call with this user message."""
        api_base = base_urls(self.root)[f"{path.provider.upper()}_API_BASE"]
        deployment = replace(path.call("").deployment, api_base=api_base)
        messages = ({"role": "system", "content": "Be brief."}, {"role": "user", "content": text})
        return ProviderCall(deployment, messages, params, limit, timeout_s, "req-1", rules=path.rules)

    async def hear(self, path: Path, text: str = "Hello.", **options: Any) -> Heard:
        """The whole stream of one call."""
        return await Heard().listen(self.provider.stream(self.call(path, text, **options)))

    async def failure(self, path: Path, text: str = "[[words=20]]", **options: Any) -> tuple[ProviderError, Heard]:
        """How a stream broke, and what had come before; there must have been exactly one request."""
        heard = Heard()
        error = await error_of(heard.listen(self.provider.stream(self.call(path, text, **options))))
        assert (await self.counted())["calls"] == 1
        return error, heard

    async def silence(self, path: Path, timeout_s: float, after_chunks: int) -> tuple[ProviderError, Heard]:
        """How a stream breaks whose provider says so much and no more: at the call's deadline, and not sooner."""
        heard = Heard()

        async def is_silent() -> None:
            await under_way(self.http)
            await heard.has(after_chunks)

        listening = heard.listen(self.provider.stream(self.call(path, "[[words=20]]", timeout_s=timeout_s)))
        error = await ends_after(timeout_s, error_of(listening), is_silent())
        assert (await self.counted())["calls"] == 1
        return error, heard

    async def fault(self, path: Path, kind: str, **params: Any) -> None:
        """Let the provider play this fault once."""
        body = {"provider": path.provider, "kind": kind, "times": 1, **params}
        (await self.http.post("/__faults", json=body)).raise_for_status()

    async def counted(self) -> dict[str, int]:
        """The simulator's totals, once no call is under way."""
        return dict((await self.http.get("/__calls", params={"wait_idle_s": patience(5)})).json()["totals"])

    async def bodies(self) -> list[Any]:
        """The request bodies that came in."""
        return [call["body"] for call in (await self.http.get("/__calls")).json()["requests"]]

    async def cleared(self) -> StreamDesk:
        """Without the faults and the counts of before."""
        await self.http.delete("/__faults")
        await self.http.delete("/__calls")
        return self

    async def oracle(self) -> Usage:
        """What the simulator says the calls so far cost, in our convention."""
        names = ("input_tokens", "output_tokens", "cached_tokens", "cache_write_tokens", "reasoning_tokens")
        totals = await self.counted()
        return Usage(*(totals[name] for name in names))


async def under_way(simulator: httpx.AsyncClient) -> None:
    """Wait until the simulator has a call that it has not answered."""
    while not (await simulator.get("/__calls")).json()["in_flight"]:
        pass


@contextlib.asynccontextmanager
async def opened(root: str) -> AsyncIterator[StreamDesk]:
    """A desk at the simulator at `root`."""
    bases = base_urls(root)
    credentials = {
        path.provider: Credential(Secret(path.key), bases[f"{path.provider.upper()}_API_BASE"]) for path in PATHS
    }
    provider = model_provider(credentials, ManualClock())
    async with httpx.AsyncClient(base_url=root, timeout=patience(30)) as http:
        yield StreamDesk(root, provider, http)
    await provider.close()


async def error_of(listening: Any) -> ProviderError:
    """The error that it must end in, which nothing of LiteLLM's may hang on to."""
    with pytest.raises(ProviderError) as caught:
        await listening
    assert (caught.value.__cause__, caught.value.__context__) == (None, None)
    return caught.value


class Scripted:
    """A network that answers each request with these pieces, read by read; an exception among them is raised."""

    def __init__(self, pieces: Callable[[], Iterable[bytes | Exception]], kind: str = "text/event-stream") -> None:
        self.requests: list[Request] = []
        self.closed = 0
        self._pieces = pieces
        self._kind = kind

    async def send(self, request: Request, sending: Callable[[], None]) -> Incoming:
        self.requests.append(request)
        sending()
        return Canned(self._pieces(), headers={"content-type": self._kind}, closed=self._let_go)

    async def close(self) -> None:
        """There is nothing to close."""

    def _let_go(self) -> None:
        self.closed += 1


def sse(*events: Any) -> bytes:
    """Server-sent events: JSON values, or bytes as they are to go out."""
    return b"".join(
        event if isinstance(event, bytes) else b"data: " + json.dumps(event, ensure_ascii=False).encode() + b"\n\n"
        for event in events
    )


async def hear_scripted(path: Path, *events: Any, **params: Any) -> Heard:
    """What comes of these events, sent as one piece and ended well."""
    return await hear_from(Scripted(lambda: [sse(*events)]), path, **params)


async def hear_from(network: Network, path: Path, heard: Heard | None = None, **params: Any) -> Heard:
    """What comes over this network; `heard` keeps it when the stream breaks."""
    provider = provider_at("http://provider.test", connect=lambda: network)
    return await (heard or Heard()).listen(provider.stream(path.call("http://provider.test", **params)))


async def breaks(path: Path, *events: Any) -> tuple[ProviderError, Heard]:
    """How these events end, and what was heard of them; nobody asked twice."""
    heard, network = Heard(), Scripted(lambda: [sse(*events)])
    error = await error_of(hear_from(network, path, heard))
    assert (len(network.requests), network.closed > 0, heard.open) == (1, True, True)
    return error, heard


DONE = b"data: [DONE]\n\n"
ANTHROPIC, OPENAI, RESPONSES, GEMINI, DEEPSEEK = PATHS


def said(path: Path, *texts: str) -> list[Any]:
    """The events up to and with these pieces of text, in the path's wire format."""
    if path == ANTHROPIC:
        start = {"type": "message_start", "message": {"model": "m", "usage": {"input_tokens": 11, "output_tokens": 1}}}
        block = {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}
        return [start, block, *(_block_delta({"type": "text_delta", "text": text}) for text in texts)]
    if path == RESPONSES:
        return [{"type": "response.output_text.delta", "output_index": 0, "delta": text} for text in texts]
    if path == GEMINI:
        counted = {"promptTokenCount": 11, "candidatesTokenCount": 1}
        return [{"candidates": [_candidate({"text": text})], "usageMetadata": counted} for text in texts]
    return [{"choices": [{"index": 0, "delta": {"content": text}}]} for text in texts]


def ended(path: Path) -> list[Any]:
    """The events that end an answer of 11 and 3 tokens."""
    if path == ANTHROPIC:
        delta = {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 3}}
        return [{"type": "content_block_stop", "index": 0}, delta, {"type": "message_stop"}]
    if path == RESPONSES:
        response = {"status": "completed", "output": [], "usage": {"input_tokens": 11, "output_tokens": 3}}
        return [{"type": "response.completed", "response": response}]
    if path == GEMINI:
        counted = {"promptTokenCount": 11, "candidatesTokenCount": 3, "totalTokenCount": 14}
        return [{"candidates": [_candidate({"text": ""}) | {"finishReason": "STOP"}], "usageMetadata": counted}]
    usage = {"prompt_tokens": 11, "completion_tokens": 3, "total_tokens": 14}
    finish = {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
    return [finish, {"choices": [], "usage": usage}, DONE]


def _block_delta(delta: dict[str, Any]) -> dict[str, Any]:
    return {"type": "content_block_delta", "index": 0, "delta": delta}


def _candidate(*parts: dict[str, Any]) -> dict[str, Any]:
    return {"index": 0, "content": {"role": "model", "parts": list(parts)}}
