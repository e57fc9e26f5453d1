"""The gateway over wires of its own, at a network that a test scripts: what it sends, and what comes of each answer."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import httpx

from gateway_core.adapters.models import model_provider
from gateway_core.adapters.tokens import PromptCounter
from gateway_core.adapters.upstream.network import Incoming
from gateway_core.api import chat, complete
from gateway_core.api.anthropic import messages
from gateway_core.api.app import create_app
from gateway_core.api.openai_responses import responses
from gateway_core.bootstrap import with_gateway
from gateway_core.domain.chat import Deployment, Model
from gateway_core.domain.credentials import Credential, Secret
from gateway_core.domain.model_rules import ModelRules
from gateway_core.http1 import Request
from tests.conftest import World, catalog_of, model, settings_for
from tests.networks import Canned

ASKED = [{"role": "user", "content": "Hello."}]
PARTS = (chat, complete, messages, responses)
AGENTS_CAP = 6000
DONE = b"data: [DONE]\n\n"
USAGE = {"prompt_tokens": 11, "completion_tokens": 3, "total_tokens": 14}


def served(key: str, provider: str, *, mode: Literal["chat", "responses"] = "chat", **changes: Any) -> Model:
    """A model of a provider that a wire of ours speaks to."""
    base = "" if provider == "anthropic" else "/v1"
    where = Deployment(provider, f"{key}-upstream", f"https://{provider}.example{base}", mode, engine="native")
    return model(key, provider, deployment=where, **changes)


THINKS = ModelRules(thinks="default", thinking_form="switch", efforts=("none", "high"))
STRICT = ModelRules(
    thinks="always",
    thinking_form="effort",
    efforts=("low", "high"),
    refuses=frozenset({"temperature", "top_logprobs"}),
)
PLAIN = ModelRules(thinks="never", efforts=(), cannot=frozenset({"custom_tools"}))
MODELS = (
    served("gpt", "openai", capabilities=frozenset({"tools", "json", "json_schema", "vision"})),
    served("deep", "deepseek", rules=THINKS),
    served("own", "compatible"),
    served("claude", "anthropic"),
    served("codex", "openai", mode="responses", capabilities=frozenset({"tools"})),
    served("plain", "openai", rules=PLAIN, capabilities=frozenset({"tools"})),
    served("strict", "openai", mode="responses", rules=STRICT),
)
GROUPS = {
    "openai": ("gpt", "deep"),
    "mixed": ("gpt", "claude"),
    "narrow": ("claude", "own"),
    "deep-first": ("own", "codex"),
}


@dataclass(frozen=True)
class Script:
    """One answer: what is read piece by piece; an exception among the pieces is raised."""

    pieces: Sequence[bytes | Exception]
    status: int = 200
    kind: str = "text/event-stream"


class Network:
    """Answers each request with the next script; `sent` has what was sent."""

    def __init__(self) -> None:
        self.scripts: deque[Script] = deque()
        self.sent: list[Request] = []

    async def send(self, request: Request, sending: Callable[[], None]) -> Incoming:
        self.sent.append(request)
        sending()
        script = self.scripts.popleft()
        return Canned(script.pieces, status=script.status, headers={"content-type": script.kind})

    async def close(self) -> None:
        """There is nothing to close."""


def sse(*events: Any) -> bytes:
    """Server-sent events of JSON values."""
    return b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in events)


def piece(delta: Any, finish: str | None = None, index: int = 0, **more: Any) -> dict[str, Any]:
    """One event of OpenAI's chat wire."""
    choice = {"index": index, "delta": delta, "finish_reason": finish}
    frame = {"id": "up-1", "object": "chat.completion.chunk", "created": 5, "model": "m-1", "service_tier": "default"}
    return {**frame, "choices": [choice], **more}


def usage_event(**more: Any) -> dict[str, Any]:
    """The last event, which has the usage."""
    return {**piece({}), "choices": [], "usage": {**USAGE, **more}}


def whole(message: Any, finish: str = "stop", **more: Any) -> dict[str, Any]:
    """A whole answer of OpenAI's chat wire."""
    choice = {"index": 0, "message": {"role": "assistant", **message}, "finish_reason": finish}
    frame = {"id": "up-1", "object": "chat.completion", "created": 5, "model": "m-1"}
    return {**frame, "choices": [choice], "usage": USAGE, **more}


@dataclass
class Door:
    """The routes with a valid key, and the network behind them."""

    http: httpx.AsyncClient
    network: Network
    world: World
    headers: dict[str, str] = field(default_factory=dict)

    def answers(self, body: Any, status: int = 200) -> None:
        """The next answer, whole."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.network.scripts.append(Script([raw], status, "application/json"))

    def streams(self, *pieces: bytes | Exception) -> None:
        """The next answer, in pieces."""
        self.network.scripts.append(Script(pieces))

    async def ask(self, name: str = "gpt", **body: Any) -> httpx.Response:
        """A request on OpenAI's wire."""
        return await self.http.post("/v1/chat/completions", json={"model": name, "messages": ASKED, **body})

    async def respond(self, name: str = "gpt", given: Any = "Hello.", **body: Any) -> httpx.Response:
        """A request on OpenAI's Responses."""
        return await self.http.post("/v1/responses", json={"model": name, "input": given, **body})

    async def response_events(self, name: str = "gpt", given: Any = "Hello.", **body: Any) -> list[Any]:
        """What comes of a streamed one: events as JSON, each of the type that its head says, numbered from 0."""
        answer = await self.respond(name, given, stream=True, **body)
        assert answer.status_code == 200, answer.text
        events = [dict(line.split(": ", 1) for line in one.splitlines()) for one in answer.text.split("\n\n") if one]
        data = [json.loads(one["data"]) for one in events]
        assert [one["event"] for one in events] == [one["type"] for one in data]
        assert [one["sequence_number"] for one in data] == list(range(len(data)))
        return data

    async def events(self, name: str = "gpt", **body: Any) -> list[Any]:
        """What comes of a streamed request: events as JSON, and the word at the end."""
        answer = await self.ask(name, stream=True, **body)
        assert answer.status_code == 200, answer.text
        data = [line.removeprefix("data: ") for line in answer.text.splitlines() if line.startswith("data: ")]
        return [text if text == "[DONE]" else json.loads(text) for text in data]

    @property
    def body(self) -> Any:
        """The body of the latest request that was sent."""
        return json.loads(self.network.sent[-1].content)


async def open_door(counter: PromptCounter) -> AsyncIterator[Door]:
    """A door to all the models, which counts tokens by what other doors have loaded."""
    catalog = replace(catalog_of(*MODELS, groups=GROUPS), default_agent_output_cap=AGENTS_CAP)
    world, network = World(catalog, settings_for(catalog)), Network()
    keys = {one.provider: Credential(Secret(f"sk-{one.provider}"), one.deployment.api_base) for one in MODELS}
    provider = model_provider(keys, world.clock, connect=lambda: network, counter=counter)
    services = with_gateway(world.services, provider, lambda: world.draw)
    headers = {"authorization": f"Bearer {await world.key()}"}
    transport = httpx.ASGITransport(create_app(services, *(part.router for part in PARTS)), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway", headers=headers) as http:
        yield Door(http, network, world)
    await provider.close()
