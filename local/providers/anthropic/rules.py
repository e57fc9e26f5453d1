"""What Anthropic's Messages API refuses, in its own words."""

from __future__ import annotations

import re
from typing import Any

from local.providers.model import Json, Refused

_FIELDS = frozenset(
    [
        "cache_control",
        "container",
        "context_management",
        "inference_geo",
        "max_tokens",
        "mcp_servers",
        "messages",
        "metadata",
        "model",
        "output_config",
        "output_format",
        "service_tier",
        "speed",
        "stop_sequences",
        "stream",
        "system",
        "temperature",
        "thinking",
        "tool_choice",
        "tools",
        "top_k",
        "top_p",
    ]
)
_PARTS = frozenset(
    [
        "document",
        "image",
        "redacted_thinking",
        "search_result",
        "server_tool_use",
        "text",
        "thinking",
        "tool_result",
        "tool_use",
        "web_search_tool_result",
    ]
)
_PREFILL = "This model does not support assistant message prefill. The conversation must end with a user message."
_VERSION = re.compile(r"claude-[a-z]+-(\d)(?:-(\d{1,2})(?!\d))?")
_ONE_SAMPLING = (4, 5)
_NO_PREFILL = (4, 6)
_NO_SAMPLING = (4, 7)
_MIN_THINKING = 1024
_DOCS = "Please consult our documentation at https://docs.claude.com/en/docs/build-with-claude/extended-thinking"
_EMPTY = "all messages must have non-empty content except for the optional final assistant message"
_SYSTEM_ROLE = (
    'messages: Unexpected role "system". The Messages API accepts a top-level `system` parameter, not "system" as an '
    "input message role."
)


def check_messages(body: Json, *, limits_output: bool) -> None:
    """Raises Refused. `limits_output` is true where `max_tokens` is required."""
    for name in sorted(set(body) - _FIELDS):
        raise Refused(f"{name}: Extra inputs are not permitted")
    for name in ("model", "messages", "max_tokens") if limits_output else ("model", "messages"):
        if body.get(name) is None:
            raise Refused(f"{name}: Field required")
    model = str(body["model"])
    if not model.startswith("claude-"):
        raise Refused(None, kind="not_found", model=model)
    _check_numbers(body)
    _check_sampling(body, _version(model))
    _check_list(body["messages"], _version(model))


def _version(model: str) -> tuple[int, int]:
    """(4, 5) of `claude-opus-4-5-20251101`; (0, 0) of the names before Claude 4."""
    found = _VERSION.match(model)
    return (int(found[1]), int(found[2] or 0)) if found else (0, 0)


def _check_sampling(body: Json, version: tuple[int, int]) -> None:
    """Claude 4.5 takes one of the two parameters, Claude 4.7 none any more."""
    given = [name for name in ("temperature", "top_p", "top_k") if body.get(name) is not None]
    if version >= _NO_SAMPLING and given and body.get("temperature") != 1:
        raise Refused(f"`{given[0]}` is deprecated for this model.")
    if version >= _ONE_SAMPLING and given[:2] == ["temperature", "top_p"]:
        raise Refused("`temperature` and `top_p` cannot both be specified for this model. Please use only one.")


def _check_numbers(body: Json) -> None:
    limit = body.get("max_tokens")
    if limit is not None and (not isinstance(limit, int) or limit < 1):
        raise Refused("max_tokens: Input should be greater than or equal to 1")
    temperature = body.get("temperature")
    if temperature is not None and not 0 <= temperature <= 1:
        raise Refused("temperature: range: 0..1")
    thinking = body.get("thinking") or {}
    if thinking.get("type") == "enabled":
        _check_thinking(thinking.get("budget_tokens"), limit, temperature)


def _check_thinking(budget: Any, limit: int | None, temperature: float | None) -> None:
    if budget is None:
        raise Refused("thinking.enabled.budget_tokens: Field required")
    if budget < _MIN_THINKING:
        raise Refused(f"thinking.enabled.budget_tokens: Input should be greater than or equal to {_MIN_THINKING}")
    if limit is not None and limit <= budget:
        anchor = "#max-tokens-and-context-window-size"
        raise Refused(f"`max_tokens` must be greater than `thinking.budget_tokens`. {_DOCS}{anchor}")
    if temperature not in (None, 1):
        raise Refused(f"`temperature` may only be set to 1 when thinking is enabled. {_DOCS}")


def _check_list(messages: Any, version: tuple[int, int]) -> None:
    if not isinstance(messages, list):
        raise Refused("messages: Input should be a valid list")
    if not messages:
        raise Refused("messages: at least one message is required")
    for index, message in enumerate(messages):
        _check_message(f"messages.{index}", message)
    if version >= _NO_PREFILL and messages[-1]["role"] == "assistant":
        raise Refused(_PREFILL)


def _check_message(at: str, message: Any) -> None:
    if not isinstance(message, dict):
        raise Refused(f"{at}: Input should be a valid dictionary or object to extract fields from")
    if message.get("role") == "system":
        raise Refused(_SYSTEM_ROLE)
    if message.get("role") not in ("user", "assistant"):
        raise Refused(f"{at}.role: Input should be 'user' or 'assistant'")
    content = message.get("content")
    if content is None:
        raise Refused(f"{at}.content: Field required")
    if content in ("", []):
        raise Refused(f"{at}: {_EMPTY}")
    for number, part in enumerate(content if isinstance(content, list) else ()):
        _check_part(f"{at}.content.{number}", part)


def _check_part(at: str, part: Any) -> None:
    kind = part.get("type") if isinstance(part, dict) else None
    if kind not in _PARTS:
        expected = ", ".join(f"'{known}'" for known in sorted(_PARTS))
        found = f"Input tag '{kind}' found using 'type' does not match any of the expected tags"
        raise Refused(f"{at}: {found}: {expected}")
    if kind == "text" and not part.get("text"):
        raise Refused("messages: text content blocks must be non-empty")
