"""What LiteLLM would lose or change without a word: who is called through it is not asked for that.

Measured on LiteLLM 1.106 over the simulator, see docs/wires.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from gateway_core.domain.chat import Json
from gateway_core.wires.anthropic import ANTHROPIC
from gateway_core.wires.codec import Objection
from gateway_core.wires.demands import DEMANDS
from gateway_core.wires.gemini import GEMINI
from gateway_core.wires.shapes import items, mapping
from gateway_core.wires.wire import Wire

FOREIGN_CANNOT = DEMANDS
"""Nothing of it is among the options that reach LiteLLM, or is part of a message that it translates for all."""
_SYSTEM = ("system", "developer")
_MANGLED = frozenset({"$defs", "$ref", "const", "oneOf"})


def foreign_objection(wire: Wire, messages: Sequence[Json], params: Json) -> Objection | None:
    """What LiteLLM cannot be trusted with on its way to this wire."""
    checks = (_knows_no_list, *_CHECKS.get(wire.name, ()))
    return next(filter(None, (check(messages, params) for check in checks)), None)


def _knows_no_list(_messages: Sequence[Json], params: Json) -> Objection | None:
    """It reads the name of one function there, and finds none."""
    if mapping(params.get("tool_choice")).get("type") == "allowed_tools":
        return Objection("tool_choice", "takes no list of allowed tools by way of LiteLLM (tool_choice)")
    return None


def _needs_a_turn(messages: Sequence[Json], _params: Json) -> Objection | None:
    if all(message.get("role") in _SYSTEM for message in messages):
        return Objection("messages", "needs a message of the user")
    return None


def _has_no_json_mode(_messages: Sequence[Json], params: Json) -> Objection | None:
    if mapping(params.get("response_format")).get("type") == "json_object":
        return Objection("response_format", "has no JSON mode by way of LiteLLM")
    return None


def _keeps_no_place(messages: Sequence[Json], _params: Json) -> Objection | None:
    """System messages are moved to the top, or told as notes of an operator."""
    turns = [message.get("role") not in _SYSTEM for message in messages]
    late = [index for index, turn in enumerate(turns) if not turn and any(turns[:index])]
    if late:
        return Objection(f"messages.{late[0]}", "takes system messages at the beginning only, by way of LiteLLM")
    return None


def _changes_schemas(_messages: Sequence[Json], params: Json) -> Objection | None:
    for index, tool in enumerate(items(params.get("tools"))):
        if any(map(_is_mangled, _schemas(mapping(mapping(tool).get("function")).get("parameters")))):
            path = f"tools.{index}.function.parameters"
            return Objection(path, f"takes no such schema by way of LiteLLM ({path})")
    return None


def _is_mangled(schema: Any) -> bool:
    if isinstance(schema, bool):
        return True
    kind = schema.get("type")
    return bool(_MANGLED & schema.keys()) or isinstance(kind, list) or ("enum" in schema and kind != "string")


def _schemas(schema: Any) -> Iterator[Any]:
    """A schema and those in it, which stand where JSON Schema has them: not everything that looks like one is one."""
    if isinstance(schema, bool):
        yield schema
    if isinstance(schema, Mapping):
        yield schema
        inner = [schema.get(name) for name in ("items", "additionalProperties", "not") if name in schema]
        many = [one for name in ("anyOf", "allOf", "prefixItems") for one in items(schema.get(name))]
        for one in (*inner, *many, *mapping(schema.get("properties")).values()):
            yield from _schemas(one)


type _Check = Callable[[Sequence[Json], Json], Objection | None]
_CHECKS: Mapping[str, tuple[_Check, ...]] = {
    ANTHROPIC.name: (_needs_a_turn, _keeps_no_place, _has_no_json_mode),
    GEMINI.name: (_needs_a_turn, _keeps_no_place, _changes_schemas),
}
