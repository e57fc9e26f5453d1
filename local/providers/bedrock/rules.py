"""What Converse refuses: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html."""

from __future__ import annotations

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


def check_converse(body: Json) -> None:
    """Raises Refused."""
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
    if "text" in block and not block["text"].strip():
        raise Refused(f"The text field in the ContentBlock object at {at} is blank.")


def _ids(message: Json | None, kind: str) -> set[str]:
    return {block[kind]["toolUseId"] for block in message["content"] if kind in block} if message else set()
