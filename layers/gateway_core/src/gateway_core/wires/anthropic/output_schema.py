"""The schema of an answer, as Anthropic's structured outputs take it.

Objects are closed; what cannot be enforced is told in the description instead, as Anthropic's own SDKs do it. What
would let other answers through, or fewer, is not adapted: who asks is told.
Source: https://platform.claude.com/docs/en/build-with-claude/structured-outputs ("JSON Schema limitations", "How SDK
transformation works").
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from gateway_core.domain.chat import Json
from gateway_core.wires.anthropic.schemas import flattened, is_too_deep, modern, target
from gateway_core.wires.shapes import items, mapping

_FORMATS = frozenset(
    {"date", "date-time", "duration", "email", "hostname", "ipv4", "ipv6", "time", "uri", "uuid"},
)
_KEPT = ("title", "description", "default")
_SILENT = frozenset({"$schema", "$id", "$comment", "$anchor", "$defs", "definitions", "discriminator", "nullable"})
_TYPES: dict[str, tuple[type, ...]] = {
    "boolean": (bool,),
    "integer": (int,),
    "null": (type(None),),
    "number": (int, float),
    "string": (str,),
}
_ODD = re.compile(r"[^A-Za-z0-9_]")


class UnfitSchemaError(ValueError):
    """The schema asks for what cannot be enforced; its text says what that is."""


def adapted(schema: Any, refuses: frozenset[str] = frozenset()) -> dict[str, Any]:
    """The schema to send. `refuses` is the model's, see `ModelRules.schema_refuses`. Raises UnfitSchemaError."""
    if is_too_deep(schema):
        raise UnfitSchemaError("a schema as deep as this")
    root = modern(schema)
    if not isinstance(root, Mapping):
        raise UnfitSchemaError("values of any kind")
    return _Adapter(root, refuses).whole()


class _Adapter:
    """One schema: definitions are adapted once each, where something refers to them."""

    def __init__(self, root: Json, refuses: frozenset[str]) -> None:
        self._root = root
        self._recurses = "recursion" not in refuses
        self._names: dict[str, str] = {}
        self._defs: dict[str, dict[str, Any]] = {}
        self._open = ["#"]

    def whole(self) -> dict[str, Any]:
        made = self._node(self._root)
        if "#" in self._names:
            self._defs[self._names["#"]] = made
            made = {"$ref": f"#/$defs/{self._names['#']}"}
        return {**made, "$defs": self._defs} if self._defs else made

    def _node(self, node: Any) -> dict[str, Any]:
        if not isinstance(node, Mapping):
            raise UnfitSchemaError("values of any kind")
        rest = {name: value for name, value in node.items() if name not in _SILENT}
        made = self._main(rest)
        made |= {name: rest.pop(name) for name in _KEPT if name in rest}
        if rest:
            told = ", ".join(f"{name}: {json.dumps(value, ensure_ascii=False)}" for name, value in rest.items())
            made["description"] = f"{made['description']}\n\n{{{told}}}" if made.get("description") else f"{{{told}}}"
        if "$ref" in made and len(made) > 1:  # nothing stands beside a reference
            return {"anyOf": [{"$ref": made.pop("$ref")}], **made}
        return made

    def _main(self, rest: dict[str, Any]) -> dict[str, Any]:
        """What is enforced of a node; it is taken out of `rest`."""
        if "$ref" in rest:
            return {"$ref": self._reference(str(rest.pop("$ref")))}
        if "enum" in rest or "const" in rest:
            return _literal(rest)
        branches = items(rest.get("allOf"))
        if len(branches) == 1:
            return self._union(rest, "allOf", branches)
        if branches:
            return self._merged(rest)
        for union in ("anyOf", "oneOf"):
            if union in rest and "properties" not in rest:
                return self._union(rest, union, items(rest[union]))
        return self._typed(rest)

    def _union(self, rest: dict[str, Any], union: str, branches: list[Any]) -> dict[str, Any]:
        if not branches:
            raise UnfitSchemaError("a choice of nothing")
        del rest[union]
        rest.pop("type", None)
        return {"anyOf": [self._node(branch) for branch in branches]}

    def _merged(self, rest: dict[str, Any]) -> dict[str, Any]:
        """Objects that are to match several schemas at once, as one closed object."""
        whole = flattened({name: rest.pop(name) for name in list(rest) if name not in _KEPT}, self._root)
        if "properties" not in whole:
            raise UnfitSchemaError("several schemas at once")
        del whole["description"]
        return self._node({"type": "object", **whole})

    def _reference(self, reference: str) -> str:
        if reference in self._open and not self._recurses:
            raise UnfitSchemaError("a recursive schema")
        if reference not in self._names:
            found = target(reference, self._root)
            if found is None:
                raise UnfitSchemaError(f"a reference that leads nowhere ({reference})")
            self._names[reference] = name = self._new_name(reference)
            if reference != "#":
                self._open.append(reference)
                self._defs[name] = self._node(found)
                self._open.pop()
        return f"#/$defs/{self._names[reference]}"

    def _new_name(self, reference: str) -> str:
        plain = _ODD.sub("_", reference.rpartition("/")[2].lstrip("#")) or "root"
        taken = set(self._names.values())
        return next(name for number in range(len(taken) + 1) if (name := f"{plain}{number or ''}") not in taken)

    def _typed(self, rest: dict[str, Any]) -> dict[str, Any]:
        kind = rest.pop("type", None) or ("object" if "properties" in rest else "array" if "items" in rest else None)
        kinds = items(kind) or [kind]
        made: dict[str, Any] = {"type": kind}
        for one in kinds:
            match one:
                case "object":
                    made |= self._object(rest)
                case "array":
                    made |= self._array(rest)
                case "string":
                    made |= {"format": rest.pop("format")} if rest.get("format") in _FORMATS else {}
                case "boolean" | "integer" | "null" | "number":
                    pass
                case _:
                    raise UnfitSchemaError("values of any kind")
        return made

    def _object(self, rest: dict[str, Any]) -> dict[str, Any]:
        more = rest.pop("additionalProperties", False)
        if more is not False or "patternProperties" in rest or "properties" not in rest:
            raise UnfitSchemaError("objects with properties that the schema does not name")
        properties = {name: self._node(one) for name, one in mapping(rest.pop("properties")).items()}
        required = [name for name in items(rest.pop("required", None)) if name in properties]
        return {"properties": properties, "required": required, "additionalProperties": False}

    def _array(self, rest: dict[str, Any]) -> dict[str, Any]:
        """A tuple is an array of any of its members, told which comes where."""
        tuple_ = items(rest.get("prefixItems"))
        inner = rest.pop("items", None)
        several = [*tuple_, *([] if inner is None or inner is False else [inner])]
        if not several:
            raise UnfitSchemaError("values of any kind")
        made = [self._node(one) for one in several]
        least = {"minItems": rest.pop("minItems")} if rest.get("minItems") in (0, 1) else {}
        return {"items": made[0] if len(made) == 1 else {"anyOf": made}, **least}


def _literal(rest: dict[str, Any]) -> dict[str, Any]:
    """One of some values, with the type that all of them have."""
    const = {"const": rest.pop("const")} if "const" in rest else {}
    values = items(rest.pop("enum", None)) or list(const.values())
    if not values or any(isinstance(value, dict | list) for value in values):
        raise UnfitSchemaError("values that are objects or lists")
    kind = rest.pop("type", None)
    allowed = tuple(python for one in items(kind) or [kind] for python in _TYPES.get(str(one), ()))
    typed = {"type": kind} if allowed and all(isinstance(value, allowed) for value in values) else {}
    return {**typed, **(const or {"enum": values})}
