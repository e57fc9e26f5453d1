"""LiteLLM's `ModelResponse` as a `ProviderAnswer`; how it ended and what it cost comes from the provider's own body."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from gateway_core.adapters.litellm.claude import signs_thoughts
from gateway_core.adapters.upstream.exchange import ProviderExchange
from gateway_core.domain.answer import ProviderAnswer, ToolCall, Usage
from gateway_core.domain.chat import ProviderCall
from gateway_core.wires.bedrock_thoughts import signed_ids
from gateway_core.wires.confidence import confidence_of
from gateway_core.wires.openai_chat.history import REASONING_MARK
from gateway_core.wires.shapes import sendable
from gateway_core.wires.signed_ids import signed
from gateway_core.wires.table import traits_of


def answer_of(call: ProviderCall, response: Any, seen: ProviderExchange, dropped: tuple[str, ...]) -> ProviderAnswer:
    """The answer in our terms. LiteLLM tells refusals of the Responses API as content."""
    message, refusal = response.choices[0].message, sendable(seen.wire.refusal_of(seen.json))
    content, reasoning = sendable(message.content or ""), sendable(getattr(message, "reasoning_content", None) or "")
    calls = [_tool_call(made) for made in message.tool_calls or ()]
    if calls and signs_thoughts(call.deployment):
        ids = signed_ids(seen.json)
        calls = [replace(made, id=ids.get(made.id, made.id)) for made in calls]
    if calls and reasoning and traits_of(call.deployment.provider).takes_reasoning:
        calls[0] = replace(calls[0], id=signed(calls[0].id, REASONING_MARK, reasoning))
    return ProviderAnswer(
        content="" if content == refusal else content,
        tool_calls=tuple(calls),
        finish_reason="",
        usage=Usage(),
        dropped_params=dropped,
        reasoning=reasoning,
        refusal=refusal,
        confidence=confidence_of(seen.json),
    )


def _tool_call(call: Any) -> ToolCall:
    said = (call.id, call.function.name, call.function.arguments or "{}")
    call_id, name, arguments = (sendable(text or "") for text in said)
    return ToolCall(call_id, name, arguments)
