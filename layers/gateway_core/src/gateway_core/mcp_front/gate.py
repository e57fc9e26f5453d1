"""What is settled before any library of MCP sees a request: host, origin, key, size and the message's form."""

from __future__ import annotations

import uuid
from typing import Protocol

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway_core.api.deadline import time_left_s
from gateway_core.domain.caller import Caller
from gateway_core.domain.chat import Json
from gateway_core.domain.errors import BodyTooLarge, LLMError, Unauthenticated
from gateway_core.mcp_front.jsonrpc import BadMessage, check_message
from gateway_core.mcp_front.refusal import WrongHost, WrongOrigin, refuse
from gateway_core.mcp_front.settings import McpSettings
from gateway_core.mcp_front.visitor import Visitor
from gateway_core.services import Current
from gateway_core.telemetry.telemetry import Telemetry

_NO_KEY = "No API key was sent. Send 'Authorization: Bearer gk_...' or 'x-api-key: gk_...'."


class Doorkeeper(Protocol):
    """Knows callers by their key; `gateway_core.access.authenticator.Authenticator` is one."""

    async def authenticate(self, key: str) -> Caller:
        """Raises Unauthenticated, or StoreUnavailable when nobody can tell."""
        ...


class Gate:
    """Lets requests of known callers through to `app`, with a `Visitor` in the scope's state."""

    def __init__(
        self, app: ASGIApp, doorkeeper: Doorkeeper, settings: Current[McpSettings], telemetry: Telemetry
    ) -> None:
        self._app = app
        self._doorkeeper = doorkeeper
        self._settings = settings
        self._telemetry = telemetry

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request_id, settings = f"req_{uuid.uuid4().hex}", self._settings.now()
        try:
            visitor = await self._visitor(scope, request_id, settings)
            body = await _read(Request(scope, receive), settings.body_limit)
            check_message(body)
        except LLMError as error:
            self._telemetry.request_failed(request_id, error)
            await refuse(error, request_id)(scope, receive, send)
        except BadMessage as error:
            await JSONResponse(error.body(), 400)(scope, receive, send)
        except ClientDisconnect:
            return  # the caller left before the body was whole
        else:
            inner = {**scope, "state": {**scope.get("state", {}), "visitor": visitor}}
            await self._serve(inner, _replay(body, receive), send)

    async def _visitor(self, scope: Scope, request_id: str, settings: McpSettings) -> Visitor:
        headers, context = Headers(scope=scope), _request_context(scope)
        if not settings.allows_host(headers.get("host", ""), context.get("domainName")):
            raise WrongHost("This host is not served here. The operator lists its names in GATEWAY_ALLOWED_HOSTS.")
        origin = headers.get("origin")
        if origin is not None and not settings.allows_origin(origin):
            raise WrongOrigin("This web page may not call. The operator lists origins in GATEWAY_ALLOWED_ORIGINS.")
        key = _presented_key(headers)
        return Visitor(
            caller=await self._doorkeeper.authenticate(key),
            key=key,
            request_id=request_id,
            authorizer=context.get("authorizer"),
            time_left_s=time_left_s(scope),
            default_timeout_s=settings.default_timeout_s,
        )

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def watched(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except Exception as error:
            request_id = scope["state"]["visitor"].request_id
            self._telemetry.crashed(request_id, error, "mcp")
            if started:
                raise
            failed = LLMError("The gateway failed. Quote the request_id to its operator.")
            await refuse(failed, request_id)(scope, receive, send)


async def _read(request: Request, limit: int) -> bytes:
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > limit:
            raise BodyTooLarge(f"The body is larger than {limit} bytes.")
    return bytes(body)


def no_route(_request: Request, error: Exception) -> Response:
    """404 and 405 in the gateway's shape."""
    status = getattr(error, "status_code", 404)
    code, text = ("method_not_allowed", "Send POST.") if status == 405 else ("not_found", "There is no such route.")  # noqa: PLR2004
    request_id = f"req_{uuid.uuid4().hex}"
    fields = {"code": code, "message": text, "type": "invalid_request_error", "param": None, "retryable": False}
    headers = {**(getattr(error, "headers", None) or {}), "x-gateway-request-id": request_id}
    return JSONResponse({"error": {**fields, "request_id": request_id, "attempts": []}}, status, headers)


def _request_context(scope: Scope) -> Json:
    """API Gateway's own words about the request, empty elsewhere."""
    event = scope.get("aws.event")
    context: Json = (event.get("requestContext") or {}) if isinstance(event, dict) else {}
    return context


def _presented_key(headers: Headers) -> str:
    scheme, _, token = headers.get("authorization", "").partition(" ")
    key = token.strip() if scheme.lower() == "bearer" else ""
    key = key or headers.get("x-api-key", "").strip()
    if not key:
        raise Unauthenticated(_NO_KEY)
    return key


def _replay(body: bytes, receive: Receive) -> Receive:
    """The body again, for whoever reads it next; then what the client does, such as leaving."""
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> Message:
        return waiting.pop() if waiting else await receive()

    return again
