"""Finish reasons come out in OpenAI's vocabulary."""

from __future__ import annotations

from typing import Any

import pytest

from gateway_core.wires.openai_chat import OPENAI_CHAT
from gateway_core.wires.openai_responses import OPENAI_RESPONSES
from gateway_core.wires.table import WIRES

CALL = {"functionCall": {"name": "f", "args": {}}}
CASES: list[tuple[str, Any, str]] = [
    ("anthropic", {"stop_reason": "end_turn"}, "stop"),
    ("anthropic", {"stop_reason": "stop_sequence"}, "stop"),
    ("anthropic", {"stop_reason": "max_tokens"}, "length"),
    ("anthropic", {"stop_reason": "model_context_window_exceeded"}, "length"),
    ("anthropic", {"stop_reason": "tool_use"}, "tool_calls"),
    ("anthropic", {"stop_reason": "something_new"}, "stop"),
    ("openai_chat", {"choices": [{"finish_reason": "stop"}]}, "stop"),
    ("openai_chat", {"choices": [{"finish_reason": "length"}]}, "length"),
    ("openai_chat", {"choices": [{"finish_reason": "tool_calls"}]}, "tool_calls"),
    ("openai_chat", {"choices": [{"finish_reason": "function_call"}]}, "tool_calls"),
    ("openai_chat", {"choices": "none"}, ""),
    ("gemini", {"candidates": [{"finishReason": "STOP", "content": {"parts": [{"text": "x"}]}}]}, "stop"),
    ("gemini", {"candidates": [{"finishReason": "STOP", "content": {"parts": [CALL]}}]}, "tool_calls"),
    ("gemini", {"candidates": [{"finishReason": "MAX_TOKENS"}]}, "length"),
    ("gemini", {"candidates": [{"finishReason": "RECITATION"}]}, "content_filter"),
    ("gemini", {"candidates": [{"finishReason": "OTHER"}]}, "interrupted"),
    ("openai_responses", {"status": "completed", "output": [{"type": "message"}]}, "stop"),
    ("openai_responses", {"status": "completed", "output": [{"type": "function_call"}]}, "tool_calls"),
    ("openai_responses", {"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}}, "length"),
    ("openai_responses", {"status": "cancelled"}, "interrupted"),
    ("openai_responses", None, ""),
    ("cohere", {"finish_reason": "COMPLETE"}, "stop"),
    ("cohere", {"finish_reason": "MAX_TOKENS"}, "length"),
    ("cohere", {"finish_reason": "TOOL_CALL"}, "tool_calls"),
    ("cohere", {"finish_reason": "ERROR"}, "interrupted"),
    ("cohere", {"message": "invalid api token"}, ""),
    ("ollama", {"done": True, "done_reason": "stop"}, "stop"),
    ("ollama", {"done": True, "done_reason": "length"}, "length"),
    ("ollama", {"done": True, "done_reason": "stop", "message": {"tool_calls": [{}]}}, "tool_calls"),
    ("ollama", {"done": False, "done_reason": "stop"}, ""),
]


@pytest.mark.parametrize(("wire", "body", "reason"), CASES)
def test_finish_reasons_are_openais(wire: str, body: Any, reason: str) -> None:
    """Each provider's words have one meaning; no word means no end."""
    assert WIRES[wire].finish_of(body) == reason


def test_a_refusal_is_found_where_openai_keeps_it() -> None:
    """In the message of a chat answer, in a content part of a Responses answer, or nowhere."""
    assert OPENAI_CHAT.refusal_of({"choices": [{"message": {"refusal": "No."}}]}) == "No."
    assert OPENAI_RESPONSES.refusal_of({"output": [{"content": [{"type": "refusal", "refusal": "No."}]}]}) == "No."
    assert OPENAI_CHAT.refusal_of({"choices": [{"message": {"refusal": None}}]}) == ""
