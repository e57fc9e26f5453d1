"""Conversations in the chat form, and what is sent to OpenAI's Responses for them."""

from __future__ import annotations

from typing import Any

from gateway_core.wires.openai_responses.carried import origin_of
from gateway_core.wires.signed_ids import signed
from tests.unit.wires.responses import CODEX, asked

PNG = "data:image/png;base64,iVBORw0KGgo="
PDF = "data:application/pdf;base64,JVBERi0xLjQK"
HI = {"role": "user", "content": "hi"}
FRAME = {"model", "input", "max_output_tokens", "service_tier", "store"}
REASONING = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "gAAAAB"}
LOOK_UP: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": "look_up",
        "description": "Looks up",
        "parameters": {"type": "object", "properties": {"q": {"type": "string"}, "n": True}, "required": ["q"]},
    },
}
FLAT = {
    "type": "function",
    "name": "look_up",
    "description": "Looks up",
    "parameters": LOOK_UP["function"]["parameters"],
}
GREP = {
    "type": "custom",
    "custom": {
        "name": "grep",
        "description": "Greps",
        "format": {"type": "grammar", "grammar": {"syntax": "regex", "definition": "a+"}},
    },
}


def body(*messages: Any, streams: bool = False, **options: Any) -> dict[str, Any]:
    return dict(asked(*messages, streams=streams, **options).body)


def sent(*messages: Any, **options: Any) -> list[Any]:
    return list(body(*messages, **options)["input"])


def dropped(*messages: Any, **options: Any) -> tuple[str, ...]:
    return asked(*messages, **options).dropped


def message(role: str, content: Any) -> dict[str, Any]:
    return {"type": "message", "role": role, "content": content}


def function_call(call_id: str, arguments: str = "{}") -> dict[str, Any]:
    return {"id": call_id, "type": "function", "function": {"name": "look_up", "arguments": arguments}}


def signed_call(number: int, *found: dict[str, Any], origin: str = "") -> dict[str, Any]:
    value = {"of": origin or origin_of(CODEX), "items": list(found)}
    return function_call(signed(f"call_{number}", "r", value))
