"""Ids of tool calls as Anthropic takes them: `[a-zA-Z0-9_-]+`, each once in a conversation.

Other providers' have dots and colons in them, and some servers number their calls anew in each turn.
Source: https://platform.claude.com/docs/en/agents-and-tools/tool-use/handle-tool-calls.
"""

from __future__ import annotations

import re
import zlib

from gateway_core.wires.signed_ids import split

_ODD = re.compile(r"[^a-zA-Z0-9_-]")


class CallIds:
    """The ids of one conversation, in its order: the same for the same beginning, or caches would not know it again."""

    def __init__(self) -> None:
        self._taken: set[str] = set()
        self._open: dict[str, list[str]] = {}

    def begin_turn(self) -> None:
        """The calls of another answer come next: results no longer belong to earlier ones."""
        self._open = {}

    def of_call(self, call_id: str) -> str:
        """A new id for a call."""
        plain = split(call_id).plain
        base = found = _wired(plain)
        number = 1
        while found in self._taken:
            number += 1
            found = f"{base}_{number}"
        self._taken.add(found)
        self._open.setdefault(plain, []).append(found)
        return found

    def of_result(self, call_id: str) -> str:
        """The id of the call that a result belongs to: of several with one id, the first that has none yet."""
        plain = split(call_id).plain
        open_ = self._open.get(plain)
        if not open_:
            return _wired(plain)
        return open_.pop(0) if len(open_) > 1 else open_[0]


def _wired(plain: str) -> str:
    """The id itself where it fits; another keeps what makes it different from all others as a checksum."""
    fitting = _ODD.sub("_", plain)
    return (
        fitting
        if fitting == plain and plain
        else f"{fitting or 'call'}_{zlib.crc32(plain.encode(errors='replace')):08x}"
    )
