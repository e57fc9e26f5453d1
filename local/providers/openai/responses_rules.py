"""What OpenAI's Responses API refuses, in its own words."""

from __future__ import annotations

from typing import Any

from local.providers.model import Json, Refused
from local.providers.openai.chat_rules import FIXED_SAMPLING, check_model, check_range, check_strict

_FIELDS = frozenset(
    [
        "background",
        "context_management",
        "conversation",
        "include",
        "input",
        "instructions",
        "max_output_tokens",
        "max_tool_calls",
        "metadata",
        "model",
        "parallel_tool_calls",
        "previous_response_id",
        "prompt",
        "prompt_cache_key",
        "prompt_cache_retention",
        "reasoning",
        "safety_identifier",
        "service_tier",
        "store",
        "stream",
        "stream_options",
        "temperature",
        "text",
        "tool_choice",
        "tools",
        "top_logprobs",
        "top_p",
        "truncation",
        "user",
    ]
)
_MIN_OUTPUT_TOKENS = 16


def check_responses(body: Json) -> None:
    """Raises Refused."""
    model = check_model(body)
    unknown = sorted(set(body) - _FIELDS)
    if unknown:
        raise Refused(f"Unknown parameter: '{unknown[0]}'.", param=unknown[0], code="unknown_parameter")
    _check_input(body.get("input"))
    for name in ("temperature", "top_p"):
        if body.get(name) is not None and FIXED_SAMPLING.match(model):
            message = f"Unsupported parameter: '{name}' is not supported with this model."
            raise Refused(message, param=name)
    if body.get("max_output_tokens") is not None:
        check_range("max_output_tokens", body["max_output_tokens"], _MIN_OUTPUT_TOKENS, None)
    wanted = (body.get("text") or {}).get("format") or {}
    if wanted.get("type") == "json_schema":
        check_strict(wanted, "text.format.schema")


def _check_input(given: Any) -> None:
    if given is None:
        message = "Missing required parameter: 'input'."
        raise Refused(message, param="input", code="missing_required_parameter")
    if not isinstance(given, str | list):
        message = (
            "Invalid type for 'input': expected one of a string or array of input items, but got an object instead."
        )
        raise Refused(message, param="input", code="invalid_type")
    for index, item in enumerate(given if isinstance(given, list) else ()):
        if not isinstance(item, dict) or not ("role" in item or "type" in item):
            at = f"input[{index}]"
            message = f"Invalid value for '{at}': expected an input item."
            raise Refused(message, param=at, code="invalid_value")
