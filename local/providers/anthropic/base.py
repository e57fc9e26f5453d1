"""What all of Anthropic's operations share: credentials, headers and errors."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import override

from local.providers.model import Failure, Json, Prompt, Refused, Reply, Request, Stamp
from local.providers.wire import REJECTED_KEY, Wire, dumps, json_reply, whole_seconds

_ERRORS: dict[str, tuple[int, str, str]] = {
    "auth": (401, "authentication_error", "invalid x-api-key"),
    "bad_json": (400, "invalid_request_error", "The request body is not valid JSON: expected value at line 1 column 1"),
    "content_filter": (400, "invalid_request_error", "Output blocked by content filtering policy"),
    "context_length": (400, "invalid_request_error", ""),
    "invalid": (400, "invalid_request_error", "Invalid request"),
    "no_key": (401, "authentication_error", "x-api-key header is required"),
    "not_found": (404, "not_found_error", ""),
    "rate_limit": (429, "rate_limit_error", ""),
    "server_error": (500, "api_error", "Internal server error"),
    "unavailable": (529, "overloaded_error", "Overloaded"),
    "unknown_url": (404, "not_found_error", "Not Found"),
}
"""Status, `type` and text of each failure."""
_RETRYABLE = ("rate_limit", "server_error", "unavailable")
_ROOM = (("requests", 4000), ("input-tokens", 2_000_000), ("output-tokens", 400_000), ("tokens", 2_400_000))


class AnthropicWire(Wire):
    """Base of Anthropic's operations."""

    provider = "anthropic"

    @override
    def check_credentials(self, request: Request) -> None:
        key = request.headers.get("x-api-key", "")
        if not key:
            raise Refused(None, kind="no_key")
        if REJECTED_KEY in key:
            raise Refused(None, kind="auth")
        if "anthropic-version" not in request.headers:
            raise Refused("anthropic-version: header is required")

    @override
    def headers(self, prompt: Prompt, stamp: Stamp) -> tuple[tuple[str, str], ...]:
        return (
            ("request-id", _request_id(stamp.number)),
            ("anthropic-organization-id", "00000000-0000-4000-8000-000000000000"),
            *_room(stamp.created, used=1),
        )

    @override
    def failure(self, failure: Failure) -> Reply:
        status = failure.status or _ERRORS[failure.kind][0]
        retry = "true" if failure.kind in _RETRYABLE else "false"
        headers = [("request-id", _request_id(failure.number)), ("x-should-retry", retry)]
        if failure.kind == "rate_limit":
            headers += _room(failure.now_s + math.ceil(failure.retry_after or 0), used=None)
        if failure.retry_after is not None:
            headers.append(("retry-after", whole_seconds(failure.retry_after)))
        return json_reply(status, self._body(failure), tuple(headers))

    @override
    def in_band(self, failure: Failure) -> bytes:
        """What breaks a stream has no HTTP status of its own; the type tells."""
        return event({"type": "error", "error": self._body(failure)["error"]})

    def _body(self, failure: Failure) -> Json:
        _, kind, text = _ERRORS[failure.kind]
        error = {"type": kind, "message": failure.message or text or _message(failure)}
        return {"type": "error", "error": error, "request_id": _request_id(failure.number)}


def event(data: Json) -> bytes:
    """A server-sent event that is named by its data's `type`."""
    return b"event: " + str(data["type"]).encode() + b"\ndata: " + dumps(data) + b"\n\n"


def _message(failure: Failure) -> str:
    used = max(failure.input_tokens, failure.limit + 1)
    return {
        "context_length": f"prompt is too long: {used} tokens > {failure.limit} maximum",
        "not_found": f"model: {failure.model}",
        "rate_limit": (
            "This request would exceed your organization's rate limit of 50 requests per minute. For details, refer "
            "to: https://docs.claude.com/en/api/rate-limits. You can see the response headers for current usage. "
            "Please reduce the prompt length or the maximum tokens requested, or try again later."
        ),
    }[failure.kind]


def _request_id(number: int) -> str:
    return f"req_011C{Stamp(number, 0).hex(20, 'request')}"


def _room(now_s: int, used: int | None) -> list[tuple[str, str]]:
    """Limit, what is left of it (nothing where `used` is None) and when it is whole again."""
    reset = datetime.fromtimestamp(now_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    pairs = []
    for name, limit in _ROOM:
        left = limit - used if used is not None else 0
        prefix = f"anthropic-ratelimit-{name}"
        pairs += [(f"{prefix}-limit", str(limit)), (f"{prefix}-remaining", str(left)), (f"{prefix}-reset", reset)]
    return pairs
