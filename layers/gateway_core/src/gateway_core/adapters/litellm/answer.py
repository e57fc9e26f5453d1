"""LiteLLM's `ModelResponse` as a `ProviderAnswer`; how it ended and what it cost comes from the provider's own body."""

from __future__ import annotations

import math
from typing import Any

from gateway_core.adapters.upstream.exchange import ProviderExchange
from gateway_core.adapters.upstream.rates import view_of
from gateway_core.domain.chat import Chunk, ProviderAnswer, ToolCall, ToolCallDelta, Usage
from gateway_core.wires.shapes import first, items, mapping, sendable


def answer_of(response: Any, seen: ProviderExchange, dropped: tuple[str, ...]) -> ProviderAnswer:
    """The answer in our terms. `seen` has been classified as whole and sound."""
    message = response.choices[0].message
    return ProviderAnswer(
        content=sendable(message.content or seen.wire.refusal_of(seen.json)),
        tool_calls=tuple(_tool_call(call) for call in message.tool_calls or ()),
        finish_reason=seen.wire.finish_of(seen.json),
        usage=seen.wire.usage_of(seen.json) or Usage(),
        dropped_params=dropped,
        reasoning=sendable(getattr(message, "reasoning_content", None) or ""),
        rates=view_of(seen),
        confidence=confidence_of(seen.json),
    )


def confidence_of(body: object) -> float | None:
    """How sure the model is, from 0 to 1: as a body says it, else exp(mean log-probability) of the answer's tokens."""
    choice = first(mapping(body).get("choices"))
    named = mapping(body).get("confidence", choice.get("confidence"))
    if isinstance(named, int | float) and not isinstance(named, bool) and 0 <= named <= 1:
        return float(named)
    tokens = [mapping(token).get("logprob") for token in items(mapping(choice.get("logprobs")).get("content"))]
    mean = first(mapping(body).get("candidates")).get("avgLogprobs")  # Google's wire tells it unasked
    tokens = tokens if mean is None else [mean]
    known = [value for value in tokens if isinstance(value, int | float) and not isinstance(value, bool) and value <= 0]
    return math.exp(sum(known) / len(known)) if known and len(known) == len(tokens) else None


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
    said = (call.id, call.function.name, call.function.arguments)
    return ToolCall(*(sendable(text or "") for text in said))
