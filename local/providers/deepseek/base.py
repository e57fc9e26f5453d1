"""What DeepSeek's operations share: credentials and errors; and the list of models."""

from __future__ import annotations

from typing import override

from local.providers import catalog
from local.providers.model import Failure, Json, Prompt, Refused, Reply, Request, Stamp
from local.providers.openai.base import OpenAIWire, bearer
from local.providers.openai.models import OpenAIModels
from local.providers.wire import REJECTED_KEY, json_reply, whole_seconds

_INVALID = "invalid_request_error"
_BUSY = "Service is too busy. We advise users to temporarily switch to alternative LLM API service providers."
_ERRORS: dict[str, tuple[int, str, str, str]] = {
    "auth": (401, "authentication_error", _INVALID, "Authentication Fails, Your api key: ****mplr is invalid"),
    "bad_json": (
        400,
        _INVALID,
        _INVALID,
        "Failed to parse the request body as JSON: expected value at line 1 column 1",
    ),
    "content_filter": (400, _INVALID, _INVALID, "Content Exists Risk"),
    "context_length": (400, _INVALID, _INVALID, ""),
    "invalid": (400, _INVALID, _INVALID, "Invalid request."),
    "no_key": (
        401,
        "authentication_error",
        _INVALID,
        "Authentication Fails (auth header format should be Bearer sk-...)",
    ),
    "not_found": (400, _INVALID, _INVALID, "Model Not Exist"),
    "rate_limit": (429, "rate_limit_error", "rate_limit_exceeded", "Rate limit reached for TPM"),
    "server_error": (500, "server_error", "internal_error", "Internal Server Error"),
    "unavailable": (503, "service_unavailable_error", "service_unavailable_error", _BUSY),
    "unknown_url": (404, _INVALID, _INVALID, "Not Found"),
}
"""Status, `type`, `code` and text of each failure. An unknown model really is a 400 here."""


class DeepSeekWire(OpenAIWire):
    """Base of DeepSeek's operations."""

    provider = "deepseek"

    @override
    def check_credentials(self, request: Request) -> None:
        key = bearer(request)
        if not key:
            raise Refused(None, kind="no_key")
        if REJECTED_KEY in key:
            raise Refused(f"Authentication Fails, Your api key: ****{key[-4:]} is invalid", kind="auth")

    @override
    def headers(self, prompt: Prompt, stamp: Stamp) -> tuple[tuple[str, str], ...]:
        """DeepSeek tells nothing of its limits."""
        return (("x-ds-trace-id", stamp.hex(32, "trace")),)

    @override
    def failure(self, failure: Failure) -> Reply:
        status = failure.status or _ERRORS[failure.kind][0]
        trace = ("x-ds-trace-id", Stamp(failure.number, 0).hex(32, "trace"))
        retry = (("retry-after", whole_seconds(failure.retry_after)),) if failure.retry_after is not None else ()
        return json_reply(status, {"error": self.error_of(failure)}, (trace, *retry))

    @override
    def error_of(self, failure: Failure) -> Json:
        _, kind, code, text = _ERRORS[failure.kind]
        message = failure.message or text or _too_long(failure)
        return {"message": message, "type": kind, "param": None, "code": code}


class DeepSeekModels(DeepSeekWire, OpenAIModels):
    """GET /models."""

    names = catalog.DEEPSEEK
    owner = "deepseek"


def _too_long(failure: Failure) -> str:
    used = max(failure.input_tokens, failure.limit + 1)
    return (
        f"This model's maximum context length is {failure.limit} tokens. However, you requested {used} tokens "
        f"({used} in the messages, 0 in the completion). Please reduce the length of the messages or completion."
    )
