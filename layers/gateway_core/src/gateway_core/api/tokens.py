"""POST /v1/tokens: how many tokens a prompt has for a model, or a group's first, without calling it."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from pydantic import Field
from starlette.requests import Request

from gateway_core.access.rights import check_tool
from gateway_core.api.auth import identify
from gateway_core.api.body import Strict, read_json, validate
from gateway_core.api.messages import Message
from gateway_core.api.openai_wire import ModelName
from gateway_core.api.routes import Routes
from gateway_core.api.schemas import given
from gateway_core.api.tools import Tool
from gateway_core.domain.chat import Json
from gateway_core.domain.errors import InvalidRequest
from gateway_core.services import Current, ModelServices

TOOL = "count_tokens"


class TokensBody(Strict):
    """Either `messages` or `text`."""

    model: ModelName
    messages: Annotated[list[Message], Field(min_length=1)] | None = None
    text: Annotated[str, Field(min_length=1)] | None = None
    tools: Annotated[list[Tool], Field(min_length=1, max_length=128)] | None = None

    def conversation(self, body: Json) -> list[Json]:
        """What to count, as it came. Raises InvalidRequest unless exactly one of both was sent."""
        if (self.messages is None) == (self.text is None):
            raise InvalidRequest("Send either messages or text.", param="messages", schema=True)
        if self.text is not None:
            return [{"role": "user", "content": self.text}]
        return list(body["messages"])


def router(source: Current[ModelServices]) -> Routes:
    """The route, closed over where its services come from."""
    routes = Routes()

    @routes.post("/v1/tokens")
    async def tokens(request: Request) -> dict[str, Any]:
        services = source.now()
        settings = services.settings
        caller = await identify(request, services)
        check_tool(caller, TOOL)
        value = await read_json(request, settings.body_limit)
        body = validate(TokensBody, value)
        catalog, name = settings.catalog, body.model
        model = catalog.group(name)[0] if name in catalog.groups else catalog.resolve(name)
        params = given({"tools"}, value)
        # In a thread: a long prompt takes the tokeniser a while, and other requests go on meanwhile.
        counted = await asyncio.to_thread(
            services.token_counter.count_tokens, model.deployment, body.conversation(value), params
        )
        return {"model": model.key, "input_tokens": counted.input_tokens, "method": counted.method}

    return routes
