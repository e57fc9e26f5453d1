"""How a question asks for an answer by a schema: by the provider's structured output where the model has it. Pure.

Providers take a part of JSON Schema: objects that are closed, and no unusual keyword. OpenAI is strict only where all
properties are required, too (https://platform.openai.com/docs/guides/structured-outputs#supported-schemas); Claude
refuses an object that is not closed. A schema beyond that part would be a 400, so it is told in words instead.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

from gateway_core.domain.chat import Json, Model

_STRICT = frozenset(
    {
        "$defs",
        "$ref",
        "additionalProperties",
        "anyOf",
        "const",
        "definitions",
        "description",
        "enum",
        "exclusiveMaximum",
        "exclusiveMinimum",
        "format",
        "items",
        "maxItems",
        "maximum",
        "minItems",
        "minimum",
        "multipleOf",
        "pattern",
        "properties",
        "required",
        "title",
        "type",
    }
)
_UNSAID = frozenset({"$id", "$schema", "default", "examples", "maxLength", "minLength", "uniqueItems"})
"""What says nothing to them, or what they cannot guarantee: the answer is held to it all the same."""
_DATA = frozenset({"const", "enum", "required"})
_SCHEMAS_BY_NAME = ("properties", "$defs", "definitions")
_MOST_PROPERTIES, _MOST_DEPTH = 5000, 10

type Means = Literal["strict", "loose", "words"]
"""How far providers can hold a model to a schema."""


def response_format(schema: Json | None, models: Iterable[Model]) -> dict[str, Any] | None:
    """OpenAI's `response_format` for what all of the models can do; None where only the prompt can ask for it."""
    if schema is None or schema.get("type") != "object":
        return None
    abilities = [model.capabilities for model in models]
    told = closed(schema)
    means = means_of(told)
    if means != "words" and abilities and all("json_schema" in ability for ability in abilities):
        return {"type": "json_schema", "json_schema": {"name": "answer", "schema": told, "strict": means == "strict"}}
    return {"type": "json_object"} if abilities and all("json" in ability for ability in abilities) else None


def closed(schema: Any) -> Any:
    """The schema for providers: an object that names its properties allows no others."""
    if isinstance(schema, list):
        return [closed(child) for child in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {name: _closed_below(name, value) for name, value in schema.items() if name not in _UNSAID}
    if "properties" in kept:
        kept.setdefault("additionalProperties", False)
    return kept


def _closed_below(keyword: str, value: Any) -> Any:
    if keyword in _DATA:
        return value
    if keyword in _SCHEMAS_BY_NAME and isinstance(value, dict):
        return {name: closed(child) for name, child in value.items()}
    return closed(value)


def means_of(schema: Json) -> Means:
    """Of a closed schema."""
    found: set[Means] = {"strict"}
    properties, deepest = 0, 0
    stack: list[tuple[Any, int]] = [(schema, 1)]
    while stack:
        node, depth = stack.pop()
        found.add(_means_of_node(node))
        if not isinstance(node, dict):
            continue
        properties, deepest = properties + len(node.get("properties", ())), max(deepest, depth)
        stack += [(child, depth + 1) for child in _subschemas(node)]
    if "words" in found or properties > _MOST_PROPERTIES:
        return "words"
    return "loose" if "loose" in found or deepest > _MOST_DEPTH else "strict"


def _means_of_node(node: Any) -> Means:
    if not isinstance(node, dict) or not node.keys() <= _STRICT:
        return "words"
    if _is_object(node) and (node.get("additionalProperties") is not False or "properties" not in node):
        return "words"
    if set(node.get("required", ())) != set(node.get("properties", ())):
        return "loose"
    return "strict" if node.keys() & {"type", "anyOf", "$ref", "enum", "const"} else "loose"


def _is_object(node: Json) -> bool:
    kind = node.get("type")
    return kind == "object" or "properties" in node or (isinstance(kind, list) and "object" in kind)


def _subschemas(node: Json) -> list[Any]:
    named = [child for keyword in _SCHEMAS_BY_NAME for child in dict(node.get(keyword, {})).values()]
    return [*named, *node.get("anyOf", ()), *([node["items"]] if "items" in node else ())]
