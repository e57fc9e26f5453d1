"""What all of OpenAI's operations share: credentials, headers and errors."""

from __future__ import annotations

from typing import override

from local.providers.model import Failure, Json, Prompt, Refused, Reply, Request, Stamp
from local.providers.wire import REJECTED_KEY, Wire, dumps, json_reply, whole_seconds

_HELP = "https://platform.openai.com/account"
_NO_KEY = (
    "You didn't provide an API key. You need to provide your API key in an Authorization header using Bearer auth "
    "(i.e. Authorization: Bearer YOUR_KEY), or as the password field (with blank username) if you're accessing the API "
    "from your browser and are prompted for a username and password. You can obtain an API key from "
    f"{_HELP}/api-keys."
)
_BAD_JSON = (
    "We could not parse the JSON body of your request. (HINT: This likely means you aren't using your HTTP library "
    "correctly. The OpenAI API expects a JSON payload, but what was sent was not valid JSON. If you have trouble "
    "figuring out how to fix this, please contact us through our help center at help.openai.com.)"
)
_INVALID_PROMPT = (
    "Invalid prompt: your prompt was flagged as potentially violating our usage policy. Please try again with a "
    "different prompt: https://platform.openai.com/docs/guides/reasoning#advice-on-prompting"
)
_OVERLOADED = (
    "The server is currently overloaded with other requests. Sorry about that! You can retry your request, or contact "
    "us through our help center at help.openai.com if the error persists."
)
_SERVER_ERROR = "The server had an error while processing your request. Sorry about that!"
_INVALID = "invalid_request_error"

_ERRORS: dict[str, tuple[int, str, str | None, str | None]] = {
    "auth": (401, _INVALID, None, "invalid_api_key"),
    "bad_json": (400, _INVALID, None, None),
    "content_filter": (400, _INVALID, None, "invalid_prompt"),
    "context_length": (400, _INVALID, "messages", "context_length_exceeded"),
    "invalid": (400, _INVALID, None, None),
    "no_key": (401, _INVALID, None, None),
    "not_found": (404, _INVALID, None, "model_not_found"),
    "rate_limit": (429, "requests", None, "rate_limit_exceeded"),
    "server_error": (500, "server_error", None, None),
    "unavailable": (503, "server_error", None, None),
    "unknown_url": (404, _INVALID, None, None),
}
"""Status, `type`, `param` and `code` of each failure."""


class OpenAIWire(Wire):
    """Base of OpenAI's operations."""

    provider = "openai"

    @override
    def check_credentials(self, request: Request) -> None:
        key = bearer(request)
        if not key:
            raise Refused(None, kind="no_key")
        if REJECTED_KEY in key:
            raise Refused(f"Incorrect API key provided: {_masked(key)}. {_FIND}", kind="auth")

    @override
    def headers(self, prompt: Prompt, stamp: Stamp) -> tuple[tuple[str, str], ...]:
        return (
            ("x-request-id", _request_id(stamp.number)),
            ("openai-organization", "org-simulated"),
            ("openai-processing-ms", "12"),
            ("openai-version", "2020-10-01"),
            *_room(requests=9999, tokens=max(0, 2_000_000 - prompt.input_tokens)),
        )

    @override
    def failure(self, failure: Failure) -> Reply:
        status = failure.status or _ERRORS[failure.kind][0]
        headers = [("x-request-id", _request_id(failure.number))]
        if failure.kind == "rate_limit":
            headers += _room(requests=0, tokens=1_999_000)
        if failure.retry_after is not None:
            headers += _retry(failure.retry_after)
        return json_reply(status, {"error": self.error_of(failure)}, tuple(headers))

    @override
    def in_band(self, failure: Failure) -> bytes:
        return b"data: " + dumps({"error": self.error_of(failure)}) + b"\n\n"

    def error_of(self, failure: Failure) -> Json:
        """The inner error object."""
        _, kind, param, code = _ERRORS[failure.kind]
        message = failure.message or _message(failure)
        return {"message": message, "type": kind, "param": failure.param or param, "code": failure.code or code}


_FIND = f"You can find your API key at {_HELP}/api-keys."


def _message(failure: Failure) -> str:
    model = failure.model
    return {
        "auth": f"Incorrect API key provided: sk-proj-********************mplr. {_FIND}",
        "bad_json": _BAD_JSON,
        "content_filter": _INVALID_PROMPT,
        "context_length": _too_long(failure),
        "invalid": "Invalid request.",
        "no_key": _NO_KEY,
        "not_found": f"The model `{model}` does not exist or you do not have access to it.",
        "rate_limit": _rate_limited(failure),
        "server_error": _SERVER_ERROR,
        "unavailable": _OVERLOADED,
        "unknown_url": f"Invalid URL ({model})",
    }[failure.kind]


def _request_id(number: int) -> str:
    return f"req_{Stamp(number, 0).hex(32, 'request')}"


def _too_long(failure: Failure) -> str:
    used = max(failure.input_tokens, failure.limit + 1)
    return (
        f"This model's maximum context length is {failure.limit} tokens. However, your messages resulted in {used} "
        "tokens. Please reduce the length of the messages."
    )


def _rate_limited(failure: Failure) -> str:
    wait = failure.retry_after if failure.retry_after is not None else 0.12
    return (
        f"Rate limit reached for {failure.model} in organization org-simulated on requests per min (RPM): Limit 500, "
        f"Used 500, Requested 1. Please try again in {wait:g}s. Visit {_HELP}/rate-limits to learn more."
    )


def _room(*, requests: int, tokens: int) -> tuple[tuple[str, str], ...]:
    return (
        ("x-ratelimit-limit-requests", "10000"),
        ("x-ratelimit-limit-tokens", "2000000"),
        ("x-ratelimit-remaining-requests", str(requests)),
        ("x-ratelimit-remaining-tokens", str(tokens)),
        ("x-ratelimit-reset-requests", "6ms" if requests else "120ms"),
        ("x-ratelimit-reset-tokens", "1ms"),
    )


def _retry(seconds: float) -> tuple[tuple[str, str], ...]:
    """Whole seconds, rounded up, and exact milliseconds."""
    return (("retry-after", whole_seconds(seconds)), ("retry-after-ms", str(int(seconds * 1000))))


def bearer(request: Request) -> str:
    """The token of a bearer authorization, "" without one."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token if scheme.lower() == "bearer" else ""


def _masked(key: str) -> str:
    return f"{key[:8]}{'*' * 12}{key[-4:]}"
