"""JSON schemas: references looked up, unions brought to one object, older drafts to the one that Anthropic wants.

Tools: "JSON schema is invalid. It must match JSON Schema draft 2020-12", and at the top an object without oneOf, allOf
or anyOf (https://platform.claude.com/docs/en/agents-and-tools/tool-use/define-tools).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import unquote

from gateway_core.domain.chat import Json
from gateway_core.wires.shapes import items, mapping

UNIONS = ("allOf", "anyOf", "oneOf")
_MAPS = frozenset({"properties", "patternProperties", "$defs", "definitions", "dependentSchemas"})
_VALUES = frozenset({"const", "default", "enum", "examples", "required"})
_DEEPEST = 150
_SAYS = {"allOf": "all of", "anyOf": "at least one of", "oneOf": "exactly one of"}


def target(reference: object, root: Json) -> Any:
    """What a reference within `root` leads to; None if it leads nowhere, or out of it."""
    if not isinstance(reference, str) or not (reference == "#" or reference.startswith("#/")):
        return None
    node: Any = root
    for step in reference.split("/")[1:]:
        name = unquote(step).replace("~1", "/").replace("~0", "~")
        if isinstance(node, list) and name.isdecimal() and int(name) < len(node):
            node = node[int(name)]
        else:
            node = mapping(node).get(name)
    return node


def modern(schema: Any) -> Any:
    """The schema in the words of draft 2020-12: tuples, and bounds that are exclusive."""
    if isinstance(schema, list):
        return [modern(one) for one in schema]
    if not isinstance(schema, Mapping):
        return schema
    made = {name: _modern_value(name, value) for name, value in schema.items()}
    if isinstance(made.get("items"), list):
        made["prefixItems"] = made.pop("items")
        if "additionalItems" in made:
            made["items"] = made.pop("additionalItems")
    for exclusive, bound in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        if isinstance(made.get(exclusive), bool):
            is_exclusive = made.pop(exclusive)
            if is_exclusive and bound in made:
                made[exclusive] = made.pop(bound)
    return made


def _modern_value(name: str, value: Any) -> Any:
    if name in _VALUES:
        return value
    if name in _MAPS and isinstance(value, Mapping):
        return {inner: modern(one) for inner, one in value.items()}
    return modern(value)


def is_too_deep(schema: Any) -> bool:
    """Whether it is nested deeper than anybody's schema, and than a walk through it is safe."""
    level = [schema]
    for _ in range(_DEEPEST):
        level = [one for node in level for one in _inner(node)]
        if not level:
            return False
    return True


def _inner(node: Any) -> Iterable[Any]:
    return node.values() if isinstance(node, Mapping) else node if isinstance(node, list) else ()


def is_objects(schema: Json) -> bool:
    """Whether it lets objects through, by its type."""
    kind = schema.get("type", "object")
    return kind == "object" or "object" in items(kind)


type Known = dict[str, dict[str, Any]]
"""References that were followed already: each is flattened once, and one that leads back to itself ends there."""


def flattened(schema: Json, root: Json, known: Known | None = None) -> dict[str, Any]:
    """The schema of an object without a reference or a union at its top.

    Properties of all branches are taken together; required is what each of the alternatives requires. What that leaves
    out is told in the description.
    """
    known = {} if known is None else known
    reference = schema.get("$ref")
    if isinstance(reference, str):
        if reference not in known:
            known[reference] = {}
            known[reference] = flattened(mapping(target(reference, root)), root, known)
        rest = {name: value for name, value in schema.items() if name != "$ref"}
        return flattened({**known[reference], **rest}, root, known)
    made = {name: value for name, value in schema.items() if name not in UNIONS}
    for union in UNIONS:
        if union in schema:
            _take_in(made, union, items(schema[union]), root, known)
    return made


def _take_in(made: dict[str, Any], union: str, branches: list[Any], root: Json, known: Known) -> None:
    objects = [flattened(branch, root, known) for branch in map(mapping, branches) if is_objects(branch)]
    properties = dict(mapping(made.get("properties")))
    for branch in objects:
        for name, one in mapping(branch.get("properties")).items():
            properties[name] = _either(properties[name], one, union) if name in properties else one
    required = [set(map(str, items(branch.get("required")))) for branch in objects]
    common = set().union(*required) if union == "allOf" else set.intersection(*required) if required else set()
    wanted = {*map(str, items(made.get("required"))), *common}
    if properties:
        made["properties"] = properties
    if wanted:
        made["required"] = [*(name for name in properties if name in wanted), *sorted(wanted - properties.keys())]
    told = f"It must match {_SAYS[union]}: {json.dumps(branches, ensure_ascii=False)}"
    made["description"] = f"{made['description']}\n\n{told}" if made.get("description") else told


def _either(first: Any, second: Any, union: str) -> Any:
    if first == second:
        return first
    word = "allOf" if union == "allOf" else "anyOf"
    known = mapping(first)
    before = known[word] if known.keys() == {word} else [first]
    return first if second in before else {word: [*before, second]}
