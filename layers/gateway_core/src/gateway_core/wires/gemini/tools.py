"""The tools and how they may be called. Schemas go as they came: `parametersJsonSchema` takes all of JSON Schema.

Source: https://ai.google.dev/api/caching#FunctionDeclaration, https://ai.google.dev/api/caching#FunctionCallingConfig.
"""

from __future__ import annotations

from typing import Any

from gateway_core.domain.chat import Json
from gateway_core.wires.fit import forces_a_call
from gateway_core.wires.shapes import items, mapping


def tools_in(params: Json) -> list[Json]:
    """The functions that the model may call, without their envelopes."""
    return [mapping(mapping(tool).get("function")) for tool in items(params.get("tools"))]


def tooling(params: Json, dropped: set[str]) -> dict[str, Any]:
    """The members `tools` and `toolConfig`; none if no tools are offered. Names what is lost in `dropped`."""
    functions, choice = tools_in(params), params.get("tool_choice")
    if not functions:
        dropped |= {"tool_choice"} if forces_a_call(params) else set()
        return {}
    if params.get("parallel_tool_calls") is False:
        dropped.add("parallel_tool_calls")
    if any("cache_control" in mapping(tool) for tool in items(params.get("tools"))):
        dropped.add("cache_control")
    allowed = mapping(mapping(choice).get("allowed_tools"))
    if allowed and not forces_a_call(params):
        # Names restrict the mode ANY; where the model may also not call, the others are not offered.
        named = _names(allowed)
        functions, choice = [function for function in functions if function.get("name") in named], "auto"
    if not functions:
        return {}
    calling = _calling(choice, is_strict=any(function.get("strict") for function in functions))
    declared = [{"functionDeclarations": [_declaration(function) for function in functions]}]
    return {"tools": declared, **({"toolConfig": {"functionCallingConfig": calling}} if calling else {})}


def _declaration(function: Json) -> Json:
    """A function without parameters has no schema: there is no word for an empty one."""
    schema = function.get("parameters")
    return {
        "name": function.get("name"),
        **({"description": function["description"]} if function.get("description") else {}),
        **({"parametersJsonSchema": schema} if mapping(schema) else {}),
    }


def _calling(choice: Any, *, is_strict: bool) -> Json:
    """ANY holds to the schemas by itself, and VALIDATED is AUTO that does."""
    match choice:
        case "none":
            return {"mode": "NONE"}
        case "required":
            return {"mode": "ANY"}
        case {"type": "allowed_tools"}:
            return {"mode": "ANY", "allowedFunctionNames": _names(mapping(choice.get("allowed_tools")))}
        case {"function": {"name": name}}:
            return {"mode": "ANY", "allowedFunctionNames": [name]}
        case _ if is_strict:
            return {"mode": "VALIDATED"}
        case _:
            return {"mode": "AUTO"} if choice else {}


def _names(allowed: Json) -> list[Any]:
    return [mapping(mapping(tool).get("function")).get("name") for tool in items(allowed.get("tools"))]
