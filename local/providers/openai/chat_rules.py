"""What OpenAI's Chat Completions refuses, in its own words.

Rules as of 2026-11-29, from https://developers.openai.com/api/reference/resources/chat (fields, types and ranges),
https://developers.openai.com/api/docs/guides/structured-outputs (strict schemas) and .../guides/audio (spoken answers).
The rules of messages, tools and models stand in the modules of these names, with their pages.
"""

from __future__ import annotations

import json
import re
from typing import Any

from local.providers.model import Json, Refused
from local.providers.openai.chat_messages import check_messages
from local.providers.openai.models_rules import (
    SEARCHING,
    SPEAKING,
    check_effort,
    check_model,
    check_prediction,
    check_sampling,
    check_tools_while_reasoning,
)
from local.providers.openai.tool_rules import check_tools
from local.providers.openai.wrong import check_one_of, check_range, missing, too_long, unsupported_parameter

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
        "moderation",
        "n",
        "parallel_tool_calls",
        "prediction",
        "presence_penalty",
        "prompt_cache_key",
        "prompt_cache_options",
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
_RESPONSES_ONLY = re.compile(r"(.*codex|.*-pro$|computer-use)")
_NEW_LIMIT = re.compile(r"(o\d|gpt-5)")
_ENUMS = {
    "prompt_cache_retention": ("in_memory", "24h"),
    "service_tier": ("auto", "default", "flex", "priority"),
    "verbosity": ("low", "medium", "high"),
}
_LENGTHS = {"safety_identifier": 64, "prompt_cache_key": 64}
_FORMATS = ("json_object", "json_schema", "text")
_VOICE_FORMATS = ("wav", "aac", "mp3", "flac", "opus", "pcm16")
_MAX_CHOICES = 128
_MAX_STOPS = 4
_MAX_TOP_LOGPROBS = 20
_MAX_BIAS = 100
_MAX_METADATA = 16
_MAX_METADATA_VALUE = 512


def check_chat(body: Json) -> None:
    """Raises Refused."""
    model = check_model(body)
    if _RESPONSES_ONLY.match(model):
        message = "This model is only supported in v1/responses and not in v1/chat/completions."
        raise Refused(message, param="model", kind="not_found")
    unknown = sorted(set(body) - _FIELDS)
    if unknown:
        raise Refused(f"Unrecognized request argument supplied: {unknown[0]}")
    check_messages(body.get("messages"), model)
    _check_limits(body, model)
    check_sampling(body, model)
    check_effort("reasoning_effort", body.get("reasoning_effort"), model)
    check_tools_while_reasoning(body, model)
    check_shared_fields(body)
    _check_likelihoods(body)
    _check_stops(body.get("stop"))
    check_prediction(body, model)
    _check_speech(body, model)
    check_tools(body)
    _check_format(body)


def check_shared_fields(body: Json) -> None:
    """Fields that Chat Completions and Responses have alike. Raises Refused."""
    for name, known in _ENUMS.items():
        check_one_of(name, body.get(name), known)
    for name, limit in _LENGTHS.items():
        if len(body.get(name) or "") > limit:
            raise too_long(name, "string", limit, len(body[name]))
    metadata = body.get("metadata") or {}
    if len(metadata) > _MAX_METADATA:
        raise too_long("metadata", "object", _MAX_METADATA, len(metadata))
    for name, value in metadata.items():
        if not isinstance(value, str):
            message = f"Invalid type for 'metadata.{name}': expected a string, but got a different type instead."
            raise Refused(message, param=f"metadata.{name}", code="invalid_type")
        if len(value) > _MAX_METADATA_VALUE:
            raise too_long(f"metadata.{name}", "string", _MAX_METADATA_VALUE, len(value))


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
        check_range("n", body["n"], 1, _MAX_CHOICES)
    if body.get("stream_options") is not None and not body.get("stream"):
        message = "The 'stream_options' parameter is only allowed when 'stream' is enabled."
        raise Refused(message, param="stream_options")


def _check_likelihoods(body: Json) -> None:
    top = body.get("top_logprobs")
    if top is not None:
        if not body.get("logprobs"):
            message = "The 'top_logprobs' parameter is only allowed when 'logprobs' is enabled."
            raise Refused(message, param="top_logprobs")
        check_range("top_logprobs", top, 0, _MAX_TOP_LOGPROBS)
    for token, bias in (body.get("logit_bias") or {}).items():
        if not token.isdecimal():
            message = f"Invalid key in 'logit_bias': {token}. You should only be submitting non-negative integers."
            raise Refused(message, param="logit_bias")
        check_range(f"logit_bias.{token}", bias, -_MAX_BIAS, _MAX_BIAS)


def _check_stops(stop: Any) -> None:
    if isinstance(stop, list) and len(stop) > _MAX_STOPS:
        raise too_long("stop", "array", _MAX_STOPS, len(stop))


def _check_speech(body: Json, model: str) -> None:
    """Spoken answers, and searches, are for models that are made for them."""
    for index, kind in enumerate(body.get("modalities") or ()):
        check_one_of(f"modalities[{index}]", kind, ("text", "audio"))
    speaks = "audio" in (body.get("modalities") or ())
    if speaks and not SPEAKING.match(model):
        raise unsupported_parameter("modalities")
    if speaks and body.get("audio") is None:
        raise missing("audio")
    if body.get("audio") is not None:
        for name in ("voice", "format"):
            if name not in body["audio"]:
                raise missing(f"audio.{name}")
        check_one_of("audio.format", body["audio"]["format"], ("pcm16",) if body.get("stream") else _VOICE_FORMATS)
    if body.get("web_search_options") is not None and not SEARCHING.match(model):
        raise Refused("Web search options not supported with this model.", param="web_search_options")


def _check_format(body: Json) -> None:
    wanted = body.get("response_format") or {"type": "text"}
    check_one_of("response_format.type", wanted.get("type", ""), _FORMATS)
    if wanted["type"] == "json_object" and "json" not in json.dumps(body["messages"]).lower():
        message = (
            "'messages' must contain the word 'json' in some form, to use 'response_format' of type 'json_object'."
        )
        raise Refused(message, param="messages")
    if wanted["type"] != "json_schema":
        return
    schema = wanted.get("json_schema")
    if not isinstance(schema, dict) or "name" not in schema:
        raise missing("response_format.json_schema")
    check_strict(schema, "response_format")


def check_strict(schema: Json, param: str) -> None:
    """A strict schema has to close its objects. Raises Refused."""
    if schema.get("strict"):
        _check_closed(schema.get("schema") or {}, (), str(schema.get("name")), param)


def _check_closed(node: Any, path: tuple[str, ...], name: str, param: str) -> None:
    if not isinstance(node, dict):
        return
    if node.get("type") == "object" and node.get("additionalProperties") is not False:
        context = f"({', '.join(repr(step) for step in path)}{',' if len(path) == 1 else ''})"
        message = (
            f"Invalid schema for response_format '{name}': In context={context}, 'additionalProperties' is required to "
            "be supplied and to be false."
        )
        raise Refused(message, param=param)
    for group in ("properties", "$defs"):
        for key, inner in (node.get(group) or {}).items():
            _check_closed(inner, (*path, group, key), name, param)
    _check_closed(node.get("items"), (*path, "items"), name, param)
    for index, inner in enumerate(node.get("anyOf") or ()):
        _check_closed(inner, (*path, "anyOf", str(index)), name, param)
