"""Breakpoints of Anthropic's prompt cache: the caller's, or else ours where the conversation will go on.

At most four; in the order tools, system, messages none of an hour after one of five minutes; none on thinking. A prompt
shorter than the model's minimum is not cached. Source: https://platform.claude.com/docs/en/build-with-claude/prompt-caching.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from gateway_core.domain.chat import Json
from gateway_core.wires.anthropic.blocks import CACHE_CONTROL
from gateway_core.wires.shapes import items, mapping

_MOST = 4
_OWN_TURNS = 2
_LIFETIMES = ("5m", "1h")
_MINIMUM = (
    ("claude-opus-5", 512),
    ("claude-fable-5", 512),
    ("claude-mythos-5", 512),
    ("claude-opus-4-7", 2048),
    ("claude-opus-4-6", 4096),
    ("claude-opus-4-5", 4096),
    ("claude-haiku-4-5", 4096),
    ("claude-3-haiku", 2048),
)
_USUAL_MINIMUM = 1024
_BYTES_PER_TOKEN = 4
_BYTES_OF_MEDIA = 6000
"""What an image or a document counts in an estimate: about 1,500 tokens."""


def cache_minimum(model: str) -> int:
    """How many tokens a beginning must have to be cached, by the model's upstream name."""
    return next((least for name, least in _MINIMUM if model.startswith(name)), _USUAL_MINIMUM)


def settle_marks(blocks: Sequence[dict[str, Any]]) -> bool:
    """Brings the caller's breakpoints to what is taken, in place. Whether any of them changed."""
    changed = short = False
    marked = [block for block in blocks if CACHE_CONTROL in block]
    for block in marked:
        control = _control(block[CACHE_CONTROL])
        changed |= control is None or dict(control) != block[CACHE_CONTROL]
        if control is None:
            del block[CACHE_CONTROL]
        else:
            block[CACHE_CONTROL] = control
    marked = [block for block in marked if CACHE_CONTROL in block]
    for block in marked[:-_MOST]:
        del block[CACHE_CONTROL]
        changed = True
    for block in marked[-_MOST:]:
        long = block[CACHE_CONTROL].get("ttl") == "1h"
        if long and short:
            block[CACHE_CONTROL] = {"type": "ephemeral"}
            changed = True
        short |= not long
    return changed


def _control(value: object) -> dict[str, Any] | None:
    control = mapping(value)
    if control.get("type") != "ephemeral":
        return None
    return {"type": "ephemeral", **({"ttl": control["ttl"]} if control.get("ttl") in _LIFETIMES else {})}


def marks_in(body: Json) -> Iterator[Any]:
    """The breakpoints of a request on Anthropic's wire, wherever they may stand."""
    if body.get(CACHE_CONTROL):
        yield body[CACHE_CONTROL]
    blocks = [*items(body.get("tools")), *items(body.get("system"))]
    blocks += (block for message in body["messages"] for block in items(message.get("content")))
    for block in blocks:
        if block.get(CACHE_CONTROL):
            yield block[CACHE_CONTROL]
        if block.get("type") == "tool_result":
            yield from (one[CACHE_CONTROL] for one in items(block.get("content")) if one.get(CACHE_CONTROL))


def mark_for_later(body: Json, model: str) -> None:
    """Marks, in place, what the next request of the conversation begins with: tools, system, the last user turns.

    Two turns, because the former is where the request before this one has written.
    """
    minimum = _BYTES_PER_TOKEN * cache_minimum(model)
    length = 0
    for part in (items(body.get("tools")), items(body.get("system"))):
        length += sum(map(_length, part))
        if part and length >= minimum:
            _mark(part[-1])
    users = [turn for turn in body["messages"] if turn["role"] == "user"]
    for turn in body["messages"]:
        length += sum(map(_length, turn["content"]))
        if length >= minimum and any(turn is user for user in users[-_OWN_TURNS:]):
            _mark(turn["content"][-1])


def _mark(block: dict[str, Any]) -> None:
    block[CACHE_CONTROL] = {"type": "ephemeral"}


def _length(block: Json) -> int:
    """In bytes, roughly; what is encoded in it says nothing of its tokens."""
    match block.get("type"):
        case "text":
            return len(block["text"].encode())
        case "image":
            return _BYTES_OF_MEDIA
        case "document":
            source = block["source"]
            return len(source["data"].encode()) if source["type"] == "text" else _BYTES_OF_MEDIA
        case "tool_result":
            return sum(map(_length, items(block.get("content"))))
        case _:
            return len(json.dumps(block, ensure_ascii=False).encode(errors="replace"))
