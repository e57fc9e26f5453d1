"""What Anthropic refuses of messages and their blocks.

Rules as of 2026-11-29, from https://platform.claude.com/docs/en/api/messages/create (roles, fields, types of blocks),
https://platform.claude.com/docs/en/agents-and-tools/tool-use/handle-tool-calls (results follow their calls at once, and
stand first), https://platform.claude.com/docs/en/build-with-claude/vision and .../pdf-support (media types), and
.../mid-conversation-system-messages (Opus from 4.8 on, Fable and Mythos, without a beta header; text alone, after a
user's turn and before the assistant's, or last). The words of its refusals are those of the API, as quoted in
https://github.com/letta-ai/letta-code/issues/3989 and https://github.com/UKGovernmentBEIS/inspect_ai/pull/4221.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from itertools import groupby
from typing import Any

from local.providers import media
from local.providers.model import Json, Refused

_COMMON = ("type", "cache_control")
_FIELDS: dict[str, tuple[str, ...]] = {
    "document": (*_COMMON, "source", "title", "context", "citations"),
    "image": (*_COMMON, "source"),
    "redacted_thinking": ("type", "data"),
    "search_result": (*_COMMON, "source", "title", "content", "citations"),
    "server_tool_use": (*_COMMON, "id", "name", "input", "caller"),
    "text": (*_COMMON, "text", "citations"),
    "tool_reference": (*_COMMON, "tool_name"),
    "thinking": ("type", "thinking", "signature"),
    "tool_result": (*_COMMON, "tool_use_id", "content", "is_error"),
    "tool_use": (*_COMMON, "id", "name", "input", "caller"),
    "web_search_tool_result": (*_COMMON, "tool_use_id", "content", "caller"),
}
_REQUIRED: dict[str, tuple[str, ...]] = {
    "document": ("source",),
    "image": ("source",),
    "redacted_thinking": ("data",),
    "text": ("text",),
    "thinking": ("thinking", "signature"),
    "tool_reference": ("tool_name",),
    "tool_result": ("tool_use_id",),
    "tool_use": ("id", "name", "input"),
}
_MID_SYSTEM = re.compile(r"claude-opus-4-[89]|claude-(opus|fable|mythos)-[5-9]")
_ID = re.compile(r"[a-zA-Z0-9_-]+")
_IMAGES = ("image/jpeg", "image/png", "image/gif", "image/webp")
_IMAGE_SOURCES = ("base64", "file", "url")
_DOCUMENT_SOURCES = ("base64", "content", "file", "text", "url")
_EMPTY = "all messages must have non-empty content except for the optional final assistant message"
_NO_SYSTEM = "role 'system' is not supported on this model"
_ANYWHERE = "the directive-only form (content: [] with output_config) is accepted at any position"
_FOLLOWS = "role 'system' must follow a 'user' message or an 'assistant' message ending in a server tool result"
_PRECEDES = "role 'system' must precede an 'assistant' message or end the array"


def check_list(messages: Any, model: str, of_system: frozenset[str]) -> None:
    """The whole conversation. `of_system` are the fields that system messages may have as well. Raises Refused."""
    if not isinstance(messages, list):
        raise Refused("messages: Input should be a valid list")
    if not messages:
        raise Refused("messages: at least one message is required")
    for index, message in enumerate(messages):
        _check_message(f"messages.{index}", message, of_system)
        if message["role"] == "system":
            check_system_place(index, messages, model)
    check_results_follow_calls(messages)
    _check_ending(messages[-1])


def _check_message(at: str, message: Any, of_system: frozenset[str]) -> None:
    if not isinstance(message, dict):
        raise Refused(f"{at}: Input should be a valid dictionary or object to extract fields from")
    if message.get("role") not in ("user", "assistant", "system"):
        raise Refused(f"{at}.role: Input should be 'user' or 'assistant'")
    more = of_system if message["role"] == "system" else ()
    for name in sorted(set(message) - {"role", "content", *more}):
        raise Refused(f"{at}.{name}: Extra inputs are not permitted")
    content = message.get("content")
    if content is None:
        raise Refused(f"{at}.content: Field required")
    if content in ("", []) and not _only_directs(message):
        raise Refused(f"{at}: {_EMPTY}")
    check_content(f"{at}.content", content)


def _only_directs(message: Json) -> bool:
    """Whether a system message says nothing, but how the turn is to be answered."""
    return message["role"] == "system" and message["content"] == [] and "output_config" in message


def check_system_place(index: int, messages: list[Json], model: str) -> None:
    """A system message in the conversation. Raises Refused where the model or its place does not allow one."""
    if not _MID_SYSTEM.match(model):
        raise Refused(_NO_SYSTEM)
    if _only_directs(messages[index]):
        return
    if index == 0 or not _may_precede(messages[index - 1]):
        raise Refused(f"messages.{index}: {_FOLLOWS}; {_ANYWHERE}")
    if index + 1 < len(messages) and messages[index + 1]["role"] != "assistant":
        raise Refused(f"messages.{index}: {_PRECEDES}; {_ANYWHERE}")
    for number, block in enumerate(_blocks(messages[index]["content"])):
        if block["type"] != "text":
            raise Refused(f"messages.{index}.content.{number}: role 'system' takes text content only")


def _may_precede(message: Json) -> bool:
    """Whether a system message may come next."""
    return bool(message["role"] == "user" or _blocks(message["content"])[-1]["type"] == "web_search_tool_result")


def check_content(at: str, content: Any, *, of_tool: bool = False) -> None:
    """Text, or blocks of every known type; references to tools are for results of tools. Raises Refused."""
    if isinstance(content, str):
        check_text_is_visible(content)
    for number, part in enumerate(content if isinstance(content, list) else ()):
        known = [kind for kind in _FIELDS if of_tool or kind != "tool_reference"]
        _check_part(f"{at}.{number}", part, known)


def check_text_is_visible(text: Any) -> None:
    """Raises Refused for text of nothing, or of white space alone."""
    if not text:
        raise Refused("messages: text content blocks must be non-empty")
    if not str(text).strip():
        raise Refused("messages: text content blocks must contain non-whitespace text")


def _check_part(at: str, part: Any, known: Collection[str]) -> None:
    kind = str(part.get("type")) if isinstance(part, dict) else "None"
    if kind not in known:
        expected = ", ".join(f"'{name}'" for name in sorted(known))
        found = f"Input tag '{kind}' found using 'type' does not match any of the expected tags"
        raise Refused(f"{at}: {found}: {expected}")
    for name in _REQUIRED.get(kind, ()):
        if name not in part:
            raise Refused(f"{at}.{kind}.{name}: Field required")
    for name in sorted(set(part) - set(_FIELDS[kind])):
        raise Refused(f"{at}.{kind}.{name}: Extra inputs are not permitted")
    if kind == "text":
        check_text_is_visible(part["text"])
    elif kind in ("tool_use", "tool_result"):
        _check_tool_block(f"{at}.{kind}", part)
    elif kind in ("image", "document"):
        _check_source(f"{at}.{kind}.source", part["source"], kind)


def _check_tool_block(at: str, part: Json) -> None:
    name = "id" if "id" in part else "tool_use_id"
    if not _ID.fullmatch(str(part[name])):
        raise Refused(f"{at}.{name}: String should match pattern '^[a-zA-Z0-9_-]+$'")
    if "input" in part and not isinstance(part["input"], dict):
        raise Refused(f"{at}.input: Input should be a valid dictionary")
    if isinstance(part.get("content"), list):
        check_content(f"{at}.content", part["content"], of_tool=True)


def _check_source(at: str, source: Any, block: str) -> None:
    known = _IMAGE_SOURCES if block == "image" else _DOCUMENT_SOURCES
    kind = source.get("type") if isinstance(source, dict) else None
    if kind not in known:
        found = f"Input tag '{kind}' found using 'type' does not match any of the expected tags"
        listed = ", ".join(f"'{name}'" for name in known)
        raise Refused(f"{at}: {found}: {listed}")
    required = {"base64": ("data", "media_type"), "url": ("url",), "file": ("file_id",), "text": ("data", "media_type")}
    for name in required.get(str(kind), ()):
        if name not in source:
            raise Refused(f"{at}.{kind}.{name}: Field required")
    if kind == "base64":
        _check_base64(f"{at}.base64", source, _IMAGES if block == "image" else ("application/pdf",))


def _check_base64(at: str, source: Json, kinds: tuple[str, ...]) -> None:
    """What the first bytes are known to be has to be what the media type says; a PDF has to be one."""
    if source["media_type"] not in kinds:
        listed = ", ".join(f"'{kind}'" for kind in kinds[:-1]) + (" or " if len(kinds) > 1 else "") + f"'{kinds[-1]}'"
        raise Refused(f"{at}.media_type: Input should be {listed}")
    content = media.decoded(source["data"])
    if content is None:
        raise Refused(f"{at}.data: Invalid base64 data")
    found = media.kind_of(content)
    if source["media_type"] == "application/pdf" and found != "application/pdf":
        raise Refused("The PDF specified was not valid.")
    if found not in (None, source["media_type"]):
        raise Refused(f"{at}: The image was specified using the {source['media_type']} media type, but it is {found}")


def check_results_follow_calls(messages: list[Json]) -> None:
    """Every call is answered in the user's next turn, first thing, and nothing else is. Raises Refused.

    Messages of one role that follow each other are one turn.
    """
    called: dict[str, int] = {}
    for role, group in groupby(enumerate(messages), key=lambda item: item[1]["role"]):
        turn = [(at, block) for at, message in group for block in _blocks(message["content"])]
        if role == "user":
            _check_results(turn, called)
            called = {}
        else:
            called = {block["id"]: at for at, block in turn if block["type"] == "tool_use"}


def _check_results(turn: list[tuple[int, Json]], called: dict[str, int]) -> None:
    leading: set[str] = set()
    for at, block in turn:
        if block["type"] == "tool_result" and block["tool_use_id"] not in called:
            unexpected = f"unexpected `tool_use_id` found in `tool_result` blocks: {block['tool_use_id']}."
            rule = "Each `tool_result` block must have a corresponding `tool_use` block in the previous message."
            raise Refused(f"messages.{at}.content.0: {unexpected} {rule}")
    for _, block in turn:
        if block["type"] != "tool_result":
            break
        leading.add(block["tool_use_id"])
    missing = [name for name in called if name not in leading]
    if missing:
        without = f"`tool_use` ids were found without `tool_result` blocks immediately after: {', '.join(missing)}."
        rule = "Each `tool_use` block must have a corresponding `tool_result` block in the next message."
        raise Refused(f"messages.{called[missing[0]]}: {without} {rule}")


def _blocks(content: Any) -> list[Json]:
    return content if isinstance(content, list) else [{"type": "text", "text": content}]


def _check_ending(message: Json) -> None:
    """An answer that is begun for the model must not end in white space."""
    text = _blocks(message["content"])[-1].get("text", "") if message["role"] == "assistant" else ""
    if text != text.rstrip():
        raise Refused("messages: final assistant content cannot end with trailing whitespace")
