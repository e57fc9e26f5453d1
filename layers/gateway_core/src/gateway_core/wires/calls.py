"""A stream's tool calls, numbered from 0 in the order in which they begin, whatever the provider numbers them by."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass, field

from gateway_core.domain.answer import ToolCallDelta


def made_id(*origin: object) -> str:
    """An id for a call without one: the same for the same call of an answer, another for any other call."""
    return f"call_{uuid.uuid5(uuid.NAMESPACE_OID, json.dumps(origin)).hex[:24]}"


@dataclass(slots=True)
class _Begun:
    index: int | None
    id: str
    name: str
    arguments: list[str] = field(default_factory=list)

    @property
    def is_whole(self) -> bool:
        """Whether its arguments are JSON by now, so that no more can belong to them."""
        try:
            json.loads("".join(self.arguments))
        except (ValueError, RecursionError):
            return False
        return True


@dataclass(slots=True)
class CallNumbers:
    """Some providers repeat a call's id and name with each piece, some give all calls the index 0, or none at all.

    Where calls have no ids either, one begins with a name behind a call whose arguments are whole.
    """

    _begun: list[_Begun] = field(default_factory=list)

    @property
    def any(self) -> bool:
        """Whether a call has begun."""
        return bool(self._begun)

    def delta(self, index: int | None, call_id: str, name: str, arguments: str) -> ToolCallDelta | None:
        """The piece with its call's number, and with the id and the name if they are new. None if nothing is."""
        number = self.number(index, call_id, name, arguments)
        if number is None:
            self._begun.append(_Begun(index, call_id, name, [arguments]))
            return ToolCallDelta(len(self._begun) - 1, call_id, name, arguments)
        known = self._begun[number]
        new_id, new_name = "" if known.id else call_id, "" if known.name else name
        known.id, known.name = known.id or call_id, known.name or name
        if not known.id:  # where calls have ids, nobody asks whether one is whole: a long one is not kept
            known.arguments.append(arguments)
        return ToolCallDelta(number, new_id, new_name, arguments) if new_id or new_name or arguments else None

    def number(self, index: int | None, call_id: str, name: str = "", arguments: str = "") -> int | None:
        """The number of the latest call that a piece can belong to; None for one that begins another."""
        fitting = (
            number
            for number, call in reversed(list(enumerate(self._begun)))
            if index in (None, call.index) and (not call_id or call.id in ("", call_id))
        )
        number = next(fitting, None)
        if number is None:
            return None
        known = self._begun[number]
        is_next = bool(name and arguments and known.name) and not (call_id or known.id) and known.is_whole
        return None if is_next else number
