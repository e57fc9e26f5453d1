"""Words of Anthropic's wire that callers send, and what shows that nothing of them was lost."""

from __future__ import annotations

import re
from typing import Any

from local.providers.anthropic.thinking import signature_of
from tests.wires.case import (
    CITY,
    PDF,
    PNG,
    effort_of,
    object_of,
    text,
)
from tests.wires.reading import Sent
from tests.wires.words import Json

MARK = {"type": "ephemeral"}
LONG = "mcp__" + "server_" * 12
OPEN = object_of((), note={"type": "string"}) | {"required": [], "additionalProperties": False}


def tool(name: str = "weather", **more: Any) -> Json:
    return {"name": name, "description": f"The tool {name}.", "input_schema": CITY, **more}


def use(call_id: str = "toolu_1", name: str = "weather") -> Json:
    return {"type": "tool_use", "id": call_id, "name": name, "input": {"city": "Rome"}}


def result(content: Any, call_id: str = "toolu_1", **more: Any) -> Json:
    return {"type": "tool_result", "tool_use_id": call_id, "content": content, **more}


def back(*blocks: Json) -> Json:
    return {"role": "assistant", "content": list(blocks)}


def data(kind: str, raw: str) -> Json:
    return {"type": "base64", "media_type": kind, "data": raw}


def document(source: Json, **more: Any) -> Json:
    return {"type": "document", "source": source, **more}


IMAGE = {"type": "image", "source": data("image/png", PNG)}
PAPER = document(data("application/pdf", PDF))
THOUGHT = {"type": "thinking", "thinking": "I need it.", "signature": signature_of("I need it.")}
FOREIGN = {"type": "thinking", "thinking": "I need it.", "signature": "llm-gateway"}
CLEARS = {"edits": [{"type": "clear_tool_uses_20250919"}]}
SEARCH = {"type": "search_result", "source": "https://a.example", "title": "A", "content": [text("found it")]}
BASH = {"type": "bash_20250124", "name": "bash"}
WEB = {"type": "web_search_20250305", "name": "web_search"}


def reads(*texts: str) -> Any:
    """Whether these texts are in the conversation, in this order; some wires make one of several."""
    pattern = re.compile(".*".join(map(re.escape, texts)), re.DOTALL)
    return lambda sent: bool(pattern.search("\n".join(str(one.value) for one in sent.said)))


def shows_error(sent: Sent) -> bool:
    """By the wire's own field, or in words."""
    blocks = [
        block for turn in sent.body.get("messages", ()) for block in turn["content"] or () if isinstance(block, dict)
    ]
    return any(block.get("is_error") for block in blocks) or sent.says("Error: it broke")


def thinks(*efforts: str | None) -> Any:
    return lambda sent: effort_of(sent) in efforts


def named(sent: Sent) -> bool:
    """Who asks, apart by project."""
    who = (sent.body.get("metadata") or {}).get("user_id") or sent.body.get("safety_identifier")
    return who == "wires:u-1"
