"""Tools, and which of them to call, as Responses has them: flat, where chat completions nests them.

Docs: https://platform.openai.com/docs/guides/function-calling.
"""

from __future__ import annotations

from typing import Any

from gateway_core.domain.chat import Json
from gateway_core.wires.shapes import items, mapping


def tools_of(params: Json) -> dict[str, Any]:
    """`tools`, `tool_choice` and `parallel_tool_calls`; nothing of it without tools, which is refused."""
    tools = [_tool(mapping(tool)) for tool in items(params.get("tools"))]
    if not tools:
        return {}
    choice, parallel = params.get("tool_choice"), params.get("parallel_tool_calls")
    return {
        "tools": tools,
        **({} if choice is None else {"tool_choice": _choice(choice)}),
        **({} if parallel is None else {"parallel_tool_calls": parallel}),
    }


def _tool(tool: Json) -> dict[str, Any]:
    if tool.get("type") == "custom":
        custom = mapping(tool.get("custom"))
        form = mapping(custom.get("format"))
        return {**_named(tool), **_described(custom), **({"format": _format(form)} if form else {})}
    function = mapping(tool.get("function"))
    # Without a word on it a function is strict here, which makes all of its parameters required.
    strict = function.get("strict") is True
    return {
        **_named(tool),
        **_described(function),
        "parameters": _parameters(function.get("parameters"), strict=strict),
        "strict": strict,
    }


def _described(tool: Json) -> dict[str, Any]:
    return {"description": tool["description"]} if tool.get("description") else {}


def _parameters(given: Any, *, strict: bool) -> dict[str, Any]:
    """Arguments are an object, which has to be said; one without properties is refused."""
    if given:
        return {"type": "object", "properties": {}, **mapping(given)}
    return {"type": "object", "properties": {}, **({"additionalProperties": False, "required": []} if strict else {})}


def _format(form: Json) -> dict[str, Any]:
    grammar = mapping(form.get("grammar"))
    return {"type": form.get("type"), **grammar}


def _choice(choice: Any) -> Any:
    if isinstance(choice, str):
        return choice
    allowed = mapping(mapping(choice).get("allowed_tools"))
    if not allowed:
        return _named(mapping(choice))
    tools = [_named(mapping(tool)) for tool in items(allowed.get("tools"))]
    return {"type": "allowed_tools", "mode": allowed.get("mode"), "tools": tools}


def _named(tool: Json) -> dict[str, Any]:
    kind = "custom" if tool.get("type") == "custom" else "function"
    return {"type": kind, "name": mapping(tool.get(kind)).get("name")}
