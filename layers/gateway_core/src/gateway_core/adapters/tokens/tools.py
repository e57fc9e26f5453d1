"""Tools as OpenAI shows them to its models, as far as that is known from the tokens that it charges: as TypeScript.

The form is LiteLLM's, `_format_function_definitions` in `litellm_core_utils/token_counter.py`, which has it from others
who found it by trying. Where a schema is more than that form knows, it is written as TypeScript would have it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from gateway_core.domain.chat import Json
from gateway_core.wires.shapes import items, mapping

_PLAIN = {"string": "string", "integer": "number", "number": "number", "boolean": "boolean", "null": "null"}
_WITH_ENUM = [None, "string", "integer", "number"]
_INDENT = 2


def as_shown(functions: Iterable[Json]) -> str:
    """All functions in one text. Takes any JSON; raises RecursionError for a schema that is nested too deeply."""
    lines = [line for function in functions if function.get("name") for line in _function(function)]
    return "\n".join(("namespace functions {", "", *lines, "} // namespace functions"))


def _function(function: Json) -> Iterator[str]:
    parameters = mapping(function.get("parameters"))
    if function.get("description"):
        yield f"// {function['description']}"
    if mapping(parameters.get("properties")):
        yield f"type {function['name']} = (_: {{"
        yield _members(parameters, 0)
        yield "}) => any;"
    else:
        yield f"type {function['name']} = () => any;"
    yield ""


def _members(schema: Json, indent: int) -> str:
    required = items(schema.get("required"))
    lines = []
    for name, member in mapping(schema.get("properties")).items():
        known = mapping(member)
        if known.get("description"):
            lines.append(f"// {known['description']}")
        lines.append(f"{name}{'' if name in required else '?'}: {_type(known, indent)},")
    return "\n".join(" " * indent + line for line in lines)


def _type(schema: Json, indent: int) -> str:
    kind = schema.get("type")
    if isinstance(kind, list):
        return _union(({**schema, "type": one} for one in kind), indent)
    if "enum" in schema and kind in _WITH_ENUM:
        return " | ".join(f'"{value}"' for value in items(schema["enum"]))
    if kind == "array":
        return f"{_type(mapping(schema.get('items')), indent)}[]"
    if kind == "object":
        return f"{{\n{_members(schema, indent + _INDENT)}\n}}"
    choices = items(schema.get("anyOf")) or items(schema.get("oneOf"))
    return _PLAIN.get(str(kind)) or _union(map(mapping, choices), indent) or "any"


def _union(choices: Iterable[Any], indent: int) -> str:
    return " | ".join(_type(choice, indent) for choice in choices)
