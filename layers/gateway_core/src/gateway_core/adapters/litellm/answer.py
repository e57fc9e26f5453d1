"""LiteLLM's `ModelResponse` as a `ProviderAnswer`; how it ended and what it cost comes from the provider's own body."""

from __future__ import annotations

from typing import Any

from gateway_core.adapters.upstream.exchange import ProviderExchange
from gateway_core.domain.chat import ProviderAnswer, ToolCall, Usage
from gateway_core.wires.confidence import confidence_of
from gateway_core.wires.shapes import sendable


def answer_of(response: Any, seen: ProviderExchange, dropped: tuple[str, ...]) -> ProviderAnswer:
    """The answer in our terms. LiteLLM tells refusals of the Responses API as content."""
    message, refusal = response.choices[0].message, sendable(seen.wire.refusal_of(seen.json))
    content = sendable(message.content or "")
    return ProviderAnswer(
        content="" if content == refusal else content,
        tool_calls=tuple(_tool_call(call) for call in message.tool_calls or ()),
        finish_reason="",
        usage=Usage(),
        dropped_params=dropped,
        reasoning=sendable(getattr(message, "reasoning_content", None) or ""),
        refusal=refusal,
        confidence=confidence_of(seen.json),
    )


def _tool_call(call: Any) -> ToolCall:
    said = (call.id, call.function.name, call.function.arguments or "{}")
    call_id, name, arguments = (sendable(text or "") for text in said)
    return ToolCall(call_id, name, arguments)
