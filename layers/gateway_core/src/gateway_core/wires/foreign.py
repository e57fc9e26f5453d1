"""What LiteLLM would lose or change without a word: who is called through it is not asked for that.

Measured on LiteLLM 1.106 over the simulator, see docs/wires.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from gateway_core.domain.chat import Json
from gateway_core.wires.anthropic import ANTHROPIC
from gateway_core.wires.bedrock import BEDROCK
from gateway_core.wires.codec import Objection
from gateway_core.wires.demands import DEMANDS
from gateway_core.wires.gemini import GEMINI
from gateway_core.wires.openai_chat.history import says_json
from gateway_core.wires.openai_responses import OPENAI_RESPONSES
from gateway_core.wires.shapes import items, mapping
from gateway_core.wires.wire import Wire

FOREIGN_CANNOT = DEMANDS
"""Nothing of it is among the options that reach LiteLLM, or is part of a message that it translates for all."""
_UNIONS = frozenset({"allOf", "anyOf", "oneOf"})
_SYSTEM = ("system", "developer")
_KEPT = frozenset(
    {
        "$comment",
        "$id",
        "$schema",
        "anyOf",
        "default",
        "deprecated",
        "description",
        "enum",
        "example",
        "examples",
        "format",
        "items",
        "maximum",
        "maxItems",
        "maxLength",
        "maxProperties",
        "minimum",
        "minItems",
        "minLength",
        "minProperties",
        "nullable",
        "pattern",
        "properties",
        "propertyOrdering",
        "readOnly",
        "required",
        "title",
        "type",
        "writeOnly",
    }
)
"""What of a tool's schema gets to Gemini, or says nothing that a model would have to keep to."""
_SEEDS = 2**31
_KEPT_FORMATS = ("date-time", "enum")


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


def _needs_the_word(messages: Sequence[Json], params: Json) -> Objection | None:
    """System messages are moved into `instructions`, which do not count."""
    wanted = mapping(params.get("response_format")).get("type") == "json_object"
    if wanted and not any(says_json(message) for message in messages if message.get("role") not in _SYSTEM):
        return Objection("response_format", "takes JSON mode only where a message says JSON, by way of LiteLLM")
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
        schema = mapping(mapping(tool).get("function")).get("parameters")
        if schema and any(map(_is_mangled, _schemas(schema))):
            path = f"tools.{index}.function.parameters"
            return Objection(path, f"takes no such schema by way of LiteLLM ({path})")
    return None


def _is_mangled(schema: Any) -> bool:
    if isinstance(schema, bool) or not schema:
        return True
    kind = schema.get("type")
    formats = "format" in schema and schema["format"] not in _KEPT_FORMATS
    wrong_type = isinstance(kind, list) or ("enum" in schema and kind != "string")
    return bool(schema.keys() - _KEPT) or formats or wrong_type or (kind == "array" and "items" not in schema)


def _needs_calls(messages: Sequence[Json], _params: Json) -> Objection | None:
    """It finds no name for a result without a call, and fails."""
    waiting: list[Any] = []
    for index, message in enumerate(messages):
        waiting += [mapping(call).get("id") for call in items(message.get("tool_calls"))]
        if message.get("role") != "tool":
            continue
        if message.get("tool_call_id") not in waiting:
            path = f"messages.{index}.tool_call_id"
            return Objection(path, f"takes no result without a call before it by way of LiteLLM ({path})")
        waiting.remove(message.get("tool_call_id"))
    return None


def _folds_no_seed(_messages: Sequence[Json], params: Json) -> Objection | None:
    """A seed has 32 bits at Gemini, which refuses others."""
    seed = params.get("seed")
    if seed is not None and not -_SEEDS <= seed < _SEEDS:
        return Objection("seed", "takes seeds of 32 bits only by way of LiteLLM (seed)")
    return None


def _loses_unions(_messages: Sequence[Json], params: Json) -> Objection | None:
    """Alternatives at the root of a tool's schema are left out."""
    for index, tool in enumerate(items(params.get("tools"))):
        if _UNIONS & mapping(mapping(mapping(tool).get("function")).get("parameters")).keys():
            path = f"tools.{index}.function.parameters"
            return Objection(path, f"takes no alternatives at a schema's root by way of LiteLLM ({path})")
    return None


def _may_not_call(_messages: Sequence[Json], params: Json) -> Objection | None:
    """Tools are offered all the same: there is no such choice on the wire."""
    if params.get("tools") and params.get("tool_choice") == "none":
        return Objection("tool_choice", "cannot be kept from calling tools by way of LiteLLM (tool_choice)")
    return None


def _breaks_schemas(_messages: Sequence[Json], params: Json) -> Objection | None:
    """What references lead to takes their place, but references in there lead nowhere then; enums lose their nulls."""
    for index, tool in enumerate(items(params.get("tools"))):
        schema = mapping(mapping(mapping(tool).get("function")).get("parameters"))
        kinds = [*mapping(schema.get("$defs")).values(), *mapping(schema.get("definitions")).values()]
        nested = any("$ref" in one for kind in kinds for one in _objects(kind))
        if nested or any(None in items(one.get("enum")) for one in _objects(schema)):
            path = f"tools.{index}.function.parameters"
            return Objection(path, f"does not get this schema as it is by way of LiteLLM ({path})")
    return None


def _objects(value: Any) -> Iterator[Json]:
    if isinstance(value, Mapping):
        yield value
    for inner in value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ():
        yield from _objects(inner)


def _schemas(schema: Any) -> Iterator[Any]:
    """A schema and those in it, which stand where JSON Schema has them: not everything that looks like one is one."""
    if isinstance(schema, bool):
        yield schema
    if isinstance(schema, Mapping):
        yield schema
        inner = [schema["items"]] if "items" in schema else []
        for one in (*inner, *items(schema.get("anyOf")), *mapping(schema.get("properties")).values()):
            yield from _schemas(one)


type _Check = Callable[[Sequence[Json], Json], Objection | None]
_CHECKS: Mapping[str, tuple[_Check, ...]] = {
    ANTHROPIC.name: (_needs_a_turn, _keeps_no_place, _has_no_json_mode, _loses_unions),
    BEDROCK.name: (_needs_a_turn, _keeps_no_place, _has_no_json_mode, _loses_unions, _may_not_call, _breaks_schemas),
    OPENAI_RESPONSES.name: (_needs_the_word,),
    GEMINI.name: (_needs_a_turn, _keeps_no_place, _needs_calls, _changes_schemas, _folds_no_seed),
}
