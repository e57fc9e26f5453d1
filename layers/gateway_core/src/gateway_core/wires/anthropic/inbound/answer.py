"""A whole answer as Anthropic's Messages: the provider's own where it came on that wire, else made here."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gateway_core.domain.answer import ProviderAnswer, Usage
from gateway_core.wires.anthropic.inbound.names import ToolNames
from gateway_core.wires.anthropic.inbound.usage import messages_usage
from gateway_core.wires.anthropic.thoughts import OWN_SIGNATURE
from gateway_core.wires.shapes import mapping
from gateway_core.wires.tool_arguments import object_of

_STOPS = {"content_filter": "refusal", "length": "max_tokens", "tool_calls": "tool_use"}


def message_id(request_id: str) -> str:
    """The id of the answer to a request."""
    return f"msg_{request_id.removeprefix('req_')}"


def stop_reason(finish: str) -> str:
    """In Anthropic's words. Which stop sequence was met, if one was, no other wire tells."""
    return _STOPS.get(finish, "end_turn")


def message_body(answer: ProviderAnswer, usage: Usage, model: str, request_id: str, names: ToolNames) -> dict[str, Any]:
    """The body; `usage` is what is billed, `model` our key of who answered."""
    frame = {"id": message_id(request_id), "type": "message", "role": "assistant", "model": model}
    if (came := answer.forwarded) is not None:
        return {**came, **frame, "usage": messages_usage(usage, mapping(came.get("usage")))}
    return {
        **frame,
        "content": list(_blocks(answer, names)),
        "stop_reason": stop_reason(answer.finish_reason),
        "stop_sequence": None,
        "usage": messages_usage(usage),
    }


def _blocks(answer: ProviderAnswer, names: ToolNames) -> Iterator[dict[str, Any]]:
    if answer.reasoning:
        yield {"type": "thinking", "thinking": answer.reasoning, "signature": OWN_SIGNATURE}
    if answer.text:
        yield {"type": "text", "text": answer.text}
    for call in answer.tool_calls:
        used = object_of(call.arguments)
        yield {"type": "tool_use", "id": call.id, "name": names.back(call.name), "input": used}
