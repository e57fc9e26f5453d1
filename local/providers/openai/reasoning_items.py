"""Reasoning items of the Responses API: what is sealed in them, and what a request may send back.

Rules as of 2026-11-29, from https://developers.openai.com/api/docs/guides/reasoning ("Keeping reasoning items in
context", "Encrypted reasoning items"): nothing is kept with `store: false`, so an item then has to carry its encrypted
content, which only OpenAI can make, and an item of reasoning is followed by what it led to.
"""

from __future__ import annotations

import base64
import hashlib
from typing import Any

from local.providers.model import Json, Refused

INCLUDED = "reasoning.encrypted_content"
_SEAL = "gAAAAAB"
_SHOWN = 4


def sealed(thought: str) -> str:
    """The encrypted content for a text of reasoning."""
    text = base64.urlsafe_b64encode(thought.encode(errors="replace")).decode()
    return f"{_SEAL}{_stamp(text)}.{text}"


def check_reasoning(item: Json, following: Json | None, *, stored: bool) -> None:
    """One item, and what stands after it. Raises Refused."""
    content = item.get("encrypted_content")
    if content is not None:
        _check_seal(str(content))
    elif not stored:
        message = f"Item with id '{item.get('id')}' not found. Items are not persisted when `store` is set to false. "
        raise Refused(
            message + "Try again with `store` set to true, or remove this item from your input.", param="input"
        )
    if following is None or following.get("role") == "user":
        message = f"Item '{item.get('id')}' of type 'reasoning' was provided without its required following item."
        raise Refused(message, param="input")


def _check_seal(content: str) -> None:
    stamp, _, text = content.removeprefix(_SEAL).partition(".")
    if content.startswith(_SEAL) and stamp == _stamp(text):
        return
    shown = f"{content[:_SHOWN]}...{content[-_SHOWN:]}"
    message = (
        f"The encrypted content {shown} could not be verified. Reason: Encrypted content could not be decrypted or"
    )
    raise Refused(f"{message} parsed.", code="invalid_encrypted_content")


def _stamp(text: str) -> str:
    return hashlib.sha256(f"reasoning:{text}".encode()).hexdigest()


def reasoning_item(body: Json, identifier: str, thought: str) -> Json:
    """The item as a request with this body gets it."""
    item: dict[str, Any] = {"id": identifier, "type": "reasoning", "summary": []}
    if (body.get("reasoning") or {}).get("summary"):
        item["summary"] = [{"type": "summary_text", "text": thought}]
    return item | ({"encrypted_content": sealed(thought)} if INCLUDED in (body.get("include") or ()) else {})
