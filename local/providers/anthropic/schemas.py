"""The JSON schemas that Anthropic's structured outputs take.

Rules as of 2026-11-29, from https://platform.claude.com/docs/en/build-with-claude/structured-outputs ("JSON Schema
limitations"): objects close themselves, nothing is recursive, no bounds of numbers, strings or arrays (but for minItems
0 and 1), enums of simple values, references within the schema.
"""

from __future__ import annotations

from typing import Any

from local.providers.model import Json, Refused

_UNSUPPORTED: dict[str, tuple[str, ...]] = {
    "array": ("maxItems", "uniqueItems", "contains", "minContains", "maxContains", "prefixItems"),
    "integer": ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
    "number": ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
    "object": ("minProperties", "maxProperties", "patternProperties", "propertyNames"),
    "string": ("minLength", "maxLength"),
}
_FORMATS = frozenset(
    ["date", "date-time", "duration", "email", "hostname", "ipv4", "ipv6", "time", "uri", "uuid", "unknown"]
)
_LISTS = ("anyOf", "allOf")
_MAPS = ("properties", "$defs", "definitions")


def check_output_schema(at: str, schema: Any) -> None:
    """Raises Refused."""
    if not isinstance(schema, dict):
        raise Refused(f"{at}: Input should be a valid dictionary")
    _check(at, schema)
    _check_references(at, schema, schema, ())


def _check(at: str, node: Any) -> None:
    if not isinstance(node, dict):
        raise Refused(f"{at}: Schema must be an object")
    if "oneOf" in node:
        raise Refused(f"{at}: Schema type 'oneOf' is not supported")
    for kind in _types(node):
        _check_type(at, node, kind)
    if any(isinstance(value, dict | list) for value in node.get("enum") or ()):
        raise Refused(f"{at}: Enum values of complex types are not supported")
    for inner in _children(node):
        _check(at, inner)


def _types(node: Json) -> list[str]:
    kind = node.get("type")
    return [str(item) for item in kind] if isinstance(kind, list) else [str(kind)] if kind else []


def _check_type(at: str, node: Json, kind: str) -> None:
    found = sorted(set(node) & set(_UNSUPPORTED.get(kind, ())))
    if found:
        listed = ", ".join(f"'{name}'" for name in found)
        what = f"property {listed} is" if len(found) == 1 else f"properties {listed} are"
        raise Refused(f"{at}: For '{kind}' type, {what} not supported")
    if kind == "object" and node.get("additionalProperties") is not False:
        raise Refused(f"{at}: For 'object' type, 'additionalProperties' must be explicitly set to false")
    if kind == "array" and node.get("minItems", 0) not in (0, 1):
        raise Refused(f"{at}: For 'array' type, 'minItems' values other than 0 or 1 are not supported")
    if kind == "string" and node.get("format", "unknown") not in _FORMATS:
        raise Refused(f"{at}: String format '{node['format']}' is not supported")


def _children(node: Json) -> list[Any]:
    items = [node["items"]] if "items" in node else []
    listed = [inner for name in _LISTS for inner in node.get(name) or ()]
    return items + listed + [inner for name in _MAPS for inner in (node.get(name) or {}).values()]


def _check_references(at: str, node: Json, root: Json, path: tuple[str, ...]) -> None:
    """Follows every reference once on each way down; one that comes back to itself is a recursion."""
    reference = node.get("$ref")
    if isinstance(reference, str):
        if reference in path or reference == "#":
            raise Refused(f"{at}: Circular reference detected in schema definitions: {reference}")
        _check_references(at, _target(at, reference, root), root, (*path, reference))
    for inner in _children({name: value for name, value in node.items() if name not in ("$defs", "definitions")}):
        _check_references(at, inner, root, path)


def _target(at: str, reference: str, root: Json) -> Json:
    if not reference.startswith("#/"):
        raise Refused(f"{at}: External schema reference '{reference}' is not supported")
    node: Any = root
    for step in reference[2:].split("/"):
        node = node.get(step) if isinstance(node, dict) else None
    if not isinstance(node, dict):
        raise Refused(f"{at}: Reference '{reference}' not found in schema definitions")
    return node
