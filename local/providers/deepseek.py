"""DeepSeek's dialect of Chat Completions: visible reasoning, cache hits and misses, and its own errors."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, override

from local.providers import catalog
from local.providers.model import Failure, Frame, Generation, Json, Prompt, Reply, Request, Stamp, Tokens
from local.providers.openai import OpenAIWire
from local.providers.openai_chat import OpenAIChat
from local.providers.openai_models import OpenAIModels
from local.providers.wire import REJECTED_KEY, json_reply

_INVALID = "invalid_request_error"
_ERRORS: dict[str, tuple[int, str, str]] = {
    "auth": (401, "authentication_error", _INVALID),
    "bad_json": (400, _INVALID, _INVALID),
    "content_filter": (400, _INVALID, _INVALID),
    "context_length": (400, _INVALID, _INVALID),
    "invalid": (400, _INVALID, _INVALID),
    "no_key": (401, "authentication_error", _INVALID),
    "not_found": (400, _INVALID, _INVALID),
    "rate_limit": (429, "rate_limit_error", "rate_limit_exceeded"),
    "server_error": (500, "server_error", "internal_error"),
    "unavailable": (503, "service_unavailable_error", "service_unavailable_error"),
    "unknown_url": (404, _INVALID, _INVALID),
}
"""Status, `type` and `code` of each failure."""
_ROLES = ("system", "user", "assistant", "tool", "latest_reminder")


class _DeepSeekErrors(OpenAIWire):
    provider = "deepseek"

    @override
    def refusal(self, request: Request, number: int) -> Reply | None:
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not key:
            return self.failure(Failure("no_key", number=number))
        if REJECTED_KEY in key:
            message = f"Authentication Fails, Your api key: ****{key[-4:]} is invalid"
            return self.failure(Failure("auth", message=message))
        return None

    @override
    def headers(self, prompt: Prompt, stamp: Stamp) -> tuple[tuple[str, str], ...]:
        return (("x-ds-trace-id", stamp.hex(32, "trace")),)

    @override
    def failure(self, failure: Failure) -> Reply:
        status = failure.status or _ERRORS[failure.kind][0]
        retry = failure.retry_after
        headers = (("retry-after", str(int(-(-retry // 1)))),) if retry is not None else ()
        return json_reply(status, {"error": self.error_of(failure)}, headers)

    @override
    def error_of(self, failure: Failure) -> Json:
        _, kind, code = _ERRORS[failure.kind]
        return {"message": failure.message or _message(failure), "type": kind, "param": None, "code": code}


class DeepSeekModels(_DeepSeekErrors, OpenAIModels):
    """GET /models."""

    names = catalog.DEEPSEEK
    owner = "deepseek"


class DeepSeekChat(_DeepSeekErrors, OpenAIChat):
    """POST /chat/completions."""

    call_prefix = "call_00_"

    @override
    def read(self, request: Request, number: int) -> Prompt:
        """Usage is reported with the finish reason, asked or not, and only there."""
        return replace(super().read(request, number), include_usage=False)

    @override
    def check(self, body: Json, number: int) -> None:
        model = body.get("model")
        if not isinstance(model, str) or not model.startswith("deepseek-"):
            raise self.refuse("Model Not Exist", number, kind="not_found")
        messages = body.get("messages")
        if not isinstance(messages, list):
            raise self._undeserializable("missing field `messages`", body, number)
        if not messages:
            raise self.refuse("Empty input messages", number)
        for index, message in enumerate(messages):
            self._check_message(body, index, message, number)
        self._check_format(body, number)
        if body.get("max_tokens") is not None and body["max_tokens"] < 1:
            raise self.refuse("Invalid max_tokens value, the valid range of max_tokens is [1, 65536]", number)

    def _check_message(self, body: Json, index: int, message: Any, number: int) -> None:
        role = message.get("role") if isinstance(message, dict) else None
        if role not in _ROLES:
            expected = ", ".join(f"`{known}`" for known in _ROLES)
            problem = f"messages[{index}].role: unknown variant `{role}`, expected one of {expected}"
            raise self._undeserializable(problem, body, number)
        content = message.get("content")
        for part in content if isinstance(content, list) else ():
            if part.get("type") != "text" and "vision" not in body["model"]:
                problem = f"messages[{index}]: unknown variant `{part.get('type')}`, expected `text`"
                raise self._undeserializable(problem, body, number)

    def _check_format(self, body: Json, number: int) -> None:
        kind = (body.get("response_format") or {}).get("type", "text")
        if kind == "json_schema":
            raise self.refuse("This response_format type is unavailable now", number)
        if kind == "json_object" and "json" not in json.dumps(body["messages"]).lower():
            message = "Prompt must contain the word 'json' in some form to use 'response_format' of type 'json_object'."
            raise self.refuse(message, number)

    def _undeserializable(self, problem: str, body: Json, number: int) -> Exception:
        column = len(json.dumps(body))
        message = f"Failed to deserialize the JSON body into the target type: {problem} at line 1 column {column}"
        return self.refuse(message, number)

    @override
    def thinks(self, body: Json) -> bool:
        asked = (body.get("thinking") or {}).get("type")
        return asked == "enabled" or (asked is None and body["model"] == "deepseek-reasoner")

    @override
    def envelope(self, kind: str, prompt: Prompt, stamp: Stamp) -> Json:
        digits = stamp.hex(32, "chat")
        bounds = ((0, 8), (8, 12), (12, 16), (16, 20), (20, 32))
        return {
            "id": "-".join(digits[start:end] for start, end in bounds),
            "object": kind,
            "created": stamp.created,
            "model": prompt.model,
            "system_fingerprint": "fp_5417b77867_prod0425fp8",
        }

    @override
    def message(self, generation: Generation, stamp: Stamp) -> Json:
        message = super().message(generation, stamp)
        shown = {"role": message["role"], "content": message["content"] or ""}
        if generation.reasoning:
            shown["reasoning_content"] = generation.thought
        return shown | ({"tool_calls": _indexed(message["tool_calls"])} if generation.calls else {})

    @override
    def usage(self, tokens: Tokens) -> Json:
        usage: Json = {
            "prompt_tokens": tokens.input,
            "completion_tokens": tokens.output,
            "total_tokens": tokens.total,
            "prompt_tokens_details": {"cached_tokens": tokens.cached},
        }
        if tokens.reasoning:
            usage["completion_tokens_details"] = {"reasoning_tokens": tokens.reasoning}
        misses = tokens.input - tokens.cached
        return usage | {"prompt_cache_hit_tokens": tokens.cached, "prompt_cache_miss_tokens": misses}

    @override
    def deltas(self, generation: Generation, stamp: Stamp) -> Iterator[tuple[Json, int]]:
        """Reasoning comes first, in a field of its own; the other field is null meanwhile."""
        opening, *rest = super().deltas(generation, stamp)
        del opening
        thought = {"reasoning_content": ""} if generation.reasoning else {}
        yield {"role": "assistant", "content": None if thought else ""} | thought, 0
        for piece in generation.reasoning:
            yield {"content": None, "reasoning_content": piece}, 1
        hidden = len(generation.reasoning)
        for delta, tokens in rest:
            nothing = {"reasoning_content": None} if thought and "content" in delta else {}
            yield delta | nothing, tokens - hidden
            hidden = 0

    @override
    def last_chunk(self, prompt: Prompt, envelope: Json, generation: Generation) -> Frame:
        usage = {"usage": self.usage(generation.tokens)}
        finish = "content_filter" if generation.finish == "blocked" else generation.finish
        delta: Json = {"content": ""} | ({"reasoning_content": None} if generation.reasoning else {})
        return self.chunk(prompt, envelope | usage, delta, finish=finish)


def _indexed(calls: list[Json]) -> list[Json]:
    return [{"index": index} | call for index, call in enumerate(calls)]


def _message(failure: Failure) -> str:
    return {
        "auth": "Authentication Fails, Your api key: ****mplr is invalid",
        "bad_json": "Failed to parse the request body as JSON: expected value at line 1 column 1",
        "content_filter": "Content Exists Risk",
        "context_length": _too_long(failure),
        "invalid": "Invalid request.",
        "no_key": "Authentication Fails (auth header format should be Bearer sk-...)",
        "not_found": "Model Not Exist",
        "rate_limit": "Rate limit reached. Please pace your requests reasonably.",
        "server_error": "Internal Server Error",
        "unavailable": "Service is too busy. We advise users to temporarily switch to alternative LLM API service providers.",
        "unknown_url": "Not Found",
    }[failure.kind]


def _too_long(failure: Failure) -> str:
    used = max(failure.input_tokens, failure.limit + 1)
    return (
        f"This model's maximum context length is {failure.limit} tokens. However, you requested {used} tokens "
        f"({used} in the messages, 0 in the completion). Please reduce the length of the messages or completion."
    )
