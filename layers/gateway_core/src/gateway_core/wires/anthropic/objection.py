"""What Anthropic's Messages cannot say, and no other form can be found for: another model may."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from gateway_core.domain.chat import Json
from gateway_core.domain.model_rules import ModelRules
from gateway_core.wires.anthropic.blocks import has_text, unreadable
from gateway_core.wires.anthropic.conversation import leading_system
from gateway_core.wires.anthropic.output_schema import UnfitSchemaError, adapted
from gateway_core.wires.anthropic.tools import json_tool, tool_trouble
from gateway_core.wires.codec import Objection
from gateway_core.wires.shapes import items, mapping
from gateway_core.wires.signed_ids import split


def objection(messages: Sequence[Json], params: Json, rules: ModelRules) -> Objection | None:
    """See `codec.Object`."""
    return next((found for check in _CHECKS for found in check(messages, params, rules)), None)


def _speech(messages: Sequence[Json], _params: Json, _rules: ModelRules) -> Iterator[Objection]:
    if not any(map(_speaks, messages[leading_system(messages) :])):
        yield Objection("messages", "needs a message besides those of the system (messages)")


def _speaks(message: Json) -> bool:
    """Whether anything of it is sent."""
    if message.get("role") == "tool" or items(message.get("tool_calls")):
        return True
    refused = message.get("role") == "assistant" and has_text(message.get("refusal"))
    return refused or has_text(message.get("content"))


def _media(messages: Sequence[Json], _params: Json, _rules: ModelRules) -> Iterator[Objection]:
    for index, message in enumerate(messages):
        if path := unreadable(message.get("content")):
            param = f"messages.{index}.content{path}"
            yield Objection(param, f"reads PNG, JPEG, GIF, WebP, PDF and text only ({param})")


def _results(messages: Sequence[Json], _params: Json, _rules: ModelRules) -> Iterator[Objection]:
    """Every call is answered before the next answer, once, and nothing else is."""
    waiting: list[str] = []
    called_at, before = 0, ""
    for index, message in enumerate(messages):
        role = str(message.get("role"))
        if not _speaks(message):
            continue
        if role == "tool" and not _take(waiting, message):
            param = f"messages.{index}.tool_call_id"
            yield Objection(param, f"takes no result without a call just before it ({param})")
        if role == "assistant" and before != "assistant" and waiting:
            break
        if calls := items(message.get("tool_calls")):
            waiting += [_plain(mapping(call).get("id")) for call in calls]
            called_at = index
        before = role
    if waiting:
        param = f"messages.{called_at}.tool_calls"
        yield Objection(param, f"needs a result for every call before the next answer ({param})")


def _take(waiting: list[str], message: Json) -> bool:
    name = _plain(message.get("tool_call_id"))
    known = name in waiting
    if known:
        waiting.remove(name)
    return known


def _plain(call_id: object) -> str:
    return split(str(call_id or "")).plain


def _ending(messages: Sequence[Json], params: Json, rules: ModelRules) -> Iterator[Objection]:
    last = next((message for message in reversed(messages) if _speaks(message)), {})
    if last.get("role") != "assistant":
        return
    if not rules.takes_prefill:
        yield Objection(
            "messages",
            "cannot go on with an answer that was begun for it: the last turn has to be the user's (messages)",
        )
    if mapping(params.get("response_format")).get("type") in ("json_object", "json_schema"):
        yield Objection("response_format", "cannot go on with a begun answer as JSON (response_format)")


def _tools(_messages: Sequence[Json], params: Json, rules: ModelRules) -> Iterator[Objection]:
    if trouble := tool_trouble(params):
        param, why = trouble
        yield Objection(param, f"{why} ({param})")
    if json_tool(params) and rules.thinks == "always" and not rules.forces_tools_thinking:
        yield Objection("response_format", "has no JSON mode but takes a json_schema (response_format)")


def format_objection(params: Json, rules: ModelRules) -> Objection | None:
    """Why an answer cannot be held to the schema that is asked for."""
    wanted = mapping(params.get("response_format"))
    if wanted.get("type") != "json_schema":
        return None
    try:
        adapted(mapping(wanted.get("json_schema")).get("schema"), rules.schema_refuses)
    except UnfitSchemaError as error:
        param = "response_format.json_schema.schema"
        return Objection(param, f"cannot be held to {error} ({param})")
    return None


def _format(_messages: Sequence[Json], params: Json, rules: ModelRules) -> Iterator[Objection]:
    if found := format_objection(params, rules):
        yield found


type _Check = Callable[[Sequence[Json], Json, ModelRules], Iterator[Objection]]
_CHECKS: tuple[_Check, ...] = (_speech, _media, _results, _ending, _tools, _format)
