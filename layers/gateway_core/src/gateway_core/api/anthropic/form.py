"""How routes on Anthropic's wire tell errors: https://platform.claude.com/docs/en/api/errors."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

from gateway_core.api.error_forms import ErrorForm
from gateway_core.domain.chat import Json

_STATUSES = MappingProxyType({422: 400})
"""Anthropic knows no other status for a request of a wrong form."""
_TYPES = {
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
}
_OVERLOADED = frozenset({"no_deployment_available", "overloaded", "shutting_down"})
_SERVER_ERRORS = 500
_TOO_LONG, _TOO_LONG_TEXT = "context_length_exceeded", "prompt is too long"
"""Claude Code makes its conversation shorter where it finds these words."""


def error_body(status: int, told: Json) -> dict[str, Any]:
    """The body of an error with this status; `told` are its members on our own routes, which come along."""
    beside = {name: value for name, value in told.items() if name not in ("message", "request_id", "type")}
    error = {"type": _type(status, str(told.get("code"))), "message": _message(told), **beside}
    return {"type": "error", "error": error, "request_id": told.get("request_id")}


def _type(status: int, code: str) -> str:
    if code in _OVERLOADED:
        return "overloaded_error"
    return _TYPES.get(status) or ("api_error" if status >= _SERVER_ERRORS else "invalid_request_error")


def _message(told: Json) -> str:
    message = str(told.get("message"))
    is_unsaid = told.get("code") == _TOO_LONG and _TOO_LONG_TEXT not in message.lower()
    return f"{_TOO_LONG_TEXT}: {message}" if is_unsaid else message


ANTHROPIC_FORM = ErrorForm(error_body, _STATUSES, "request-id")
