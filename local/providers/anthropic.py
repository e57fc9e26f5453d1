"""What all of Anthropic's operations share: credentials, headers and errors."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from local.providers.model import Failure, Frame, Generation, Json, Prompt, Refused, Reply, Request, Stamp
from local.providers.wire import REJECTED_KEY, dumps, json_reply

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
_ROOM = (("requests", 4000), ("input-tokens", 2_000_000), ("output-tokens", 400_000), ("tokens", 2_400_000))


class AnthropicWire:
    """Base of Anthropic's operations."""

    provider = "anthropic"
    endpoint = "chat"
    blocks_in_band = False

    def refusal(self, request: Request, number: int) -> Reply | None:
        key = request.headers.get("x-api-key", "")
        if not key:
            return self.failure(Failure("no_key", number=number))
        if REJECTED_KEY in key:
            return self.failure(Failure("auth", number=number))
        if "anthropic-version" not in request.headers:
            return self.failure(Failure("invalid", message="anthropic-version: header is required", number=number))
        return None

    def read(self, request: Request, number: int) -> Prompt:
        raise NotImplementedError

    def whole(self, prompt: Prompt, generation: Generation, stamp: Stamp) -> Json:
        raise NotImplementedError

    def frames(self, prompt: Prompt, generation: Generation, stamp: Stamp) -> Iterator[Frame]:
        """Nothing: most operations do not stream."""
        yield from ()

    def headers(self, prompt: Prompt, stamp: Stamp) -> tuple[tuple[str, str], ...]:
        return (
            ("request-id", _request_id(stamp.number)),
            ("anthropic-organization-id", "00000000-0000-4000-8000-000000000000"),
            *_room(stamp.created, used=1),
        )

    def failure(self, failure: Failure) -> Reply:
        status = failure.status or _ERRORS[failure.kind][0]
        headers = [("request-id", _request_id(failure.number)), ("x-should-retry", str(status >= 429).lower())]
        if failure.kind == "rate_limit":
            headers += _room(failure.now_s, used=None)
        if failure.retry_after is not None:
            headers.append(("retry-after", str(int(-(-failure.retry_after // 1)))))
        return json_reply(status, self._body(failure), tuple(headers))

    def in_band(self, failure: Failure) -> bytes:
        """What breaks a stream has no HTTP status of its own; the type tells."""
        return event({"type": "error", "error": self._body(failure)["error"]})

    def refuse(self, message: str, number: int, *, kind: str = "invalid") -> Refused:
        """A 400 (or what `kind` stands for) to raise."""
        return Refused(self.failure(Failure(kind, message=message, number=number)))

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
