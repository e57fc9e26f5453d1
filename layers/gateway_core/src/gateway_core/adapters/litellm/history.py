"""A conversation as LiteLLM takes it, without what only another provider's answers can have brought into it."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from gateway_core.adapters.litellm.claude import MARK, NO_MARKS, Marks, asks_for_hours, signs_thoughts
from gateway_core.domain.chat import Json, ProviderCall
from gateway_core.wires.anthropic import ANTHROPIC
from gateway_core.wires.bedrock import BEDROCK
from gateway_core.wires.bedrock_thoughts import thoughts_before
from gateway_core.wires.openai_chat import OPENAI_CHAT
from gateway_core.wires.openai_chat import history as chat
from gateway_core.wires.shapes import items, mapping
from gateway_core.wires.table import traits_of, wire_of
from gateway_core.wires.tool_arguments import object_of
from gateway_core.wires.wire import Wire


@dataclass(frozen=True, slots=True)
class LiteLLMHistory:
    """Copies of a call's messages, as LiteLLM edits them in place; whether the model may think; what was left out."""

    messages: list[dict[str, Any]]
    may_think: bool
    dropped: frozenset[str]

    def named(self, dropped: Iterable[str]) -> tuple[str, ...]:
        """All that was left out of the request, sorted."""
        return tuple(sorted({*dropped, *self.dropped}))


def history_of(call: ProviderCall, marks: Marks = NO_MARKS) -> LiteLLMHistory:
    """The conversation of a call. Reasoning, signatures and marks for caches go to those alone who take them."""
    wire = wire_of(call.deployment)
    # LiteLLM knows by itself who has no role `developer`.
    traits = replace(traits_of(call.deployment.provider), has_developer_role=True)
    if wire is not OPENAI_CHAT:
        traits = replace(traits, has_refusals=False)  # it leaves them out
    plain = chat.history_of(call.messages, traits)
    pairs = [
        (came, _copy(sent, wire))
        for came, sent in zip(call.messages, plain.messages, strict=True)
        if wire is OPENAI_CHAT or _says_something(sent)
    ]
    made, dropped = [sent for _, sent in pairs], plain.dropped | _lost(call, wire)
    if wire is BEDROCK:
        kept = {MARK} if marks.taken and _mark_all(call, pairs, marks) else set()
        for came, sent in pairs if signs_thoughts(call.deployment) else ():
            if blocks := thoughts_before(came):
                sent["thinking_blocks"] = blocks
        return LiteLLMHistory(made, _last_call_is_signed(pairs), dropped - kept)
    if wire is ANTHROPIC:
        for came, sent in pairs:
            _keep_thoughts(came, sent)
        return LiteLLMHistory(made, _last_call_is_signed(pairs), dropped)
    if wire is OPENAI_CHAT:
        made = [dict(message) for message in chat.hinted(made, call.params, traits)]
    return LiteLLMHistory(made, plain.may_think, dropped)


def _lost(call: ProviderCall, wire: Wire) -> frozenset[str]:
    """What LiteLLM leaves out of messages on its way to another wire, or tells in other words, without a word."""
    if wire is OPENAI_CHAT:
        return frozenset()
    messages = call.messages
    # Converse takes no calls where no tools are offered: they become texts.
    told = wire is BEDROCK and not call.params.get("tools") and any(one.get("tool_calls") for one in messages)
    named = any(message.get("name") and message.get("role") != "tool" for message in messages)
    parts = (mapping(part) for message in messages for part in items(message.get("content")))
    details = {mapping(part.get("image_url")).get("detail") for part in parts}
    looks = wire in (ANTHROPIC, BEDROCK) and bool(details & {"low", "high"})
    lost = {"name": named, "detail": looks, "tool_calls": told}
    return frozenset(name for name, is_lost in lost.items() if is_lost)


def _copy(message: Json, wire: Wire) -> dict[str, Any]:
    """With arguments that are JSON objects: LiteLLM reads them for some providers, and fails where they are none."""
    sent = {name: copy.deepcopy(value) for name, value in message.items() if value is not None or name == "content"}
    if wire is OPENAI_CHAT and sent.get("content") is None:
        sent["content"] = ""  # LiteLLM leaves out a null, and DeepSeek wants the field
    for call in map(mapping, items(sent.get("tool_calls"))):
        function = call["function"]
        function["arguments"] = json.dumps(object_of(function.get("arguments")), ensure_ascii=False)
    return sent


def _says_something(message: Json) -> bool:
    content = message.get("content")
    said = content.strip() if isinstance(content, str) else content
    return bool(said or message.get("tool_calls") or message.get("role") == "tool")


def _keep_thoughts(came: Json, sent: dict[str, Any]) -> None:
    if blocks := items(came.get("thinking_blocks")):
        sent["thinking_blocks"] = copy.deepcopy(blocks)


def _mark_all(call: ProviderCall, pairs: list[tuple[Json, dict[str, Any]]], marks: Marks) -> bool:
    """Puts the marks of all messages where LiteLLM looks for them. Whether none is lost, or becomes another."""
    there = {id(came) for came, _ in pairs}
    placed = [_mark(came, sent) for came, sent in pairs]
    gone = any(message.get(MARK) for message in call.messages if id(message) not in there)
    return all(placed) and not gone and (marks.hours or not asks_for_hours(call.messages))


def _mark(came: Json, sent: dict[str, Any]) -> bool:
    """Of one message. A mark of the whole stands behind its last part; whether there is one."""
    content = sent.get("content")
    parts = content if isinstance(content, list) else []
    for part, own in zip(parts, map(mapping, items(came.get("content"))), strict=False):
        if mark := own.get(MARK):
            part[MARK] = dict(mark)
    if not (whole := came.get(MARK)):
        return True
    places = sent.get("tool_calls") or parts or ([sent] if content else [])
    for place in places[-1:]:
        place[MARK] = dict(whole)
    return bool(places)


def _last_call_is_signed(pairs: list[tuple[Json, dict[str, Any]]]) -> bool:
    calling = [sent for _, sent in pairs if sent.get("tool_calls")]
    return not calling or "thinking_blocks" in calling[-1]
