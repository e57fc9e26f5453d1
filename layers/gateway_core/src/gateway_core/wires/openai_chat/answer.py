"""A whole answer on OpenAI's chat wire; for a caller on the same wire it is kept as it came, beside what we read."""

from __future__ import annotations

from typing import Any

from gateway_core.domain.answer import ProviderAnswer, ToolCall, Usage
from gateway_core.domain.chat import Json, ProviderCall
from gateway_core.wires.confidence import confidence_of
from gateway_core.wires.openai_chat import odd_calls
from gateway_core.wires.openai_chat.beside import all_of, reasoning_in, sound_bytes, sound_tokens, unplaced
from gateway_core.wires.openai_chat.history import NO_ARGUMENTS, REASONING_MARK
from gateway_core.wires.openai_chat.odd_calls import with_id
from gateway_core.wires.openai_chat.record import OPENAI_CHAT, with_finish
from gateway_core.wires.shapes import items, mapping, sendable, sendable_json, text_of
from gateway_core.wires.signed_ids import signed
from gateway_core.wires.table import traits_of


def answer(call: ProviderCall, body: object) -> ProviderAnswer:
    """The first choice's content. Raises TypeError for texts that are none."""
    raw = mapping(body)
    messages = [mapping(mapping(choice).get("message")) for choice in items(raw.get("choices"))]
    message = messages[0] if messages else {}
    reasoning = reasoning_in(message)
    carries = reasoning if traits_of(call.deployment.provider).takes_reasoning else ""
    calls = _calls(message, call.request_id)
    if carries and calls:
        calls[0] = {**calls[0], "id": signed(str(calls[0].get("id") or ""), REASONING_MARK, carries)}
    return ProviderAnswer(
        content=text_of(message.get("content")),
        tool_calls=tuple(map(_tool_call, calls)),
        finish_reason="",
        usage=Usage(),
        reasoning=reasoning,
        refusal=text_of(message.get("refusal")),
        confidence=confidence_of(raw),
        forwarded=None if call.body_on(OPENAI_CHAT.name) is None else _forwarded(raw, calls, call.request_id),
        beside=unplaced(message) + "".join(map(all_of, messages[1:])),
        sound_tokens=sound_tokens(sum(map(sound_bytes, messages)), call.params),
    )


def _calls(message: Json, request_id: str) -> list[dict[str, Any]]:
    made = enumerate(map(mapping, items(message.get("tool_calls"))))
    return [with_arguments(odd_calls.with_text(with_id(one, request_id, index))) for index, one in made]


def with_text(message: Json) -> Json:
    """The message or delta with a content that is a text, as OpenAI's clients want it, where it comes in parts."""
    content = message.get("content")
    if not isinstance(content, list):
        return message
    thoughts = reasoning_in(message)
    return {**message, "content": text_of(content), **({"reasoning_content": thoughts} if thoughts else {})}


def with_arguments(call: Json) -> dict[str, Any]:
    """The call with arguments that are JSON: some leave them empty for a tool without parameters."""
    function = mapping(call.get("function"))
    if not function or function.get("arguments"):
        return dict(call)
    return {**call, "function": {**function, "arguments": NO_ARGUMENTS}}


def _tool_call(call: Json) -> ToolCall:
    function, custom = mapping(call.get("function")), mapping(call.get("custom"))
    name, said = (custom.get("name"), custom.get("input")) if custom else (function.get("name"), function["arguments"])
    call_id, name, said = (sendable(text_of(text)) for text in (call.get("id"), name, said))
    return ToolCall(call_id, name, said, custom=bool(custom))


def _forwarded(raw: Json, calls: list[dict[str, Any]], request_id: str) -> Json:
    """The body, with `calls` for those of its first choice, contents that are texts, and ends in OpenAI's words."""
    choices = [dict(with_finish(mapping(choice))) for choice in items(raw.get("choices"))]
    for index, choice in enumerate(choices):
        message = with_text(mapping(choice.get("message")))
        if items(message.get("tool_calls")):
            message = {**message, "tool_calls": calls if index == 0 else _calls(message, f"{request_id}/{index}")}
        choice["message"] = message
    return mapping(sendable_json({**raw, "choices": choices}))
