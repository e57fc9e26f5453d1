"""What Converse refuses: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html."""

from __future__ import annotations

import re
from typing import Any

from local.providers.model import Json, Refused

_FIELDS = frozenset(
    {
        "additionalModelRequestFields",
        "additionalModelResponseFieldPaths",
        "guardrailConfig",
        "inferenceConfig",
        "messages",
        "outputConfig",
        "performanceConfig",
        "promptVariables",
        "requestMetadata",
        "serviceTier",
        "system",
        "toolConfig",
    }
)
_LIMITS = frozenset({"maxTokens", "stopSequences", "temperature", "topP"})
_BLOCKS = frozenset(
    {"cachePoint", "citationsContent", "document", "guardContent", "image", "reasoningContent", "text"}
    | {"toolResult", "toolUse", "video"}
)


_MOST_POINTS = 4
"""Of Claude and Nova: https://docs.aws.amazon.com/bedrock/latest/userguide/prompt-caching.html."""
_CACHES = re.compile(r"anthropic\.claude|amazon\.nova")


def signature_of(text: str) -> str:
    """What signs a thought here."""
    return f"signed-{len(text)}"


def check_converse(model: str, body: Json) -> None:
    """Raises Refused."""
    _check_cache(model, body)
    for name in sorted(body.keys() - _FIELDS):
        raise Refused(f"The field {name} is unknown.")
    for name in sorted((body.get("inferenceConfig") or {}).keys() - _LIMITS):
        raise Refused(f"The field inferenceConfig.{name} is unknown.")
    temperature = (body.get("inferenceConfig") or {}).get("temperature")
    if temperature is not None and not 0 <= temperature <= 1:
        raise Refused("temperature: range: 0..1")
    messages = body["messages"]
    if not messages or messages[0]["role"] != "user":
        raise Refused("A conversation must start with a user message. Try again with a conversation that does.")
    for index, message in enumerate(messages):
        _check_message(f"messages.{index}", message, messages[index - 1] if index else None)


def _check_cache(model: str, body: Json) -> None:
    said = [block for message in body.get("messages") or () for block in message["content"]]
    found = [*(body.get("system") or ()), *said, *((body.get("toolConfig") or {}).get("tools") or ())]
    points = [block["cachePoint"] for block in found if "cachePoint" in block]
    if points and not _CACHES.search(model):
        raise Refused("You invoked an unsupported model or your request did not allow prompt caching.")
    if len(points) > _MOST_POINTS:
        raise Refused(f"A maximum of {_MOST_POINTS} blocks with cache_control may be provided.")
    for point in points:
        if point["type"] != "default" or point.get("ttl", "5m") not in {"5m", "1h"} or point.keys() - {"type", "ttl"}:
            raise Refused("Malformed input request: cachePoint")


def _check_message(at: str, message: Json, before: Json | None) -> None:
    if message["role"] not in ("assistant", "user") or (before and before["role"] == message["role"]):
        raise Refused(f"{at}.role: roles must alternate between user and assistant.")
    if not message["content"]:
        raise Refused(f"The content field in the Message object at {at} is empty.")
    for number, block in enumerate(message["content"]):
        _check_block(f"{at}.content.{number}", block)
    called, told = _ids(before, "toolUse"), _ids(message, "toolResult")
    if message["role"] == "user" and called != told:
        raise Refused(f"{at}: Expected toolResult blocks for the following Ids: {', '.join(sorted(called ^ told))}")


def _check_block(at: str, block: Any) -> None:
    if len(block) != 1 or not block.keys() <= _BLOCKS:
        raise Refused(f"{at}: must have exactly one member that is known.")
    said = (block.get("reasoningContent") or {}).get("reasoningText") or {}
    if said and said.get("signature") != signature_of(said.get("text", "")):
        raise Refused(f"{at}: Invalid `signature` in `thinking` block")
    if "text" in block and not block["text"].strip():
        raise Refused(f"The text field in the ContentBlock object at {at} is blank.")


def _ids(message: Json | None, kind: str) -> set[str]:
    return {block[kind]["toolUseId"] for block in message["content"] if kind in block} if message else set()
