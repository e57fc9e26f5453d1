"""A value that a JSON schema accepts: the smallest that its keywords allow, in the order they are written."""

from __future__ import annotations

from typing import Any

from local.providers.model import Json

_DEEP = 3
_DEEPEST = 40
_SAMPLES: dict[str, Any] = {"string": "text", "boolean": True, "null": None}
_FORMATS = {
    "date": "2026-01-31",
    "date-time": "2026-01-31T12:00:00Z",
    "email": "user@example.com",
    "uri": "https://example.com/",
    "uuid": "00000000-0000-4000-8000-000000000000",
}


def value_for(schema: Any, root: Json | None = None, depth: int = 0) -> Any:
    """An instance of `schema`. Knows types, enum, const, properties, items, bounds, anyOf and local references.

    Type names may be written in Gemini's upper case. Patterns are not obeyed. What is recursive ends where it may:
    below `_DEEP` levels only what is required is filled in, and of several forms the one without a reference.
    """
    if not isinstance(schema, dict):
        return _SAMPLES["string"] if schema else None
    root = schema if root is None else root
    schema = _resolved(schema, root, depth)
    if not isinstance(schema, dict) or depth > _DEEPEST:
        return None
    for keyword in ("const", "default"):
        if keyword in schema:
            return schema[keyword]
    if schema.get("enum"):
        return schema["enum"][0]
    return _of_type(_type_of(schema), schema, root, depth)


def _resolved(schema: Any, root: Json, depth: int) -> Any:
    while isinstance(schema, dict) and (reference := schema.get("$ref")):
        node: Any = root
        for step in reference.removeprefix("#").strip("/").split("/"):
            node = node[step] if step else node
        schema = node
    for keyword in ("anyOf", "oneOf", "allOf"):
        if isinstance(schema, dict) and schema.get(keyword):
            return _resolved(_chosen(schema[keyword], depth), root, depth)
    return schema


def _chosen(forms: list[Any], depth: int) -> Any:
    plain = [form for form in forms if "$ref" not in str(form)]
    return plain[0] if plain and depth >= _DEEP else forms[0]


def _type_of(schema: Json) -> str:
    kind = schema.get("type") or ("object" if "properties" in schema else "string")
    return str(kind[0] if isinstance(kind, list) else kind).lower()


def _of_type(kind: str, schema: Json, root: Json, depth: int) -> Any:
    if kind == "object":
        wanted = schema.get("required", ()) if depth >= _DEEP else schema.get("properties", {})
        parts = [(name, part) for name, part in schema.get("properties", {}).items() if name in wanted]
        return {name: value_for(part, root, depth + 1) for name, part in parts}
    if kind == "array":
        least = int(schema.get("minItems", 0 if depth >= _DEEP else 1))
        return [value_for(schema.get("items", {}), root, depth + 1)] * (least if depth >= _DEEP else max(1, least))
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
