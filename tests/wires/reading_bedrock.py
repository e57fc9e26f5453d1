"""What a request of Converse says, read by AWS's documentation; see `reading`.

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from tests.wires.said import Json, Said, Sent

_OPTIONS = {"maxTokens": "max_tokens", "topP": "top_p", "stopSequences": "stop"}


def converse(body: Json) -> Sent:
    """In common words; options have OpenAI's names, and those of the model itself stand beside them."""
    limits = body.get("inferenceConfig") or {}
    config = body.get("toolConfig") or {}
    tools = {one["toolSpec"]["name"]: one["toolSpec"] for one in config.get("tools") or () if "toolSpec" in one}
    schema = _schema(body)
    return Sent(
        "bedrock",
        body,
        (
            *(Said("system", "text", block["text"]) for block in body.get("system") or () if "text" in block),
            *(piece for turn in body["messages"] for piece in _turn(turn)),
        ),
        {name: spec["inputSchema"]["json"] for name, spec in tools.items()},
        _choice(config.get("toolChoice") or {}),
        tuple(limits.get("stopSequences") or ()),
        schema,
        schema is not None,
        {
            **{_OPTIONS.get(name, name): value for name, value in limits.items()},
            **(body.get("additionalModelRequestFields") or {}),
        },
    )


def _choice(choice: Json) -> str | None:
    if "tool" in choice:
        return str(choice["tool"]["name"])
    return "required" if "any" in choice else "auto" if "auto" in choice else None


def _schema(body: Json) -> Any:
    wanted = ((body.get("outputConfig") or {}).get("textFormat") or {}).get("structure") or {}
    return json.loads(wanted["jsonSchema"]["schema"]) if "jsonSchema" in wanted else None


def _turn(turn: Json) -> Iterator[Said]:
    role = "model" if turn["role"] == "assistant" else turn["role"]
    for block in turn["content"]:
        match block:
            case {"text": str(said)}:
                yield Said(role, "text", said)
            case {"image": image}:
                yield Said(role, "image", f"image/{image['format']}")
            case {"document": document}:
                yield Said(role, "file", document.get("name"))
            case {"toolUse": used}:
                yield Said(role, "call", (used["name"], used["input"]))
            case {"toolResult": result}:
                yield from (_result(inner) for inner in result["content"])
            case {"reasoningContent": {"reasoningText": thought}}:
                yield Said(role, "thought", thought.get("signature"))


def _result(block: Json) -> Said:
    if "image" in block:
        return Said("tool", "image", f"image/{block['image']['format']}")
    return Said("tool", "result", block["text"] if "text" in block else json.dumps(block.get("json")))
