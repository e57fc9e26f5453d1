"""What is read for the caller without a tool: the same functions, asked with the same key."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus

from fastmcp.exceptions import FastMCPError, ResourceError, ValidationError

from gateway_core.access.rights import check_tool
from gateway_core.domain.chat import Json
from gateway_core.domain.errors import LLMError
from gateway_core.invocation import HttpRequest
from gateway_core.mcp_front.models import MODELS
from gateway_core.mcp_front.report import describe_answer, describe_error
from gateway_core.mcp_front.tool import OK, json_object
from gateway_core.mcp_front.visitor import Visitor, current_visitor
from gateway_core.ports import Clock, Invoker
from gateway_core.telemetry.telemetry import Telemetry


@dataclass(frozen=True, slots=True)
class Reader:
    """Asks functions what is to be read."""

    invoker: Invoker
    telemetry: Telemetry
    clock: Clock

    async def ask(self, function: str, right: str, request: Callable[[Visitor], HttpRequest]) -> Json:
        """The function's answer, for who may use the tool `right`.

        Raises FastMCP's ValidationError for what the caller can put right, else ResourceError, each with a line for it.
        """
        visitor = current_visitor()
        try:
            check_tool(visitor.caller, right)
            answer = await self.invoker.invoke(function, request(visitor))
            if answer.status == OK:
                return json_object(answer)
        except LLMError as error:
            self.telemetry.request_failed(visitor.request_id, error, visitor.caller)
            raise _told(error.status, describe_error(error, visitor.request_id)) from None
        raise _told(answer.status, describe_answer(answer))

    async def catalog(self) -> Json:
        """`{"models": [...], "groups": [...]}`, as `list_models` gives them."""
        body = await self.ask(MODELS.function, MODELS.name, lambda visitor: MODELS.request(MODELS.arguments(), visitor))
        return MODELS.result(body).structured


def _told(status: int, text: str) -> FastMCPError:
    kind = ValidationError if status < HTTPStatus.INTERNAL_SERVER_ERROR else ResourceError
    return kind(text, log_level=logging.DEBUG)  # it is in our own log
