"""Calls of Claude's models, as the tests of Anthropic's wire send them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from gateway_core.domain.chat import Deployment, ProviderCall
from gateway_core.domain.model_rules import NO_RULES, ModelRules
from gateway_core.wires.anthropic.codec import ANTHROPIC_CODEC
from gateway_core.wires.anthropic.request import request

BY_BUDGET = ModelRules(
    thinks="asked",
    thinking_form="budget",
    efforts=("none", "low", "medium", "high"),
    least_thinking_tokens=1024,
    refuses_thinking=frozenset({"temperature", "top_k"}),
    most_temperature=1.0,
    one_of_temperature_and_top_p=True,
    least_top_p_thinking=0.95,
    forces_tools_thinking=False,
    stop_needs_text=True,
    schema_refuses=frozenset({"recursion"}),
)
ADAPTIVE = replace(
    BY_BUDGET,
    thinking_form="adaptive",
    efforts=("none", "low", "medium", "high", "max"),
    refuses_thinking=frozenset(),
    forces_tools_thinking=True,
    takes_prefill=False,
)
BY_DEFAULT = replace(ADAPTIVE, thinks="default")
THOUGHT = {"type": "thinking", "thinking": "hm", "signature": "sig"}
REDACTED = {"type": "redacted_thinking", "data": "opaque"}
PNG = "data:image/png;base64,iVBORw0KGgo="
MARK = {"type": "ephemeral"}
HOUR = {"type": "ephemeral", "ttl": "1h"}
PDF = "data:application/pdf;base64,JVBERi0="
USER = {"role": "user", "content": "q"}
LOOK_UP = {
    "type": "function",
    "function": {
        "name": "look_up",
        "description": "Looks it up.",
        "parameters": {"type": "object", "properties": {"q": {"type": "string"}}},
    },
}


def call(*messages: dict[str, Any], rules: ModelRules = BY_BUDGET, cap: int = 4096, **params: Any) -> ProviderCall:
    """A call of Claude Opus 4.5."""
    return ProviderCall(
        Deployment("anthropic", "claude-opus-4-5", "https://api.anthropic.com", engine="native"),
        messages or (USER,),
        params,
        max_output_tokens=cap,
        timeout_s=60.0,
        request_id="r",
        rules=rules,
    )


def body(*messages: dict[str, Any], rules: ModelRules = BY_BUDGET, cap: int = 4096, **params: Any) -> dict[str, Any]:
    """What is sent for it."""
    return dict(request(call(*messages, rules=rules, cap=cap, **params), streams=False).body)


def dropped(*messages: dict[str, Any], rules: ModelRules = NO_RULES, **params: Any) -> tuple[str, ...]:
    """What is left out or changed."""
    return request(call(*messages, rules=rules, **params), streams=False).dropped


def calls_tool(call_id: str = "toolu_1", arguments: str = '{"q":"x"}', **more: Any) -> dict[str, Any]:
    """An assistant's turn with one call."""
    made = {"id": call_id, "type": "function", "function": {"name": "look_up", "arguments": arguments}}
    return {"role": "assistant", "content": None, "tool_calls": [made], **more}


def result(call_id: str = "toolu_1", content: Any = "r", **more: Any) -> dict[str, Any]:
    """A tool's message."""
    return {"role": "tool", "tool_call_id": call_id, "content": content, **more}


def text(said: str, **more: Any) -> dict[str, Any]:
    """A block of text, or a part."""
    return {"type": "text", "text": said, **more}


def user(*parts: dict[str, Any]) -> dict[str, Any]:
    """A user's message of parts."""
    return {"role": "user", "content": list(parts)}


def assistant(content: Any, **more: Any) -> dict[str, Any]:
    """An assistant's message."""
    return {"role": "assistant", "content": content, **more}


def system(said: str, role: str = "system") -> dict[str, Any]:
    """A message of the system."""
    return {"role": role, "content": said}


def shown(turns: list[dict[str, Any]]) -> list[tuple[str, list[str]]]:
    """Each turn's role, and what its blocks are: their text, or their type."""
    return [(turn["role"], [block.get("text", block["type"]) for block in turn["content"]]) for turn in turns]


def objected(*messages: dict[str, Any], rules: Any = BY_BUDGET, **params: Any) -> str:
    """The field of the objection; empty if there is none."""
    found = ANTHROPIC_CODEC.objection(messages or (USER,), params, rules)
    assert found is None or found.param in found.detail
    return found.param if found else ""


def document(url: str, name: str = "") -> dict[str, Any]:
    """A part with a file."""
    return {"type": "file", "file": {"filename": name, "file_data": url}}


def use(call_id: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """A block of a call of `look_up`."""
    return {"type": "tool_use", "id": call_id, "name": "look_up", "input": arguments}


def schema_format(schema: Any) -> dict[str, Any]:
    """The format of an answer by a schema."""
    return {"type": "json_schema", "json_schema": {"name": "a", "schema": schema}}
