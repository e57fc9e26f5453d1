"""Errors on the wire: one shape, our own texts, never a stack trace."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict
from http import HTTPStatus
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import Scope

from gateway_core.api.error_forms import NO_FORMS, OWN_FORM, ErrorForm, ErrorForms
from gateway_core.domain.errors import InvalidRequest, LLMError, Unauthenticated
from gateway_core.telemetry.telemetry import Telemetry

DEFAULT_RETRY_AFTER_S = 5.0
"""For a 429 of a provider that does not say when to come back."""
SHOULD_RETRY = "x-should-retry"
"""What the SDKs of OpenAI and Anthropic go by, whatever the status: a wrong key is not tried again for minutes."""
_HTTP_CODES = {404: "not_found", 405: "method_not_allowed"}
POSTED = (
    "/v1/complete, /v1/stream, /v1/chat/completions, /v1/messages, /v1/messages/count_tokens, /v1/responses, "
    "/v1/embeddings, /v1/tokens, /ask, /mcp"
)
READ = (
    "/v1/models, /v1/usage, /v1/usage/records, /v1/budgets, /v1/holds, /v1/key, /v1/invoices, /health, "
    "/health/providers, /dashboard"
)
_DESCRIBED = " GET /openapi.json describes them all."
_NO_ROUTE = "There is no such route. Instead of /v1/completions use /v1/chat/completions."
type Describes = Callable[[Scope], bool]
"""Whether who sends a request may read `/openapi.json`."""


def error_body(error: LLMError, request_id: str) -> dict[str, Any]:
    """`{"error": {...}}` as the wire contract says."""
    return {
        "error": {
            "code": error.code,
            "message": error.message,
            "type": error.type,
            "param": error.param,
            "retryable": error.retryable,
            "request_id": request_id,
            "attempts": [asdict(attempt) for attempt in error.attempts],
        }
    }


def status_of(error: LLMError) -> int:
    """The HTTP status: the class's own, but 422 for schema violations."""
    return 422 if isinstance(error, InvalidRequest) and error.schema else error.status


def error_response(error: LLMError, request_id: str, form: ErrorForm = OWN_FORM) -> JSONResponse:
    """The answer in the form of a wire, with Retry-After (whole seconds, rounded up) where a time is known."""
    headers = {"x-gateway-request-id": request_id, SHOULD_RETRY: "true" if error.retryable else "false"}
    wait_s = (
        DEFAULT_RETRY_AFTER_S if error.retry_after_s is None and error.code == "rate_limited" else error.retry_after_s
    )
    if wait_s is not None:
        headers["retry-after"] = str(max(1, math.ceil(wait_s)))
    if isinstance(error, Unauthenticated):
        headers["www-authenticate"] = "Bearer"
    status = form.status(status_of(error))
    return JSONResponse(form.body(status, error_body(error, request_id)["error"]), status, headers)


def serves_openapi(scope: Scope, allowed: bool | None) -> bool:
    """Whether `/openapi.json` is served, by the setting `serve_openapi`; unset, that is everywhere but on Lambda."""
    return "aws.event" not in scope if allowed is None else allowed


def http_error_response(
    error: Exception, request_id: str, form: ErrorForm = OWN_FORM, *, described: bool = False
) -> JSONResponse:
    """The answer for a route or method that there is not, with the headers that the framework wants in it.

    `described` is whether the caller may read `/openapi.json`.
    """
    status, headers = (error.status_code, error.headers) if isinstance(error, HTTPException) else (500, None)
    told: dict[str, Any] = {
        "code": _HTTP_CODES.get(status, "invalid_request"),
        "message": _http_text(status, headers or {}) + (_DESCRIBED if described and status in _HTTP_CODES else ""),
        "type": "invalid_request_error",
        "param": None,
        "retryable": False,
        "request_id": request_id,
        "attempts": [],
    }
    ours = {"x-gateway-request-id": request_id, SHOULD_RETRY: "false"}
    return JSONResponse(form.body(status, told), status, {**(headers or {}), **ours})


def _http_text(status: int, headers: Mapping[str, str]) -> str:
    if status == HTTPStatus.NOT_FOUND:
        return f"{_NO_ROUTE} The routes are: POST {POSTED}; GET {READ}."
    if status == HTTPStatus.METHOD_NOT_ALLOWED:
        taken = next((value for name, value in headers.items() if name.lower() == "allow"), "another")
        return f"This route does not take that method. It takes {taken}."
    return "The request cannot be handled."


def install(
    app: Starlette, telemetry: Telemetry, forms: ErrorForms = NO_FORMS, describes: Describes = lambda _: False
) -> None:
    """Make `app` answer every error in the form of the caller's wire."""

    async def on_llm_error(request: Request, error: Exception) -> JSONResponse:
        if not isinstance(error, LLMError):
            raise error
        request_id = request.state.request_id
        telemetry.request_failed(request_id, error, getattr(request.state, "caller", None))
        return error_response(error, request_id, forms.of(request.scope))

    async def on_http_error(request: Request, error: Exception) -> JSONResponse:
        scope = request.scope
        return http_error_response(error, request.state.request_id, forms.of(scope), described=describes(scope))

    app.add_exception_handler(LLMError, on_llm_error)
    app.add_exception_handler(HTTPException, on_http_error)
