"""What DeepSeek's Chat Completions refuses, in its own words.

Rules as of 2026-11-29, from https://api-docs.deepseek.com/guides/thinking_mode (V4 thinks unless told not to; efforts;
reasoning_content of every turn that called tools comes back), https://api-docs.deepseek.com/api/create-chat-completion
(roles, string content, formats, ranges), https://api-docs.deepseek.com/guides/json_mode, and for forced tools while
thinking https://github.com/deepseek-ai/DeepSeek-V3/issues/1376.
"""

from __future__ import annotations

import json
from typing import Any

from local.providers.model import Json, Refused

_ROLES = ("system", "user", "assistant", "tool", "latest_reminder")
_NO_REASONING = "The `reasoning_content` in the thinking mode must be passed back to the API."
_THINKING_BY_DEFAULT = ("deepseek-v4", "deepseek-reasoner")
_MODES = ("enabled", "disabled")
_EFFORTS = ("minimal", "low", "medium", "high", "xhigh", "max", "ultra")
"""What is taken; the model itself knows low, high and max, and takes the others as the nearest of those."""
_MAX_TEMPERATURE = 2


def thinks(body: Json) -> bool:
    """Whether the model reasons: as asked, else by its name."""
    asked = (body.get("thinking") or {}).get("type")
    return asked == "enabled" or (asked is None and body["model"].startswith(_THINKING_BY_DEFAULT))


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
    _check_thinking(body)
    for index, message in enumerate(messages):
        _check_message(body, f"messages[{index}]", message)
    _check_format(body)
    _check_numbers(body)
    if thinks(body):
        check_choice_while_thinking(body.get("tool_choice"))
        check_reasoning_comes_back(messages)


def _check_thinking(body: Json) -> None:
    asked = body.get("thinking")
    if asked is not None and asked.get("type") not in _MODES:
        expected = " or ".join(f"`{mode}`" for mode in _MODES)
        problem = f"thinking.type: unknown variant `{asked.get('type')}`, expected {expected}"
        raise _undeserializable(problem, body)
    effort = body.get("reasoning_effort")
    if effort is not None and effort not in _EFFORTS:
        expected = ", ".join(f"`{known}`" for known in _EFFORTS)
        raise _undeserializable(f"reasoning_effort: unknown variant `{effort}`, expected one of {expected}", body)


def check_choice_while_thinking(choice: Any) -> None:
    """Raises Refused for a tool that must be called."""
    if choice == "required" or isinstance(choice, dict):
        raise Refused("Thinking mode does not support this tool_choice")


def check_reasoning_comes_back(messages: list[Json]) -> None:
    """Raises Refused for a turn that called tools and has lost what it thought."""
    if any(message.get("tool_calls") and not message.get("reasoning_content") for message in messages):
        raise Refused(_NO_REASONING)


def _check_message(body: Json, at: str, message: Any) -> None:
    role = message.get("role") if isinstance(message, dict) else None
    if role not in _ROLES:
        expected = ", ".join(f"`{known}`" for known in _ROLES)
        raise _undeserializable(f"{at}.role: unknown variant `{role}`, expected one of {expected}", body)
    check_content_is_given(body, at, message)
    content = message["content"]
    for part in content if isinstance(content, list) else ():
        if part.get("type") != "text" and "vision" not in body["model"]:
            raise _undeserializable(f"{at}: unknown variant `{part.get('type')}`, expected `text`", body)
    if isinstance(content, list) and "vision" not in body["model"]:
        check_content_is_a_string(body, at)


def check_content_is_given(body: Json, at: str, message: Json) -> None:
    """Null is content, too; a message without the field is none. Raises Refused."""
    if "content" not in message:
        raise _undeserializable(f"{at}: missing field `content`", body)


def check_content_is_a_string(body: Json, at: str) -> None:
    """Called for a list. Raises Refused: lists of parts are for models that see."""
    raise _undeserializable(f"{at}: invalid type: sequence, expected a string", body)


def _check_format(body: Json) -> None:
    kind = (body.get("response_format") or {}).get("type", "text")
    if kind == "json_schema":
        raise Refused("This response_format type is unavailable now")
    if kind == "json_object" and "json" not in json.dumps(body["messages"]).lower():
        message = "Prompt must contain the word 'json' in some form to use 'response_format' of type 'json_object'."
        raise Refused(message)


def _check_numbers(body: Json) -> None:
    limit = body.get("max_tokens")
    if limit is not None and limit < 1:
        raise Refused("Invalid max_tokens value, the valid range of max_tokens is [1, 65536]")
    ranges = {"temperature": (0, _MAX_TEMPERATURE), "frequency_penalty": (-2, 2), "presence_penalty": (-2, 2)}
    for name, (low, high) in ranges.items():
        if body.get(name) is not None and not low <= body[name] <= high:
            raise Refused(f"Invalid {name} value, the valid range of {name} is [{low}, {high}]")


def _undeserializable(problem: str, body: Json) -> Refused:
    column = len(json.dumps(body))
    return Refused(f"Failed to deserialize the JSON body into the target type: {problem} at line 1 column {column}")
