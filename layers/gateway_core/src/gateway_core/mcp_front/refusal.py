"""Answers that are given before anything of MCP: the gateway's error shape, as on every other route."""

from __future__ import annotations

import math
from typing import Any

from starlette.responses import JSONResponse

from gateway_core.domain.errors import Forbidden, LLMError, RequestError, Unauthenticated


class WrongHost(RequestError):
    """The request was meant for somebody else: 421, Misdirected Request."""

    status = 421
    code = "wrong_host"


class WrongOrigin(Forbidden):
    """A web page that may not call."""


def refuse(error: LLMError, request_id: str) -> JSONResponse:
    """Status, shape and headers of an error."""
    fields: dict[str, Any] = {
        "code": error.code,
        "message": error.message,
        "type": error.type,
        "param": error.param,
        "retryable": error.retryable,
        "request_id": request_id,
        "attempts": [],
    }
    headers = {"x-gateway-request-id": request_id}
    if isinstance(error, Unauthenticated):
        headers["www-authenticate"] = "Bearer"
    if error.retry_after_s is not None:
        headers["retry-after"] = str(max(1, math.ceil(error.retry_after_s)))
    return JSONResponse({"error": fields}, error.status, headers)
