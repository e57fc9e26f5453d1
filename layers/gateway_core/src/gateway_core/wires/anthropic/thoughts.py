"""Thinking blocks over turns: they are signed, and want to stand where they stood before the calls that they led to.

Clients keep the ids of calls and drop what they do not know, so the blocks travel in the id of the call after them.
Sources: https://platform.claude.com/docs/en/build-with-claude/extended-thinking ("Preserving thinking blocks"),
/build-with-claude/adaptive-thinking (there no turn has to begin with one).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gateway_core.domain.chat import Json
from gateway_core.wires.shapes import items, mapping
from gateway_core.wires.signed_ids import carried, signed

_MARK = "a"
THOUGHTS = frozenset({"thinking", "redacted_thinking"})
_FIELDS = {"thinking": ("thinking", "signature"), "redacted_thinking": ("data",)}


def with_thoughts(call_id: str, blocks: Sequence[Json]) -> str:
    """The id of a call with the signed blocks before it."""
    kept = signed_blocks(list(blocks))
    return signed(call_id, _MARK, kept) if kept else call_id


def thoughts_in(call_id: str) -> list[dict[str, Any]]:
    """The blocks that an id carries."""
    return signed_blocks(carried(call_id, _MARK))


def signed_blocks(blocks: object) -> list[dict[str, Any]]:
    """Those that Anthropic takes back, without fields of others."""
    return [kept for block in map(mapping, items(blocks)) if (kept := _signed(block))]


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


def without_thoughts(turns: Sequence[Json]) -> list[dict[str, Any]]:
    """The turns of a conversation that goes on without thinking."""
    return [
        {**turn, "content": [block for block in turn["content"] if block["type"] not in THOUGHTS]} for turn in turns
    ]
