"""Tools and the choice among them, and JSON mode, which is a tool as well.

Anthropic has no JSON mode: the answer is asked for as the arguments of a tool that has to be called, which are JSON.
Sources: https://platform.claude.com/docs/en/agents-and-tools/tool-use/define-tools, /strict-tool-use.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gateway_core.domain.chat import Json
from gateway_core.wires.anthropic.blocks import CACHE_CONTROL
from gateway_core.wires.anthropic.output_schema import UnfitSchemaError, adapted
from gateway_core.wires.anthropic.schemas import UNIONS, flattened, is_objects, is_too_deep, modern
from gateway_core.wires.fit import forces_a_call
from gateway_core.wires.shapes import items, mapping

_KEY = re.compile(r"[a-zA-Z0-9_.-]{1,64}")
_JSON_TOOL = "json_answer"
_JSON_SAYS = "Gives the whole answer. Its arguments are the answer itself, a JSON object, with nothing around it."
_MOST_STRICT, _MOST_OPTIONAL, _MOST_UNIONS = 20, 24, 16
"""How much of strict schemas a request may have (docs: "Structured outputs", "Schema complexity limits")."""


@dataclass(frozen=True, slots=True)
class Tools:
    """Tools and their choice to send, either may be empty; whether the caller offers any; what changed by name."""

    offered: list[dict[str, Any]]
    choice: Json
    has_own: bool
    dropped: frozenset[str] = frozenset()


def json_tool(params: Json) -> str:
    """The name of the tool by which a JSON answer is asked for; empty where it is not.

    Where the model has to call one of the caller's tools there is no other answer.
    """
    own = {_name(tool) for tool in offered_tools(params)}
    if mapping(params.get("response_format")).get("type") != "json_object" or (own and forces_a_call(params)):
        return ""
    name = _JSON_TOOL
    while name in own:
        name += "_"
    return name


def tools_of(params: Json, called: Sequence[str], *, enforces: bool) -> Tools:
    """The tools of a request; `called` are those that the conversation has calls of.

    `enforces` says whether the model has structured outputs, by which strict tools are kept to their schemas.

    A conversation with calls has to come with tools: if it has none, those that it called, to be called no more.
    """
    own = offered_tools(params)
    made, dropped = _made(own, _strict_schemas(own) if enforces else {})
    if not own and forces_a_call(params):
        dropped.add("tool_choice")
    answer = json_tool(params)
    if answer:
        made.append({"name": answer, "description": _JSON_SAYS, "input_schema": _free()})
    elif not own and called:
        made = [{"name": name, "description": "No longer offered.", "input_schema": _free()} for name in called]
        return Tools(made, {"type": "none"}, has_own=False, dropped=frozenset(dropped))
    choice = _json_choice(params, answer, has_own=bool(own)) if answer else _choice(params) if own else {}
    return Tools(made, choice, bool(own), frozenset(dropped))


def offered_tools(params: Json) -> list[Json]:
    """The caller's functions, without those that `allowed_tools` leaves out."""
    tools = [tool for tool in map(mapping, items(params.get("tools"))) if mapping(tool.get("function"))]
    choice = mapping(params.get("tool_choice"))
    if choice.get("type") != "allowed_tools":
        return tools
    allowed = {_name(mapping(tool)) for tool in items(mapping(choice.get("allowed_tools")).get("tools"))}
    return [tool for tool in tools if _name(tool) in allowed]


def tool_trouble(params: Json) -> tuple[str, str] | None:
    """The field of what no form can be found for, and why."""
    tools = offered_tools(params)
    for index, tool in enumerate(tools):
        if why := _trouble_of(mapping(tool["function"]).get("parameters")):
            return f"tools.{index}.function.parameters", why
    if len(set(map(_name, tools))) < len(tools):
        return "tools", "takes one tool of a name"
    return None


def _name(tool: Json) -> str:
    return str(mapping(tool.get("function")).get("name"))


def _free() -> dict[str, Any]:
    return {"type": "object", "additionalProperties": True}


def _made(tools: Sequence[Json], strict: Mapping[int, dict[str, Any]]) -> tuple[list[dict[str, Any]], set[str]]:
    made, dropped = [], set()
    for index, tool in enumerate(tools):
        function = mapping(tool["function"])
        schema, changed = _input_schema(function.get("parameters"))
        if function.get("strict") and index not in strict:
            dropped.add("strict")
        if changed:
            dropped.add("tools")
        mark = tool.get(CACHE_CONTROL) or function.get(CACHE_CONTROL)
        made.append(
            {
                "name": _name(tool),
                **({"description": function["description"]} if function.get("description") else {}),
                **({"input_schema": strict[index], "strict": True} if index in strict else {"input_schema": schema}),
                **({CACHE_CONTROL: mark} if mark else {}),
            }
        )
    return made, dropped


def _input_schema(parameters: Any) -> tuple[dict[str, Any], bool]:
    """The schema of a tool's arguments, and whether it had to be put otherwise."""
    if not isinstance(parameters, dict) or not parameters:
        return _free() if parameters else {"type": "object", "properties": {}}, False
    schema = modern(parameters)
    if any(union in schema for union in (*UNIONS, "$ref")):
        return {**flattened(schema, schema), "type": "object"}, any(union in schema for union in UNIONS)
    return ({**schema, "type": "object"} if schema.get("type") != "object" else schema), False


def _trouble_of(parameters: Any) -> str:
    """`true` lets objects through, as does nothing at all."""
    if not isinstance(parameters, dict):
        return ""
    if is_too_deep(parameters):
        return "does not take a schema as deep as this"
    schema = flattened(parameters, parameters)
    if not is_objects(schema):
        return "takes objects only as the arguments of a tool"
    odd = next((name for name in mapping(schema.get("properties")) if not _KEY.fullmatch(name)), None)
    return "" if odd is None else "takes letters, digits, '_', '.' and '-' only in the names of arguments, 64 at most"


def _strict_schemas(tools: Sequence[Json]) -> dict[int, dict[str, Any]]:
    """By their places, the schemas that are to be kept to exactly, where all of them together can be."""
    found: dict[int, dict[str, Any]] = {}
    for index, tool in enumerate(tools):
        function = mapping(tool["function"])
        if function.get("strict"):
            try:
                schema = adapted(function.get("parameters") or {"type": "object", "properties": {}}, _NO_RECURSION)
            except UnfitSchemaError:
                continue
            if schema.get("type") == "object":
                found[index] = schema
    optional = sum(map(_optional, found.values()))
    unions = sum(map(_unions, found.values()))
    fits = len(found) <= _MOST_STRICT and optional <= _MOST_OPTIONAL and unions <= _MOST_UNIONS
    return found if fits else {}


_NO_RECURSION = frozenset({"recursion"})


def _optional(node: Any) -> int:
    if isinstance(node, list):
        return sum(map(_optional, node))
    if not isinstance(node, dict):
        return 0
    own = len(node["properties"]) - len(node["required"]) if node.get("additionalProperties") is False else 0
    return own + sum(map(_optional, node.values()))


def _unions(node: Any) -> int:
    if isinstance(node, list):
        return sum(map(_unions, node))
    if not isinstance(node, dict):
        return 0
    own = isinstance(node.get("anyOf"), list) or isinstance(node.get("type"), list)
    return own + sum(map(_unions, node.values()))


def _json_choice(params: Json, answer: str, *, has_own: bool) -> Json:
    """With tools of the caller's the model has to call one, or to answer; else to answer, and once."""
    if has_own and params.get("tool_choice") != "none":
        return {"type": "any", **_one_at_a_time(params)}
    return {"type": "tool", "name": answer, "disable_parallel_tool_use": True}


def _choice(params: Json) -> Json:
    wanted = params.get("tool_choice")
    if wanted == "none":
        return {"type": "none"}
    single = _one_at_a_time(params)
    if mapping(wanted).get("type") == "function":
        return {"type": "tool", "name": _name(mapping(wanted)), **single}
    if forces_a_call(params):
        return {"type": "any", **single}
    return {"type": "auto", **single} if single or wanted == "auto" else {}


def _one_at_a_time(params: Json) -> Json:
    return {"disable_parallel_tool_use": True} if params.get("parallel_tool_calls") is False else {}
