"""LiteLLM's `ModelResponse` as a `ProviderAnswer`; how it ended and what it cost comes from the provider's own body."""

from __future__ import annotations

from typing import Any

from gateway_core.adapters.litellm.exchange import ProviderExchange
from gateway_core.adapters.litellm.finish import finish_of
from gateway_core.adapters.litellm.rates import view_of
from gateway_core.adapters.litellm.usage import usage_of
from gateway_core.adapters.litellm.wire import items, mapping
from gateway_core.domain.chat import Chunk, ProviderAnswer, ToolCall, ToolCallDelta, Usage


def answer_of(response: Any, seen: ProviderExchange, dropped: tuple[str, ...]) -> ProviderAnswer:
    """The answer in our terms. `seen` has been classified as whole and sound."""
    message = response.choices[0].message
    return ProviderAnswer(
        content=message.content or refusal_of(seen.json),
        tool_calls=tuple(_tool_call(call) for call in message.tool_calls or ()),
        finish_reason=finish_of(seen.wire, seen.json),
        usage=usage_of(seen.wire, seen.json) or Usage(),
        dropped_params=dropped,
        reasoning=getattr(message, "reasoning_content", None) or "",
        rates=view_of(seen),
    )


def whole_chunk(answer: ProviderAnswer) -> Chunk:
    """A whole answer as the only piece of a stream."""
    calls = (ToolCallDelta(index, call.id, call.name, call.arguments) for index, call in enumerate(answer.tool_calls))
    return Chunk(
        answer.content,
        tuple(calls),
        answer.reasoning,
        answer.finish_reason,
        answer.usage,
        answer.dropped_params,
        answer.rates,
    )


def _tool_call(call: Any) -> ToolCall:
    return ToolCall(id=call.id or "", name=call.function.name or "", arguments=call.function.arguments or "")


def refusal_of(body: object) -> str:
    """What an OpenAI model says when it declines: chat and Responses keep it apart from the content."""
    choices = [mapping(mapping(choice).get("message")) for choice in items(mapping(body).get("choices"))]
    outputs = [
        mapping(part) for item in items(mapping(body).get("output")) for part in items(mapping(item).get("content"))
    ]
    said = (holder.get("refusal") for holder in [*choices, *outputs])
    return next((text for text in said if isinstance(text, str)), "")
