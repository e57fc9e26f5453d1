"""A value that a JSON schema accepts: the smallest that its keywords allow, in the order they are written."""

from __future__ import annotations

from typing import Any

from local.providers.model import Json

_SAMPLES: dict[str, Any] = {"string": "text", "boolean": True, "null": None}
_FORMATS = {
    "date": "2026-01-31",
    "date-time": "2026-01-31T12:00:00Z",
    "email": "user@example.com",
    "uri": "https://example.com/",
    "uuid": "00000000-0000-4000-8000-000000000000",
}


def value_for(schema: Json, root: Json | None = None) -> Any:
    """An instance of `schema`. Knows types, enum, const, properties, items, bounds, anyOf and local references.

    Type names may be written in Gemini's upper case. Patterns are not obeyed.
    """
    root = schema if root is None else root
    schema = _resolved(schema, root)
    for keyword in ("const", "default"):
        if keyword in schema:
            return schema[keyword]
    if schema.get("enum"):
        return schema["enum"][0]
    return _of_type(_type_of(schema), schema, root)


def _resolved(schema: Json, root: Json) -> Json:
    while reference := schema.get("$ref"):
        node = root
        for step in reference.removeprefix("#").strip("/").split("/"):
            node = node[step] if step else node
        schema = node
    for keyword in ("anyOf", "oneOf", "allOf"):
        if schema.get(keyword):
            return _resolved(schema[keyword][0], root)
    return schema


def _type_of(schema: Json) -> str:
    kind = schema.get("type") or ("object" if "properties" in schema else "string")
    return str(kind[0] if isinstance(kind, list) else kind).lower()


def _of_type(kind: str, schema: Json, root: Json) -> Any:
    if kind == "object":
        return {name: value_for(part, root) for name, part in schema.get("properties", {}).items()}
    if kind == "array":
        return [value_for(schema.get("items", {}), root)] * max(1, int(schema.get("minItems", 1)))
    if kind in ("integer", "number"):
        return _number(schema, kind)
    if kind == "string":
        return _string(schema)
    return _SAMPLES.get(kind)


def _number(schema: Json, kind: str) -> int | float:
    low = float(schema.get("exclusiveMinimum") or schema.get("minimum") or 0)
    value = low + 1 if "exclusiveMinimum" in schema else max(low, 1.0)
    value = min(value, float(schema.get("maximum", value)))
    return int(value) if kind == "integer" else value


def _string(schema: Json) -> str:
    text = _FORMATS.get(schema.get("format", ""), str(_SAMPLES["string"]))
    text = text.ljust(int(schema.get("minLength", 0)), "x")
    return text[: int(schema.get("maxLength", len(text)))]
