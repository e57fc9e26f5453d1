"""POST /v1/complete: one whole answer, from whichever model can give it."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse

from gateway_core.access.rights import check_tool
from gateway_core.api.attribution import attribution_in
from gateway_core.api.auth import identify
from gateway_core.api.body import read_json, validate
from gateway_core.api.deadline import time_left_s
from gateway_core.api.degraded import DEGRADED_HEADER
from gateway_core.api.disconnect import while_listening
from gateway_core.api.routes import Routes
from gateway_core.api.schemas import (
    CACHED_HEADER,
    DOWNGRADED_HEADER,
    DROPPED_HEADER,
    CompleteBody,
    completion_body,
    cost_body,
)
from gateway_core.domain.answer import ProviderAnswer
from gateway_core.domain.cost import usd
from gateway_core.domain.result import Completion
from gateway_core.services import Current, ModelServices


def router(source: Current[ModelServices]) -> Routes:
    """The route, closed over where its services come from."""
    routes = Routes()

    @routes.post("/v1/complete")
    async def complete(request: Request) -> JSONResponse:
        services = source.now()
        settings = services.settings
        caller = await identify(request, services)
        check_tool(caller, "complete")
        value = await read_json(request, settings.body_limit)
        body = validate(CompleteBody, value)
        chat = body.to_request(attribution_in(body, request, caller), settings.default_timeout_s, value)
        timeout_s = min(chat.timeout_s, time_left_s(request.scope))
        answer = services.gateway.composed(chat, caller, request.state.request_id, _response, timeout_s=timeout_s)
        return await while_listening(request, answer)

    return routes


def _response(done: Completion[ProviderAnswer]) -> JSONResponse:
    return JSONResponse(completion_body(done), headers=gateway_headers(done))


def dropped_header(answer: object) -> dict[str, str]:
    """Names the options that were left out or changed, if there are any; an embedding has none."""
    dropped = answer.dropped_params if isinstance(answer, ProviderAnswer) else ()
    return {DROPPED_HEADER: ", ".join(dropped)} if dropped else {}


def gateway_headers[A](done: Completion[A]) -> dict[str, str]:
    """The `x-gateway-*` headers of an answer."""
    return {
        "x-gateway-model": done.model.key,
        "x-gateway-provider": done.model.provider,
        "x-gateway-attempts": str(sum(attempt.outcome != "skipped" for attempt in done.attempts)),
        "x-gateway-request-id": done.id,
        "x-gateway-cost-usd": cost_body(done.cost)["total_usd"],
        **({**CACHED_HEADER, "x-gateway-saved-usd": usd(done.saved_nano)} if done.cached else {}),
        **dropped_header(done.answer),
        **(DEGRADED_HEADER if done.degraded else {}),
        **({DOWNGRADED_HEADER: done.downgraded} if done.downgraded else {}),
    }
