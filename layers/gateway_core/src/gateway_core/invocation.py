"""HTTP between the gateway's own functions, carried by Lambda invocations. Pure conversions; adapters do the calls.

Requests travel as API Gateway REST proxy events. An answer is either the proxy integration's JSON (`statusCode`,
`headers`, `body`) or, from a function on the streaming runtime, a JSON prelude, eight NUL bytes and the body itself
(AWS: application/vnd.awslambda.http-integration-response). JSON holds no raw NUL, so the two cannot be confused.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
from collections.abc import AsyncIterator, Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, ClassVar

from gateway_core.domain.chat import Json
from gateway_core.domain.errors import LLMError

_time_left_s: ContextVar[Callable[[], float] | None] = ContextVar("time_left_s", default=None)

SEPARATOR = b"\0" * 8
"""Between the prelude and the body of a streamed answer."""
_IDENTITY = "gatewayIdentity"
_MESSAGE = "A part of the gateway did not answer. Try again."


class FunctionUnavailable(LLMError):
    """A function crashed, could not be reached, or sent something that is not an HTTP answer."""

    status: ClassVar[int] = 503
    code: ClassVar[str] = "function_unavailable"
    retryable: ClassVar[bool] = True

    def __init__(self, detail: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(_MESSAGE, detail=detail, retry_after_s=retry_after_s)


def note_end(context: Any) -> None:
    """Let this task, and what it starts, know when the Lambda invocation of `context` ends; None is no invocation."""
    remaining_ms = getattr(context, "get_remaining_time_in_millis", None)
    _time_left_s.set((lambda: remaining_ms() / 1000) if remaining_ms else None)


def time_left_s() -> float:
    """Seconds until the invocation that this task belongs to ends, infinite where it belongs to none."""
    left_s = _time_left_s.get()
    return left_s() if left_s else math.inf


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """A request to a function. Header names are lower case; `timeout_s` bounds the whole exchange.

    `authorizer` is what API Gateway's authorizer said of the caller (`requestContext.authorizer`), passed on as it is.
    `identity` is who calls, sealed by `access.internal_identity`, in place of a key.
    """

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    authorizer: Json | None = None
    timeout_s: float = 30.0
    identity: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """A whole answer. Header names are lower case; values of a repeated header are joined by commas."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class HttpStream:
    """An answer whose body is still arriving. `parts` is read once and may be left unfinished."""

    status: int
    headers: Mapping[str, str]
    parts: AsyncIterator[bytes]


def told_beside(request: HttpRequest) -> dict[str, Any]:
    """What an event's `requestContext` says of the caller beside the request itself.

    API Gateway makes that part of an event alone: nobody who calls it over HTTP can put anything there.
    """
    authorizer = {} if request.authorizer is None else {"authorizer": dict(request.authorizer)}
    return {**authorizer, _IDENTITY: request.identity} if request.identity else authorizer


def identity_in(event: Any) -> str | None:
    """The sealed identity in an event of a function that another one invoked; None in any that came by API Gateway."""
    context = event.get("requestContext") if isinstance(event, dict) else None
    if not isinstance(context, dict) or "apiId" in context:
        return None
    found = context.get(_IDENTITY)
    return found if isinstance(found, str) else None


def proxy_event(request: HttpRequest) -> dict[str, Any]:
    """The request as an API Gateway REST proxy event (AWS: Lambda proxy integration, payload format 1.0).

    The body is always base64: a third longer whatever it holds, where JSON escapes could double it, and Lambda takes
    6 MB.
    """
    context: dict[str, Any] = {
        "resourcePath": request.path,
        "path": request.path,
        "httpMethod": request.method,
        "protocol": "HTTP/1.1",
        "stage": "internal",
        "identity": {},
    }
    context |= told_beside(request)
    return {
        "resource": request.path,
        "path": request.path,
        "httpMethod": request.method,
        "headers": dict(request.headers),
        "multiValueHeaders": {name: [value] for name, value in request.headers.items()},
        "queryStringParameters": dict(request.query) or None,
        "multiValueQueryStringParameters": {name: [value] for name, value in request.query.items()} or None,
        "pathParameters": None,
        "stageVariables": None,
        "requestContext": context,
        "body": base64.b64encode(request.body).decode() if request.body else None,
        "isBase64Encoded": bool(request.body),
    }


def read_answer(payload: bytes) -> HttpAnswer:
    """The answer in an invocation's payload, of either form. Raises FunctionUnavailable if it holds none."""
    head, separator, rest = payload.partition(SEPARATOR)
    fields = _json_object(head)
    return HttpAnswer(_status(fields), _headers(fields), rest if separator else _body(fields))


def _json_object(text: bytes) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise FunctionUnavailable("the payload is not a JSON object")
    return value


def _status(fields: Json) -> int:
    status = fields.get("statusCode")
    if not isinstance(status, int):
        raise FunctionUnavailable("the payload has no statusCode")
    return status


def _headers(fields: Json) -> dict[str, str]:
    single = {name.lower(): str(value) for name, value in (fields.get("headers") or {}).items()}
    several = fields.get("multiValueHeaders") or {}
    return single | {name.lower(): ", ".join(values) for name, values in several.items()}


def _body(fields: Json) -> bytes:
    text = fields.get("body") or ""
    if not fields.get("isBase64Encoded"):
        return str(text).encode()
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        raise FunctionUnavailable("the payload's body is not base64") from None
