"""The options of a request on Anthropic's wire by the names of the chat form."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator
from typing import Any

from gateway_core.domain.chat import Json
from gateway_core.wires.anthropic.betas import DISPLAYS
from gateway_core.wires.anthropic.blocks import CACHE_CONTROL
from gateway_core.wires.anthropic.inbound.names import short_name
from gateway_core.wires.anthropic.inbound.parts import Apart
from gateway_core.wires.shapes import items, mapping

_SAME = ("temperature", "top_p", "top_k")
_CHOICES = {"auto": "auto", "any": "required", "none": "none"}
_HIDDEN_FIELDS = ("allowed_callers", "defer_loading", "eager_input_streaming", "input_examples")
_ONLY_THERE = "context_management"
_HIDDEN_PROMPT = "x" * 1024
"""As long as what Anthropic tells a model of one of its own tools: 245 to 735 tokens, and 499 of the system's
(https://platform.claude.com/docs/en/agents-and-tools/tool-use/bash-tool, /text-editor-tool, /computer-use-tool)."""


def params_of(body: Json, apart: Apart) -> dict[str, Any]:
    """What the chat form has words for; what it has none for is noted in `apart`."""
    params: dict[str, Any] = {name: body[name] for name in _SAME if body.get(name) is not None}
    if body.get("stop_sequences"):
        params["stop"] = body["stop_sequences"]
    if who := mapping(body.get("metadata")).get("user_id"):
        params["safety_identifier"] = who
    if tools := list(_tools(items(body.get("tools")), apart)):
        params["tools"] = tools
    params |= _choice(mapping(body.get("tool_choice")), set(_names(body, custom=False)))
    params |= _thinking(body, apart)
    params |= _format(body, apart)
    if mapping(body.get(_ONLY_THERE)).get("edits"):
        apart.leave(_ONLY_THERE)
    if body.get(CACHE_CONTROL):
        apart.leave(CACHE_CONTROL, body[CACHE_CONTROL])
    if task_budget := mapping(body.get("output_config")).get("task_budget"):
        apart.leave("output_config.task_budget", task_budget)
    return params


def custom_names(body: Json) -> Iterator[str]:
    """The names of the caller's own tools."""
    return _names(body, custom=True)


def _names(body: Json, *, custom: bool) -> Iterator[str]:
    return (tool["name"] for tool in items(body.get("tools")) if _is_custom(tool) == custom)


def _is_custom(tool: Json) -> bool:
    return tool.get("type") in (None, "custom")


def _tools(tools: Iterable[Json], apart: Apart) -> Iterator[Json]:
    for index, tool in enumerate(tools):
        if not _is_custom(tool):
            apart.bind(f"tools.{index}", f"has no tool of the kind {tool['type']}", tool)
            apart.beside.append(_HIDDEN_PROMPT)
            continue
        for name in _HIDDEN_FIELDS:
            if tool.get(name):
                apart.leave(name, tool[name])
        yield _tool(tool, apart)


def _tool(tool: Json, apart: Apart) -> Json:
    schema = tool["input_schema"]
    function = {"name": short_name(tool["name"]), "parameters": schema}
    if tool.get("description"):
        function["description"] = tool["description"]
    if tool.get("strict") and is_closed(schema):
        function["strict"] = True
    elif tool.get("strict"):
        apart.leave("strict")
    mark = {CACHE_CONTROL: tool[CACHE_CONTROL]} if tool.get(CACHE_CONTROL) else {}
    return {"type": "function", "function": function, **mark}


def _choice(choice: Json, apart: Container[str]) -> dict[str, Any]:
    """A tool that only Anthropic's wire knows is not in the chat form: who is sent that is ruled out for it."""
    if not choice:
        return {}
    alone = {"parallel_tool_calls": False} if choice.get("disable_parallel_tool_use") else {}
    if choice["type"] == "tool" and choice["name"] in apart:
        return alone
    if choice["type"] == "tool":
        return {"tool_choice": {"type": "function", "function": {"name": short_name(choice["name"])}}, **alone}
    return {"tool_choice": _CHOICES[choice["type"]], **alone}


def _thinking(body: Json, apart: Apart) -> dict[str, Any]:
    """An effort says all that adaptive thinking does; without thinking there is none."""
    thinking, effort = mapping(body.get("thinking")), mapping(body.get("output_config")).get("effort")
    kind = thinking.get("type")
    if (display := thinking.get("display")) not in (None, *DISPLAYS):
        apart.leave("thinking.display", display)
        thinking = {name: value for name, value in thinking.items() if name != "display"}
    if effort and kind == "disabled":
        apart.leave("output_config.effort")
        return {"thinking": dict(thinking)}
    asked = {"thinking": dict(thinking)} if kind and not (effort and kind == "adaptive") else {}
    return {**asked, **({"reasoning_effort": effort} if effort else {})}


def _format(body: Json, apart: Apart) -> dict[str, Any]:
    wanted = mapping(mapping(body.get("output_config")).get("format") or body.get("output_format"))
    if not wanted:
        return {}
    schema = wanted["schema"]
    strict = is_closed(schema)
    if not strict:
        apart.leave("output_config.format")
    return {
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "answer", "schema": schema, "strict": strict},
        }
    }


def is_closed(schema: Any) -> bool:
    """Whether each object in it names all its members, and requires them: OpenAI holds no other schema strictly."""
    level = [schema]
    while level:
        node = level.pop()
        if isinstance(node, list):
            level += node
        elif isinstance(node, dict):
            properties = node.get("properties")
            if isinstance(properties, dict):
                if node.get("additionalProperties") is not False or set(properties) != set(items(node.get("required"))):
                    return False
                level += properties.values()
            level += (value for name, value in node.items() if name not in ("enum", "const", "default", "properties"))
    return True
