"""What OpenAI's Chat Completions refuses, in its own words."""

from __future__ import annotations

import json
import re
from typing import Any

from local.providers.model import Json, Refused

_FIELDS = frozenset(
    [
        "audio",
        "frequency_penalty",
        "function_call",
        "functions",
        "logit_bias",
        "logprobs",
        "max_completion_tokens",
        "max_tokens",
        "messages",
        "metadata",
        "modalities",
        "model",
        "n",
        "parallel_tool_calls",
        "prediction",
        "presence_penalty",
        "prompt_cache_key",
        "prompt_cache_retention",
        "reasoning_effort",
        "response_format",
        "safety_identifier",
        "seed",
        "service_tier",
        "stop",
        "store",
        "stream",
        "stream_options",
        "temperature",
        "tool_choice",
        "tools",
        "top_logprobs",
        "top_p",
        "user",
        "verbosity",
        "web_search_options",
    ]
)
_ROLES = ("system", "assistant", "user", "function", "tool", "developer")
_PARTS = ("text", "image_url", "input_audio", "refusal", "audio", "file")
_KNOWN = re.compile(r"(gpt-|o\d|chatgpt-|codex|ft:|text-embedding-|computer-use)")
_RESPONSES_ONLY = re.compile(r"(.*codex|.*-pro$|computer-use)")
FIXED_SAMPLING = re.compile(r"(o\d|gpt-5(?![.\d])|.*codex)")
"""Models that always reason; from 5.1 on, GPT-5 samples freely as long as it does not reason."""
_NEW_LIMIT = re.compile(r"(o\d|gpt-5)")
_MAX_TEMPERATURE = 2


def check_model(body: Json) -> str:
    model = body.get("model")
    if not isinstance(model, str) or not model:
        raise Refused("you must provide a model parameter")
    if not _KNOWN.match(model):
        raise Refused(None, kind="not_found", model=model)
    return model


def check_chat(body: Json) -> None:
    """Raises Refused."""
    model = check_model(body)
    if _RESPONSES_ONLY.match(model):
        message = "This model is only supported in v1/responses and not in v1/chat/completions."
        raise Refused(message, param="model", kind="not_found")
    unknown = sorted(set(body) - _FIELDS)
    if unknown:
        raise Refused(f"Unrecognized request argument supplied: {unknown[0]}")
    _check_messages(body.get("messages"))
    _check_limits(body, model)
    check_sampling(body, model)
    _check_format(body)


def reasons(effort: Any) -> bool:
    """Whether a reasoning effort asks for any; GPT-5.1's default is none."""
    return effort not in (None, "none", "minimal")


def check_sampling(body: Json, model: str) -> None:
    """Raises Refused for a temperature where the model reasons, and for one out of range."""
    temperature = body.get("temperature")
    if temperature is None:
        return
    fixed = FIXED_SAMPLING.match(model) or ("gpt-5" in model and reasons(body.get("reasoning_effort")))
    if fixed and temperature != 1:
        message = (
            f"Unsupported value: 'temperature' does not support {temperature} with this model. "
            "Only the default (1) value is supported."
        )
        raise Refused(message, param="temperature", code="unsupported_value")
    if not isinstance(temperature, int | float):
        message = "Invalid type for 'temperature': expected a decimal, but got a string instead."
        raise Refused(message, param="temperature", code="invalid_type")
    check_range("temperature", temperature, 0, _MAX_TEMPERATURE)


def check_range(name: str, value: float, low: float, high: float | None) -> None:
    """Bounds, both inclusive; `high` None means there is none."""
    kind = "integer" if isinstance(value, int) and name != "temperature" else "decimal"
    if value < low:
        message = f"Invalid '{name}': {kind} below minimum value. Expected a value >= {low}, but got {value} instead."
        raise Refused(message, param=name, code=f"{kind}_below_min_value")
    if high is not None and value > high:
        message = f"Invalid '{name}': {kind} above maximum value. Expected a value <= {high}, but got {value} instead."
        raise Refused(message, param=name, code=f"{kind}_above_max_value")


def _check_messages(messages: Any) -> None:
    if messages is None:
        raise _missing("messages")
    if not isinstance(messages, list):
        message = "Invalid type for 'messages': expected an array of objects, but got a different type instead."
        raise Refused(message, param="messages", code="invalid_type")
    if not messages:
        message = (
            "Invalid 'messages': empty array. Expected an array with minimum length 1, but got an empty array instead."
        )
        raise Refused(message, param="messages", code="empty_array")
    for index, message_ in enumerate(messages):
        _check_message(message_, f"messages[{index}]")


def _check_message(message: Any, at: str) -> None:
    if not isinstance(message, dict):
        text = f"Invalid type for '{at}': expected an object, but got a different type instead."
        raise Refused(text, param=at, code="invalid_type")
    if "role" not in message:
        raise _missing(f"{at}.role")
    if message["role"] not in _ROLES:
        raise _unknown_value(f"{at}.role", message["role"], _ROLES)
    content = message.get("content")
    if content is None and message["role"] != "assistant":
        text = f"Invalid value for 'content': expected a string, got null. ({at}.content)"
        raise Refused(text, param=f"{at}.content")
    for index, part in enumerate(content if isinstance(content, list) else ()):
        kind = part.get("type") if isinstance(part, dict) else None
        if kind not in _PARTS:
            raise _unknown_value(f"{at}.content[{index}].type", kind, _PARTS)


def _check_limits(body: Json, model: str) -> None:
    if body.get("max_tokens") is not None and _NEW_LIMIT.match(model):
        message = (
            "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
        )
        raise Refused(message, param="max_tokens", code="unsupported_parameter")
    for name in ("max_tokens", "max_completion_tokens"):
        if body.get(name) is not None:
            check_range(name, body[name], 1, None)
    if body.get("n") is not None:
        check_range("n", body["n"], 1, 1)


def _check_format(body: Json) -> None:
    wanted = body.get("response_format") or {"type": "text"}
    if wanted.get("type") == "json_object" and "json" not in json.dumps(body["messages"]).lower():
        message = (
            "'messages' must contain the word 'json' in some form, to use 'response_format' of type 'json_object'."
        )
        raise Refused(message, param="messages")
    if wanted.get("type") != "json_schema":
        return
    schema = wanted.get("json_schema")
    if not isinstance(schema, dict) or "name" not in schema:
        raise _missing("response_format.json_schema")
    check_strict(schema, "response_format")


def check_strict(schema: Json, param: str) -> None:
    """A strict schema has to close its objects."""
    inner = schema.get("schema") or {}
    if schema.get("strict") and inner.get("type") == "object" and inner.get("additionalProperties") is not False:
        message = (
            f"Invalid schema for response_format '{schema.get('name')}': In context=(), 'additionalProperties' is "
            "required to be supplied and to be false."
        )
        raise Refused(message, param=param)


def _missing(name: str) -> Refused:
    return Refused(f"Missing required parameter: '{name}'.", param=name, code="missing_required_parameter")


def _unknown_value(at: str, value: Any, known: tuple[str, ...]) -> Refused:
    listed = ", ".join(f"'{item}'" for item in known[:-1])
    message = f"Invalid value: '{value}'. Supported values are: {listed}, and '{known[-1]}'."
    return Refused(message, param=at, code="invalid_value")
