"""What is settled before any library of MCP sees a request: host, origin, key, size and the message's form."""

from __future__ import annotations

from mcp.shared.inbound import MCP_PROTOCOL_VERSION_HEADER
from mcp_types.version import KNOWN_PROTOCOL_VERSIONS
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway_core.access.authenticator import Authenticator
from gateway_core.api.auth import presented_key
from gateway_core.api.body import read_body
from gateway_core.api.deadline import time_left_s
from gateway_core.api.errors import error_response, http_error_response
from gateway_core.api.guard import RequestGuard
from gateway_core.api.turn import let_in, turn_of
from gateway_core.crowd.limiter import Limiter
from gateway_core.domain.caller import Caller
from gateway_core.domain.chat import Json
from gateway_core.domain.errors import Forbidden, LLMError, RequestError, Unauthenticated, UnsupportedMediaType
from gateway_core.domain.oauth import OAuthPolicy
from gateway_core.domain.request_ids import new_request_id
from gateway_core.mcp_front.jsonrpc import BadMessage, check_message, check_version
from gateway_core.mcp_front.oauth.challenge import challenge
from gateway_core.mcp_front.oauth.door import TokenDoor, Vouch, WrongKey, shown_token
from gateway_core.mcp_front.settings import McpSettings
from gateway_core.mcp_front.visitor import Visitor
from gateway_core.services import Current
from gateway_core.telemetry.telemetry import Telemetry
from gateway_core.waiting import stopped_within, with_all_behind


class WrongHost(RequestError):
    """The request was meant for somebody else: 421, Misdirected Request."""

    status = 421
    code = "wrong_host"


class WrongOrigin(Forbidden):
    """A web page that may not call."""


class Gate:
    """Lets requests of known callers through to `app`, with a `Visitor` in the scope's state."""

    def __init__(
        self,
        app: ASGIApp,
        authenticator: Authenticator,
        settings: Current[McpSettings],
        telemetry: Telemetry,
        tokens: TokenDoor | None = None,
    ) -> None:
        self._limiter = Limiter(telemetry.crowded)
        self._app = RequestGuard(app, telemetry, where="mcp", limiter=self._limiter)
        self._authenticator = authenticator
        self._settings = settings
        self._telemetry = telemetry
        self._tokens = tokens

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # A model is heard out for a caller who leaves: the request is open until then, as on other routes.
        async with with_all_behind() as begun:
            with turn_of(scope, receive, self._limiter) as (_slot, ear):
                await stopped_within(self._let_through(scope, ear, send), begun)

    async def _let_through(self, scope: Scope, receive: Receive, send: Send) -> None:
        request_id, settings = new_request_id(), self._settings.now()
        try:
            visitor = await self._visitor(scope, request_id, settings)
            headers = Headers(scope=scope)
            _check_type(headers)
            body = await read_body(Request(scope, receive), settings.body_limit)
            check_version(headers.get(MCP_PROTOCOL_VERSION_HEADER), KNOWN_PROTOCOL_VERSIONS, check_message(body))
        except LLMError as error:
            self._telemetry.request_failed(request_id, error)
            await _refusal(error, request_id, settings.oauth)(scope, receive, send)
        except BadMessage as error:
            await JSONResponse(error.body(), 400)(scope, receive, send)
        except ClientDisconnect:
            return  # the caller left before the body was whole
        else:
            state = {**scope.get("state", {}), "visitor": visitor, "request_id": request_id}
            await self._app({**scope, "state": state}, _replay(body, receive), send)

    async def _visitor(self, scope: Scope, request_id: str, settings: McpSettings) -> Visitor:
        headers, context = Headers(scope=scope), _request_context(scope)
        if not settings.allows_host(headers.get("host", ""), context.get("domainName")):
            raise WrongHost("This host is not served here. The operator lists its names in GATEWAY_ALLOWED_HOSTS.")
        origin = headers.get("origin")
        if origin is not None and not settings.allows_origin(origin):
            raise WrongOrigin("This web page may not call. The operator lists origins in GATEWAY_ALLOWED_ORIGINS.")
        caller, key, vouch = await self._caller(scope, headers, settings)
        return Visitor(
            caller=caller,
            key=key,
            vouch=vouch,
            request_id=request_id,
            authorizer=context.get("authorizer"),
            time_left_s=time_left_s(scope),
            default_timeout_s=settings.default_timeout_s,
        )

    async def _caller(self, scope: Scope, headers: Headers, settings: McpSettings) -> tuple[Caller, str, Vouch | None]:
        """Who calls, with the key that goes on to the functions, or what vouches for who has come with a token."""
        key, oauth = presented_key(headers), settings.oauth
        token = shown_token(headers, key) if oauth and self._tokens else None
        if token is not None and oauth and self._tokens:
            caller, vouch = await self._tokens.let_in(scope, token, oauth, settings.crowd)
            return caller, "", vouch
        try:
            return await let_in(scope, key, self._authenticator, settings.crowd), key, None
        except Unauthenticated as error:
            raise (WrongKey(f"{error.message} Or send none, to sign in.") if oauth else error) from None


def _refusal(error: LLMError, request_id: str, oauth: OAuthPolicy | None) -> JSONResponse:
    """The answer to who is not let in; where tokens are taken, it says where one is to be had."""
    answer = error_response(error, request_id)
    if oauth and (said := challenge(error, oauth)):
        answer.headers["www-authenticate"] = said
    return answer


def no_route(_request: Request, error: Exception) -> Response:
    """404 and 405 in the gateway's shape."""
    return http_error_response(error, new_request_id())


def _check_type(headers: Headers) -> None:
    """MCP wants it to be named; and a page could send any other without asking first."""
    if headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise UnsupportedMediaType("The body has to be JSON. Send Content-Type: application/json.")


def _request_context(scope: Scope) -> Json:
    """API Gateway's own words about the request, empty elsewhere."""
    event = scope.get("aws.event")
    context: Json = (event.get("requestContext") or {}) if isinstance(event, dict) else {}
    return context


def _replay(body: bytes, receive: Receive) -> Receive:
    """The body again, for whoever reads it next; then what the client does, such as leaving."""
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> Message:
        return waiting.pop() if waiting else await receive()

    return again
