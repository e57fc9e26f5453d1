"""What DeepSeek's Chat Completions refuses, in its own words."""

from __future__ import annotations

import json
from typing import Any

from local.providers.model import Json, Refused

_ROLES = ("system", "user", "assistant", "tool", "latest_reminder")
_NO_REASONING = "The `reasoning_content` in the thinking mode must be passed back to the API."


def thinks(body: Json) -> bool:
    """Whether the model reasons: as asked, else by its name."""
    asked = (body.get("thinking") or {}).get("type")
    return asked == "enabled" or (asked is None and body["model"] == "deepseek-reasoner")


def check_chat(body: Json) -> None:
    """Raises Refused."""
    model = body.get("model")
    if not isinstance(model, str) or not model.startswith("deepseek-"):
        raise Refused(None, kind="not_found")
    messages = body.get("messages")
    if not isinstance(messages, list):
        raise _undeserializable("missing field `messages`", body)
    if not messages:
        raise Refused("Empty input messages")
    for index, message in enumerate(messages):
        _check_message(body, f"messages[{index}]", message)
    _check_format(body)
    limit = body.get("max_tokens")
    if limit is not None and limit < 1:
        raise Refused("Invalid max_tokens value, the valid range of max_tokens is [1, 65536]")


def _check_message(body: Json, at: str, message: Any) -> None:
    role = message.get("role") if isinstance(message, dict) else None
    if role not in _ROLES:
        expected = ", ".join(f"`{known}`" for known in _ROLES)
        raise _undeserializable(f"{at}.role: unknown variant `{role}`, expected one of {expected}", body)
    content = message.get("content")
    for part in content if isinstance(content, list) else ():
        if part.get("type") != "text" and "vision" not in body["model"]:
            raise _undeserializable(f"{at}: unknown variant `{part.get('type')}`, expected `text`", body)
    if message.get("tool_calls") and thinks(body) and not message.get("reasoning_content"):
        raise Refused(_NO_REASONING)


def _check_format(body: Json) -> None:
    kind = (body.get("response_format") or {}).get("type", "text")
    if kind == "json_schema":
        raise Refused("This response_format type is unavailable now")
    if kind == "json_object" and "json" not in json.dumps(body["messages"]).lower():
        message = "Prompt must contain the word 'json' in some form to use 'response_format' of type 'json_object'."
        raise Refused(message)


def _undeserializable(problem: str, body: Json) -> Refused:
    column = len(json.dumps(body))
    return Refused(f"Failed to deserialize the JSON body into the target type: {problem} at line 1 column {column}")
