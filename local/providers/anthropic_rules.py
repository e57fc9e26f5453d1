"""What Anthropic's Messages API refuses, in its own words."""

from __future__ import annotations

from typing import Any, Protocol

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
_SYSTEM_ROLE = (
    'messages: Unexpected role "system". The Messages API accepts a top-level `system` parameter, not "system" as an '
    "input message role."
)


class Refuser(Protocol):
    """Words a refusal."""

    def refuse(self, message: str, number: int, *, kind: str = "invalid") -> Refused: ...


def check_messages(wire: Refuser, body: Json, number: int, *, limits_output: bool) -> None:
    """Raises Refused. `limits_output` is true where `max_tokens` is required."""
    for problem in _problems(body, limits_output):
        raise wire.refuse(problem, number)
    if not body["model"].startswith("claude-"):
        raise wire.refuse(f"model: {body['model']}", number, kind="not_found")


def _problems(body: Json, limits_output: bool) -> list[str]:
    problems = [f"{name}: Extra inputs are not permitted" for name in sorted(set(body) - _FIELDS)]
    required = ("model", "messages", "max_tokens") if limits_output else ("model", "messages")
    problems += [f"{name}: Field required" for name in required if body.get(name) is None]
    if not isinstance(body.get("model", ""), str):
        problems.append("model: Input should be a valid string")
    return problems + _bad_limits(body) + (_bad_messages(body["messages"]) if body.get("messages") is not None else [])


def _bad_limits(body: Json) -> list[str]:
    problems = []
    limit = body.get("max_tokens")
    if limit is not None and (not isinstance(limit, int) or limit < 1):
        problems.append("max_tokens: Input should be greater than or equal to 1")
    temperature = body.get("temperature")
    if temperature is not None and not 0 <= temperature <= 1:
        problems.append("temperature: range: 0..1")
    thinking = body.get("thinking") or {}
    if thinking.get("type") == "enabled":
        problems += _bad_thinking(thinking.get("budget_tokens"), limit, temperature)
    return problems


def _bad_thinking(budget: Any, limit: Any, temperature: Any) -> list[str]:
    help_ = "Please consult our documentation at https://docs.claude.com/en/docs/build-with-claude/extended-thinking"
    if budget is None:
        return ["thinking.enabled.budget_tokens: Field required"]
    if budget < 1024:
        return ["thinking.enabled.budget_tokens: Input should be greater than or equal to 1024"]
    if limit is not None and limit <= budget:
        return [
            f"`max_tokens` must be greater than `thinking.budget_tokens`. {help_}#max-tokens-and-context-window-size"
        ]
    if temperature not in (None, 1):
        return [f"`temperature` may only be set to 1 when thinking is enabled. {help_}"]
    return []


def _bad_messages(messages: Any) -> list[str]:
    if not isinstance(messages, list):
        return ["messages: Input should be a valid list"]
    if not messages:
        return ["messages: at least one message is required"]
    return [problem for index, message in enumerate(messages) for problem in _bad_message(index, message)]


def _bad_message(index: int, message: Any) -> list[str]:
    if not isinstance(message, dict):
        return [f"messages.{index}: Input should be a valid dictionary or object to extract fields from"]
    role = message.get("role")
    if role == "system":
        return [_SYSTEM_ROLE]
    if role not in ("user", "assistant"):
        return [f"messages.{index}.role: Input should be 'user' or 'assistant'"]
    content = message.get("content")
    if content is None:
        return [f"messages.{index}.content: Field required"]
    if content in ("", []):
        return [
            f"messages.{index}: all messages must have non-empty content except for the optional final assistant message"
        ]
    return [
        problem
        for at, part in enumerate(content if isinstance(content, list) else ())
        for problem in _bad_part(index, at, part)
    ]


def _bad_part(index: int, at: int, part: Any) -> list[str]:
    kind = part.get("type") if isinstance(part, dict) else None
    if kind not in _PARTS:
        expected = ", ".join(f"'{known}'" for known in sorted(_PARTS))
        return [
            f"messages.{index}.content.{at}: Input tag '{kind}' found using 'type' does not match any of the expected "
            f"tags: {expected}"
        ]
    if kind == "text" and not part.get("text"):
        return ["messages: text content blocks must be non-empty"]
    return []
