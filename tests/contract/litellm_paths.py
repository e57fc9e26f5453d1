"""The five ways to a model, by LiteLLM and by wires of our own, each with a good answer in its provider's format."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from gateway_core.adapters.models import model_provider
from gateway_core.adapters.upstream.network import Incoming
from gateway_core.adapters.upstream.provider import UpstreamProvider
from gateway_core.config.model_rules import rules_for
from gateway_core.domain.chat import Deployment, Engine, ModelMode, ProviderCall
from gateway_core.domain.credentials import Credential, Secret
from gateway_core.domain.model_rules import ModelRules
from gateway_core.http1 import LazyTls, Limits, Pool, Request
from tests.manual_clock import ManualClock

PROMPT = "Tell me of the otters of Skye, and of their winters."


@dataclass(frozen=True, slots=True)
class Path:
    """One provider's way: what is called, where it must arrive, how the key travels, what comes back."""

    provider: str
    model: str
    base: str
    target: str
    key_header: str
    good: Any
    mode: ModelMode = "chat"
    engine: Engine = field(default="litellm", compare=False)

    @property
    def key(self) -> str:
        return f"sk-key-of-{self.provider}-0123456789"

    def call(self, root: str, *, timeout_s: float = 60.0, **params: Any) -> ProviderCall:
        """A call to this provider at `root`."""
        messages = ({"role": "system", "content": "Be brief."}, {"role": "user", "content": PROMPT})
        deployment = Deployment(self.provider, self.model, root + self.base, self.mode, engine=self.engine)
        return ProviderCall(deployment, messages, params, 64, timeout_s, "req-1", rules=self.rules)

    @property
    def rules(self) -> ModelRules:
        """What the catalog says that the model refuses."""
        return rules_for(self.provider, self.model)


_ANTHROPIC = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude-opus-4-5",
    "content": [{"type": "text", "text": "Hello."}],
    "stop_reason": "end_turn",
    "usage": {"input_tokens": 11, "output_tokens": 3},
}
_CHAT = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1_800_000_000,
    "model": "m",
    "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Hello."}}],
    "usage": {"prompt_tokens": 11, "completion_tokens": 3, "total_tokens": 14},
}
_RESPONSE = {
    "id": "resp_1",
    "object": "response",
    "created_at": 1_800_000_000,
    "status": "completed",
    "model": "m",
    "error": None,
    "incomplete_details": None,
    "instructions": None,
    "metadata": {},
    "parallel_tool_calls": True,
    "temperature": 1.0,
    "top_p": 1.0,
    "tool_choice": "auto",
    "tools": [],
    "output": [
        {
            "type": "message",
            "id": "msg_1",
            "role": "assistant",
            "status": "completed",
            "content": [{"type": "output_text", "text": "Hello.", "annotations": []}],
        }
    ],
    "usage": {"input_tokens": 11, "output_tokens": 3, "total_tokens": 14},
}
_GEMINI = {
    "candidates": [{"index": 0, "content": {"role": "model", "parts": [{"text": "Hello."}]}, "finishReason": "STOP"}],
    "usageMetadata": {"promptTokenCount": 11, "candidatesTokenCount": 3, "totalTokenCount": 14},
}

GEMINI_TARGET = "/v1beta/models/gemini-3-pro-preview:generateContent"
PATHS = (
    Path("anthropic", "claude-opus-4-5", "", "/v1/messages", "x-api-key", _ANTHROPIC),
    Path("openai", "gpt-5.1", "/v1", "/v1/chat/completions", "authorization", _CHAT),
    Path("openai", "gpt-5.3-codex", "/v1", "/v1/responses", "authorization", _RESPONSE, "responses"),
    Path("gemini", "gemini-3-pro-preview", "/v1beta", GEMINI_TARGET, "x-goog-api-key", _GEMINI),
    Path("deepseek", "deepseek-chat", "/v1", "/v1/chat/completions", "authorization", _CHAT),
)
NAMES = [path.provider + ("-responses" if path.mode == "responses" else "") for path in PATHS]
EACH = (*PATHS, *(replace(path, engine="native") for path in PATHS))
EACH_NAME = [*NAMES, *(f"native-{name}" for name in NAMES)]

type MakeProvider = Callable[..., UpstreamProvider]


class CountingPool:
    """The real connections, counting how often something is sent into them."""

    def __init__(self) -> None:
        self.sent = 0
        self._pool = Pool(Limits(), LazyTls())

    async def send(self, request: Request, sending: Callable[[], None]) -> Incoming:
        self.sent += 1
        return await self._pool.send(request, sending)

    async def close(self) -> None:
        await self._pool.close()


def provider_at(root: str, **options: Any) -> UpstreamProvider:
    """A provider with a key for each path, bound to `root`."""
    credentials = {path.provider: Credential(Secret(path.key), root + path.base) for path in PATHS}
    return model_provider(credentials, ManualClock(), **options)
