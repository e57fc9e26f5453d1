"""What a caller on Anthropic's wire was told, in the words that all wires have in common."""

from __future__ import annotations

import json
from typing import Any

from tests.wires.words import Call, Json, Told

_FINISHES = {"end_turn": "stop", "max_tokens": "length", "refusal": "content_filter", "tool_use": "tool_calls"}


def whole_message(heard: Told, body: Json) -> None:
    """Of a whole answer. `raw` has its blocks, as they are to come back."""
    heard.raw, heard.usage, heard.role = body, body["usage"], body["role"]
    heard.finish = _FINISHES[body["stop_reason"]]
    for block in body["content"]:
        match block["type"]:
            case "text":
                heard.text += block["text"]
            case "thinking":
                heard.reasoning += block["thinking"]
            case "tool_use":
                heard.calls.append(Call(block["id"], block["name"], json.dumps(block["input"], separators=(",", ":"))))


def message_events(heard: Told, told: list[tuple[str, Any]]) -> None:
    """Of a stream: blocks do not overlap, and a sound answer ends with `message_stop`."""
    body: Json = {"content": []}
    is_open = False
    for name, event in told:
        assert name == event["type"]
        match name:
            case "message_start":
                body |= event["message"] | {"content": []}
            case "content_block_start":
                assert not is_open
                assert event["index"] == len(body["content"])
                body["content"].append(dict(event["content_block"]))
                is_open = True
            case "content_block_delta":
                assert is_open
                _grow(body["content"][event["index"]], event["delta"])
            case "content_block_stop":
                _end(body["content"][event["index"]])
                is_open = False
            case "message_delta":
                body |= {"stop_reason": event["delta"]["stop_reason"], "usage": event["usage"]}
            case "error":
                heard.error = event["error"]
                return
    assert told[-1][0] == "message_stop"
    whole_message(heard, body)


def _grow(block: Json, delta: Json) -> None:
    kind = delta["type"]
    name = {"text_delta": "text", "thinking_delta": "thinking", "signature_delta": "signature"}.get(
        kind, "partial_json"
    )
    block[name] = block.get(name, "") + delta[name]


def _end(block: Json) -> None:
    if block["type"] == "tool_use":
        block["input"] = json.loads(block.pop("partial_json", "") or "{}")
