"""What OpenAI's Chat Completions refuses, in its own words."""

from __future__ import annotations

import json
import re
from typing import Any, Protocol

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
RESPONSES_ONLY = re.compile(r"(.*codex|.*-pro$|computer-use)")
_FIXED_SAMPLING = re.compile(r"(o\d|gpt-5(?![.\d])|.*codex)")
"""Reasoning models; from 5.1 on, GPT-5 samples freely as long as it does not reason."""


class Refuser(Protocol):
    """Words a refusal."""

    def refuse(
        self, message: str, number: int, *, param: str | None = None, code: str | None = None, kind: str = "invalid"
    ) -> Refused: ...


def check_model(wire: Refuser, body: Json, number: int) -> str:
    model = body.get("model")
    if not isinstance(model, str) or not model:
        raise wire.refuse("you must provide a model parameter", number)
    if not _KNOWN.match(model):
        message = f"The model `{model}` does not exist or you do not have access to it."
        raise wire.refuse(message, number, kind="not_found")
    return model


def check_chat(wire: Refuser, body: Json, number: int) -> None:
    """Raises Refused."""
    model = check_model(wire, body, number)
    if RESPONSES_ONLY.match(model):
        message = "This model is only supported in v1/responses and not in v1/chat/completions."
        raise wire.refuse(message, number, param="model", kind="not_found")
    unknown = sorted(set(body) - _FIELDS)
    if unknown:
        raise wire.refuse(f"Unrecognized request argument supplied: {unknown[0]}", number)
    _check_messages(wire, body.get("messages"), number)
    _check_limits(wire, body, number, model)
    check_sampling(wire, body, number, model)
    _check_format(wire, body, number)


def check_sampling(wire: Refuser, body: Json, number: int, model: str) -> None:
    temperature = body.get("temperature")
    if temperature is None:
        return
    if _FIXED_SAMPLING.match(model) and temperature != 1:
        message = (
            f"Unsupported value: 'temperature' does not support {temperature} with this model. "
            "Only the default (1) value is supported."
        )
        raise wire.refuse(message, number, param="temperature", code="unsupported_value")
    if not isinstance(temperature, int | float):
        message = "Invalid type for 'temperature': expected a decimal, but got a string instead."
        raise wire.refuse(message, number, param="temperature", code="invalid_type")
    check_range(wire, "temperature", temperature, 0, 2, number)


def check_range(wire: Refuser, name: str, value: float, low: float, high: float | None, number: int) -> None:
    """Bounds, both inclusive; `high` None means there is none."""
    kind = "integer" if isinstance(value, int) and name != "temperature" else "decimal"
    if value < low:
        message = f"Invalid '{name}': {kind} below minimum value. Expected a value >= {low}, but got {value} instead."
        raise wire.refuse(message, number, param=name, code=f"{kind}_below_min_value")
    if high is not None and value > high:
        message = f"Invalid '{name}': {kind} above maximum value. Expected a value <= {high}, but got {value} instead."
        raise wire.refuse(message, number, param=name, code=f"{kind}_above_max_value")


def _check_messages(wire: Refuser, messages: Any, number: int) -> None:
    if messages is None:
        raise _missing(wire, "messages", number)
    if not isinstance(messages, list):
        message = "Invalid type for 'messages': expected an array of objects, but got a different type instead."
        raise wire.refuse(message, number, param="messages", code="invalid_type")
    if not messages:
        message = (
            "Invalid 'messages': empty array. Expected an array with minimum length 1, but got an empty array instead."
        )
        raise wire.refuse(message, number, param="messages", code="empty_array")
    for index, message_ in enumerate(messages):
        _check_message(wire, message_, f"messages[{index}]", number)


def _check_message(wire: Refuser, message: Any, at: str, number: int) -> None:
    if not isinstance(message, dict):
        text = f"Invalid type for '{at}': expected an object, but got a different type instead."
        raise wire.refuse(text, number, param=at, code="invalid_type")
    if "role" not in message:
        raise _missing(wire, f"{at}.role", number)
    if message["role"] not in _ROLES:
        raise _unknown_value(wire, f"{at}.role", message["role"], _ROLES, number)
    content = message.get("content")
    if content is None and message["role"] != "assistant":
        text = f"Invalid value for 'content': expected a string, got null. ({at}.content)"
        raise wire.refuse(text, number, param=f"{at}.content")
    for index, part in enumerate(content if isinstance(content, list) else ()):
        kind = part.get("type") if isinstance(part, dict) else None
        if kind not in _PARTS:
            raise _unknown_value(wire, f"{at}.content[{index}].type", kind, _PARTS, number)


def _check_limits(wire: Refuser, body: Json, number: int, model: str) -> None:
    if body.get("max_tokens") is not None and re.match(r"(o\d|gpt-5)", model):
        message = (
            "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
        )
        raise wire.refuse(message, number, param="max_tokens", code="unsupported_parameter")
    for name in ("max_tokens", "max_completion_tokens"):
        if body.get(name) is not None:
            check_range(wire, name, body[name], 1, None, number)
    if body.get("n") is not None:
        check_range(wire, "n", body["n"], 1, 1, number)


def _check_format(wire: Refuser, body: Json, number: int) -> None:
    wanted = body.get("response_format") or {"type": "text"}
    if wanted.get("type") == "json_object" and "json" not in json.dumps(body["messages"]).lower():
        message = (
            "'messages' must contain the word 'json' in some form, to use 'response_format' of type 'json_object'."
        )
        raise wire.refuse(message, number, param="messages")
    if wanted.get("type") != "json_schema":
        return
    schema = wanted.get("json_schema")
    if not isinstance(schema, dict) or "name" not in schema:
        raise _missing(wire, "response_format.json_schema", number)
    check_strict(wire, schema, "response_format", number)


def check_strict(wire: Refuser, schema: Json, param: str, number: int) -> None:
    """A strict schema has to close its objects."""
    inner = schema.get("schema") or {}
    if schema.get("strict") and inner.get("type") == "object" and inner.get("additionalProperties") is not False:
        message = (
            f"Invalid schema for response_format '{schema.get('name')}': In context=(), 'additionalProperties' is "
            "required to be supplied and to be false."
        )
        raise wire.refuse(message, number, param=param)


def _missing(wire: Refuser, name: str, number: int) -> Refused:
    return wire.refuse(f"Missing required parameter: '{name}'.", number, param=name, code="missing_required_parameter")


def _unknown_value(wire: Refuser, at: str, value: Any, known: tuple[str, ...], number: int) -> Refused:
    listed = ", ".join(f"'{item}'" for item in known[:-1])
    message = f"Invalid value: '{value}'. Supported values are: {listed}, and '{known[-1]}'."
    return wire.refuse(message, number, param=at, code="invalid_value")
