"""What goes back in front of a tool call: the model's encrypted reasoning, and which kind of text stood between.

Sent without storage, a conversation has to keep the reasoning items of its tool turns, or the model begins to think
anew; and what a model says between its calls keeps its `phase`. Only who encrypted an item can read it.
Docs: https://platform.openai.com/docs/guides/reasoning, "Keeping reasoning items in context" and "Encrypted reasoning
items"; `phase` in https://platform.openai.com/docs/api-reference/responses/create.
"""

from __future__ import annotations

import hashlib
from typing import Any

from gateway_core.domain.chat import Deployment, Json
from gateway_core.wires.shapes import items, mapping
from gateway_core.wires.signed_ids import carried, signed

MARK = "r"
_PHASES = frozenset({"commentary", "final_answer"})


def origin_of(deployment: Deployment) -> str:
    """Tells who encrypted something from whoever else, without telling clients where that is."""
    return hashlib.sha256(deployment.id.encode()).hexdigest()[:12]


class Lead:
    """Gathers what an answer says before its next call, item by item."""

    def __init__(self, deployment: Deployment) -> None:
        self._origin = origin_of(deployment)
        self._items: list[Json] = []

    def add(self, item: Json) -> None:
        """An item of the output, once it is whole; a second time it counts for nothing."""
        kept = _kept(item)
        if kept and kept not in self._items:
            self._items.append(kept)

    def sign(self, call_id: str) -> str:
        """The id of the next call, with what came before it if that has to come back."""
        found, self._items = self._items, []
        if not call_id or all(item == {"type": "message"} for item in found):
            return call_id
        return signed(call_id, MARK, {"of": self._origin, "items": found})


def lead_of(call_id: str, origin: str) -> list[Json]:
    """What an id carries of this origin; of messages only where they stood, and their phase."""
    value = mapping(carried(call_id, MARK))
    if value.get("of") != origin:
        return []
    return [kept for item in items(value.get("items")) if (kept := _kept(mapping(item)))]


def _kept(item: Json) -> dict[str, Any]:
    """What is kept of an item, in a form that may be sent; ids are the clients', who may have written anything."""
    phase, secret = str(item.get("phase")), item.get("encrypted_content")
    if item.get("type") == "message":
        return {"type": "message", **({"phase": phase} if phase in _PHASES else {})}
    if item.get("type") != "reasoning" or not isinstance(secret, str) or not secret:
        return {}
    texts = (mapping(part).get("text") for part in items(item.get("summary")))
    named = {"id": item["id"]} if isinstance(item.get("id"), str) else {}
    summary = [{"type": "summary_text", "text": text} for text in texts if isinstance(text, str)]
    return {"type": "reasoning", **named, "summary": summary, "encrypted_content": secret}
