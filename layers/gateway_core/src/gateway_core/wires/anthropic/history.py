"""The messages of a caller on Anthropic's wire, as a model of Anthropic's takes them: almost always as they are.

What changes is what other models have left in them (ids with something in them, thoughts that nobody signed), what says
nothing, and what the model has no place for.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from gateway_core.domain.chat import Json
from gateway_core.domain.model_rules import ModelRules
from gateway_core.wires.anthropic.call_ids import CallIds
from gateway_core.wires.anthropic.thoughts import THOUGHTS, is_own


def history_of(messages: Sequence[Json], rules: ModelRules, *, thinks: bool) -> list[Json]:
    """The messages to send; without thoughts, where the conversation goes on without thinking."""
    ids = CallIds()
    sent = [_message(message, ids, thinks=thinks) for message in _in_place(messages, rules)]
    return [message for message in sent if message["content"] not in ("", [])]


def turns_of(messages: Sequence[Json]) -> list[dict[str, Any]]:
    """The same with every content as blocks, of which each may be changed."""
    return [{**message, "content": blocks_of(message["content"])} for message in messages]


def blocks_of(content: Any) -> list[dict[str, Any]]:
    """The blocks of a content, which may be a text."""
    return [{"type": "text", "text": content}] if isinstance(content, str) else [dict(block) for block in content]


def _in_place(messages: Sequence[Json], rules: ModelRules) -> Iterator[Json]:
    """What the system says where it may not speak is told in the user's turn, between tags."""
    before = ""
    for message in messages:
        role = message["role"]
        if role == "system" and not (rules.takes_late_system and before == "user"):
            role = "user"
            yield {"role": role, "content": [_told(block) for block in blocks_of(message["content"])]}
        else:
            yield message
        before = role


def _told(block: Json) -> Json:
    """See `conversation`: so it is told on the way through the chat form as well."""
    return {**block, "text": f"<system>\n{block['text']}\n</system>"} if block["text"].strip() else block


def _message(message: Json, ids: CallIds, *, thinks: bool) -> Json:
    if message["role"] == "assistant":
        ids.begin_turn()
    content = message["content"]
    if isinstance(content, str):
        return message if content.strip() else {**message, "content": ""}
    kept = [_block(block, ids) for block in content if _says(block, thinks=thinks)]
    return message if kept == content else {**message, "content": kept}


def _says(block: Json, *, thinks: bool) -> bool:
    if block["type"] == "text":
        return bool(block["text"].strip())
    return block["type"] not in THOUGHTS or (thinks and not is_own(block))


def _block(block: Json, ids: CallIds) -> Json:
    match block["type"]:
        case "tool_use":
            return _named(block, "id", ids.of_call(block["id"]))
        case "tool_result":
            return _named(block, "tool_use_id", ids.of_result(block["tool_use_id"]))
        case _:
            return block


def _named(block: Json, name: str, value: str) -> Json:
    return block if block[name] == value else {**block, name: value}
