"""POST /v1/messages/count_tokens: an estimate made here, for any model; nobody is called and nothing is billed."""

from __future__ import annotations

import asyncio

from starlette.requests import Request

from gateway_core.access.rights import check_tool
from gateway_core.api.anthropic.beyond import without_unknown
from gateway_core.api.anthropic.form import ANTHROPIC_FORM
from gateway_core.api.anthropic.schemas import CountBody
from gateway_core.api.auth import identify
from gateway_core.api.body import read_json, validate
from gateway_core.api.openai_wire import group_or_model
from gateway_core.api.routes import Routes
from gateway_core.api.tokens import TOOL
from gateway_core.services import Current, ModelServices
from gateway_core.wires.anthropic.inbound.request import inbound


def router(source: Current[ModelServices]) -> Routes:
    """The route, closed over where its services come from."""
    routes = Routes(ANTHROPIC_FORM)

    @routes.post("/v1/messages/count_tokens")
    async def count(request: Request) -> dict[str, int]:
        services = source.now()
        settings = services.settings
        caller = await identify(request, services)
        check_tool(caller, TOOL)
        came = await read_json(request, settings.body_limit)
        value, _ = without_unknown(CountBody, came, ",".join(request.headers.getlist("anthropic-beta")))
        body = validate(CountBody, value)
        group, name = group_or_model(settings.catalog, body.model)
        catalog = settings.catalog
        model = catalog.group(group)[0] if group else catalog.resolve(name or "")
        asked = inbound(value, request.headers)
        # In a thread: a long prompt takes the tokeniser a while, and other requests go on meanwhile.
        counted = await asyncio.to_thread(
            services.token_counter.count_tokens, model.deployment, asked.messages, asked.params
        )
        return {"input_tokens": counted.input_tokens}

    return routes
