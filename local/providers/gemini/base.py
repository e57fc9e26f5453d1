"""What all of Gemini's operations share: credentials and errors."""

from __future__ import annotations

from typing import override

from local.providers.model import Failure, Json, Prompt, Refused, Reply, Request, Stamp
from local.providers.wire import REJECTED_KEY, Wire, dumps, json_reply

_RPC = "type.googleapis.com/google.rpc."
_SERVICE = "generativelanguage.googleapis.com"
_NO_KEY = (
    "Method doesn't allow unregistered callers (callers without established identity). Please use API Key or other "
    "form of API consumer identity to call this API."
)
_BAD_KEY = "API key not valid. Please pass a valid API key."
_BAD_JSON = "Invalid JSON payload received. Expected a value.\n\n^"
_INTERNAL = (
    "An internal error has occurred. Please retry or report in "
    "https://developers.generativeai.google/guide/troubleshooting"
)
_ERRORS: dict[str, tuple[int, str, str]] = {
    "auth": (400, "INVALID_ARGUMENT", _BAD_KEY),
    "bad_json": (400, "INVALID_ARGUMENT", _BAD_JSON),
    "content_filter": (400, "INVALID_ARGUMENT", "Request blocked by safety settings."),
    "context_length": (400, "INVALID_ARGUMENT", ""),
    "invalid": (400, "INVALID_ARGUMENT", "Request contains an invalid argument."),
    "no_key": (403, "PERMISSION_DENIED", _NO_KEY),
    "not_found": (404, "NOT_FOUND", ""),
    "rate_limit": (429, "RESOURCE_EXHAUSTED", ""),
    "server_error": (500, "INTERNAL", _INTERNAL),
    "unavailable": (503, "UNAVAILABLE", "The model is overloaded. Please try again later."),
    "unknown_url": (404, "NOT_FOUND", "Requested entity was not found."),
}
"""HTTP status, RPC status and text of each failure. A wrong key really is a 400 here, and a missing one a 403."""


class GeminiWire(Wire):
    """Base of Gemini's operations."""

    provider = "gemini"
    blocks_in_band = True

    @override
    def check_credentials(self, request: Request) -> None:
        key = request.headers.get("x-goog-api-key") or request.query.get("key", "")
        if not key:
            raise Refused(None, kind="no_key")
        if REJECTED_KEY in key:
            raise Refused(None, kind="auth")

    @override
    def headers(self, prompt: Prompt, stamp: Stamp) -> tuple[tuple[str, str], ...]:
        return (("server", "scaffolding on HTTPServer2"), ("server-timing", "gfet4t7; dur=12"), ("vary", "Origin"))

    @override
    def failure(self, failure: Failure) -> Reply:
        """Gemini sends no Retry-After header: the delay stands in the body's details."""
        body = self._body(failure)
        return json_reply(body["error"]["code"], body, (("server", "scaffolding on HTTPServer2"), ("vary", "Origin")))

    @override
    def in_band(self, failure: Failure) -> bytes:
        return b"data: " + dumps(self._body(failure)) + b"\r\n\r\n"

    def _body(self, failure: Failure) -> Json:
        code, status, text = _ERRORS[failure.kind]
        message = failure.message or text or _message(failure)
        error: Json = {"code": failure.status or code, "message": message, "status": status}
        details = _details(failure)
        return {"error": error | ({"details": details} if details else {})}


def _message(failure: Failure) -> str:
    used = max(failure.input_tokens, failure.limit + 1)
    return {
        "context_length": (
            f"The input token count ({used}) exceeds the maximum number of tokens allowed ({failure.limit})."
        ),
        "not_found": (
            f"models/{failure.model} is not found for API version v1beta, or is not supported for generateContent. "
            "Call ListModels to see the list of available models and their supported methods."
        ),
        "rate_limit": (
            "You exceeded your current quota, please check your plan and billing details. For more information on this "
            "error, head over to: https://ai.google.dev/gemini-api/docs/rate-limits."
        ),
    }[failure.kind]


def _details(failure: Failure) -> list[Json]:
    if failure.kind == "auth":
        info = {"reason": "API_KEY_INVALID", "domain": "googleapis.com", "metadata": {"service": _SERVICE}}
        return [
            {"@type": f"{_RPC}ErrorInfo"} | info,
            {"@type": f"{_RPC}LocalizedMessage", "locale": "en-US", "message": _BAD_KEY},
        ]
    if failure.fields:
        found = [({"field": at} if at else {}) | {"description": problem} for at, problem in failure.fields]
        return [{"@type": f"{_RPC}BadRequest", "fieldViolations": found}]
    return _quota(failure) if failure.kind == "rate_limit" else []


def _quota(failure: Failure) -> list[Json]:
    violation = {
        "quotaMetric": f"{_SERVICE}/generate_content_paid_tier_requests",
        "quotaId": "GenerateRequestsPerMinutePerProjectPerModel",
        "quotaDimensions": {"location": "global", "model": failure.model},
        "quotaValue": "150",
    }
    details: list[Json] = [{"@type": f"{_RPC}QuotaFailure", "violations": [violation]}]
    if failure.retry_after is not None:
        details.append({"@type": f"{_RPC}RetryInfo", "retryDelay": f"{failure.retry_after:g}s"})
    return details
