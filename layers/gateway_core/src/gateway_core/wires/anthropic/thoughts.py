"""Thinking blocks over turns: they are signed, and want to stand where they stood before the calls that they led to.

Clients keep the ids of calls and drop what they do not know, so the blocks travel in the id of the call after them. A
turn is to go back as it came, so where its text stood between them travels along.
Sources: https://platform.claude.com/docs/en/build-with-claude/extended-thinking ("Preserving thinking blocks"),
/build-with-claude/adaptive-thinking (there no turn has to begin with one).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from gateway_core.domain.chat import Json
from gateway_core.wires.shapes import items, mapping
from gateway_core.wires.signed_ids import carried, signed

_MARK = "a"
_BOUND = re.compile(r"claude-(?:(?:fable|mythos)-5-[12]|(?:opus|sonnet|haiku)-5-5)(?!\d)")
"""Models that refuse thoughts once something before them has changed, in accounts made since 2026-08-31."""
THOUGHTS = frozenset({"thinking", "redacted_thinking"})
OWN_SIGNATURE = "llm-gateway"
"""Signs thoughts that other models showed: Anthropic would refuse them, so they are not sent back there."""
_FIELDS = {"thinking": ("thinking", "signature"), "redacted_thinking": ("data",)}


type Before = list[dict[str, Any] | int]
"""What stands before a call, since the call before it: thinking blocks, and how many characters of text."""


def with_thoughts(call_id: str, before: Sequence[Json | int]) -> str:
    """The id of a call with the signed blocks before it, and where text stood among them."""
    kept = _sound(list(before))
    return signed(call_id, _MARK, kept) if any(not isinstance(one, int) for one in kept) else call_id


def thoughts_in(call_id: str) -> Before:
    """What stood before the call, as its id says."""
    return _sound(carried(call_id, _MARK))


def _sound(before: object) -> Before:
    lengths_and_blocks: Before = []
    for one in items(before):
        if isinstance(one, int) and one > 0:
            lengths_and_blocks.append(one)
        elif block := _signed(mapping(one)):
            lengths_and_blocks.append(block)
    return lengths_and_blocks


def is_own(block: Json) -> bool:
    """Whether it is a thought that no model of Anthropic's has signed."""
    return block.get("type") == "thinking" and block.get("signature") in ("", None, OWN_SIGNATURE)


def signed_blocks(blocks: object) -> list[dict[str, Any]]:
    """Those that Anthropic takes back, without fields of others."""
    return [kept for block in map(mapping, items(blocks)) if (kept := _signed(block))]


def in_order(said: Sequence[dict[str, Any]], before: Sequence[Before]) -> list[list[dict[str, Any]]]:
    """What stands before each call, where the turn said this: in its order, if its text is still as long as it was.

    Else the text stands before the first call, behind the thoughts, with which the turn has to begin.
    """
    lengths = [one for part in before for one in part if isinstance(one, int)]
    if len(said) == 1 and said[0]["type"] == "text" and sum(lengths) == len(said[0]["text"]):
        return _dealt(said[0], before)
    parts = [[one for one in part if not isinstance(one, int)] for part in before]
    parts[0] += said
    return parts


def _dealt(text: dict[str, Any], before: Sequence[Before]) -> list[list[dict[str, Any]]]:
    """A mark of the text's stays with its last piece that holds a word."""
    at = 0
    parts: list[list[dict[str, Any]]] = []
    for part in before:
        parts.append([])
        for one in part:
            if isinstance(one, int):
                piece = text["text"][at : at + one]
                at += one
                parts[-1] += [{"type": "text", "text": piece}] if piece.strip() else []
            else:
                parts[-1].append(one)
    last = [block for part in parts for block in part if block["type"] == "text"][-1]
    last.update({name: value for name, value in text.items() if name not in last})
    return parts


def _signed(block: Json) -> dict[str, Any]:
    kind = block.get("type")
    names = _FIELDS.get(kind, ()) if isinstance(kind, str) else ()
    fields = {name: block.get(name) for name in names}
    proof = fields.get(names[-1]) if names else None
    sound = bool(proof) and all(isinstance(value, str) for value in fields.values())
    return {"type": kind, **fields} if sound else {}


def may_think(turns: Sequence[Json]) -> bool:
    """Whether a budget of thinking may be asked for: a turn that called tools, or is to go on, has to begin with it.

    A turn reaches over several calls and their results, and without interleaved thinking only its first message thinks.
    """
    turn: list[Json] = []
    for message in reversed(turns):
        if message["role"] == "assistant":
            turn.insert(0, message)
        elif message["content"][0]["type"] != "tool_result":
            break
    return not turn or any(message["content"][0]["type"] in THOUGHTS for message in (turn[0], turn[-1]))


def is_bound(model: str, turns: Sequence[Json]) -> bool:
    """Whether thoughts go back to a model that may find something before them changed.

    Clients shorten histories and rewrite system prompts: such thoughts are to be dropped, not the request refused.
    Source: https://platform.claude.com/docs/en/build-with-claude/preserved-thinking.
    """
    return bool(_BOUND.match(model)) and any(block["type"] in THOUGHTS for turn in turns for block in turn["content"])


def without_thoughts(turns: Sequence[Json]) -> list[dict[str, Any]]:
    """The turns of a conversation that goes on without thinking."""
    return [
        {**turn, "content": [block for block in turn["content"] if block["type"] not in THOUGHTS]} for turn in turns
    ]
