"""A call to a model on Responses, and what that API checks of the input it is sent.

https://platform.openai.com/docs/api-reference/responses/create; the limit of `call_id` is in its errors alone:
"Expected a string with maximum length 64".
"""

from __future__ import annotations

import json
from typing import Any

from gateway_core.domain.chat import Deployment, ProviderCall
from gateway_core.domain.model_rules import ModelRules
from gateway_core.wires.codec import UpstreamRequest
from gateway_core.wires.openai_responses.codec import OPENAI_RESPONSES_CODEC

CODEX = Deployment("openai", "gpt-5.3-codex", "https://api.openai.com/v1", "responses", engine="native")
THINKS = ModelRules(thinks="default", thinking_form="effort", efforts=("none", "low", "medium", "high", "xhigh"))

_INPUTS = {
    "input_text": {"type": str, "text": str},
    "input_image": {"type": str, "image_url": str, "detail": str},
    "input_file": {"type": str, "filename": str, "file_data": str},
}
_OUTPUTS = {"output_text": {"type": str, "text": str}, "refusal": {"type": str, "refusal": str}}
_CALLS = {
    "function_call": {"type": str, "call_id": str, "name": str, "arguments": str},
    "custom_tool_call": {"type": str, "call_id": str, "name": str, "input": str},
}


def call(*messages: Any, rules: ModelRules = THINKS, deployment: Deployment = CODEX, **params: Any) -> ProviderCall:
    """A call with these messages and options; `max_output_tokens` is the only option that has a place of its own."""
    limit = params.pop("max_output_tokens", 4096)
    return ProviderCall(deployment, messages, params, limit, 60.0, "req_1", rules=rules)


def asked(*messages: Any, streams: bool = False, **options: Any) -> UpstreamRequest:
    """What is sent for such a call."""
    return OPENAI_RESPONSES_CODEC.request(call(*messages, **options), streams)


def check_item(item: dict[str, Any]) -> None:
    """Raises AssertionError for an input item that the API would refuse."""
    match item["type"]:
        case "message":
            _check_message(item)
        case "function_call" | "custom_tool_call" as kind:
            _check_fields(item, _CALLS[kind])
            assert 0 < len(item["call_id"]) <= 64
            assert kind == "custom_tool_call" or isinstance(json.loads(item["arguments"]), dict)
        case "function_call_output" | "custom_tool_call_output":
            assert item.keys() == {"type", "call_id", "output"}
            assert 0 < len(item["call_id"]) <= 64
            _check_content(item["output"], _INPUTS)
        case "reasoning":
            assert item["encrypted_content"]
            assert isinstance(item["summary"], list)
        case other:
            raise AssertionError(other)


def _check_message(item: dict[str, Any]) -> None:
    assert item.keys() - {"phase"} == {"type", "role", "content"}
    assert item["role"] in {"assistant", "developer", "system", "user"}
    if item["role"] == "assistant":
        assert item["content"]
    _check_content(item["content"], _OUTPUTS if item["role"] == "assistant" else _INPUTS)


def _check_content(content: Any, kinds: dict[str, dict[str, type]]) -> None:
    assert isinstance(content, str | list)
    for part in content if isinstance(content, list) else ():
        _check_fields(part, kinds[part["type"]])


def _check_fields(given: dict[str, Any], fields: dict[str, type]) -> None:
    assert given.keys() == fields.keys()
    assert all(isinstance(given[name], kind) for name, kind in fields.items())
