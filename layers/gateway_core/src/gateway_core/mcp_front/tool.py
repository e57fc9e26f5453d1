"""Operations as FastMCP tools."""

from __future__ import annotations

import json
from typing import Any, override

from fastmcp.tools.base import Tool, ToolResult
from mcp_types import TextContent, ToolAnnotations
from mcp_types import Tool as ListedTool
from pydantic import PrivateAttr

from gateway_core.access.rights import check_tool
from gateway_core.domain.chat import Json
from gateway_core.domain.errors import LLMError
from gateway_core.invocation import FunctionUnavailable, HttpAnswer, HttpRequest
from gateway_core.mcp_front.operation import Operation, Result
from gateway_core.mcp_front.progress import Progress, progress_of_call
from gateway_core.mcp_front.report import describe_answer, describe_error
from gateway_core.mcp_front.visitor import current_visitor
from gateway_core.ports import Clock, Invoker
from gateway_core.telemetry.telemetry import Telemetry

OK = 200
DONE = frozenset({OK, 202})
"""What a whole answer that is none of an error has."""


class FunctionTool(Tool):
    """Checks the arguments, invokes the operation's function and hands its answer on. Never raises: see `run`."""

    _operation: Operation[Any] = PrivateAttr()
    _invoker: Invoker = PrivateAttr()
    _telemetry: Telemetry = PrivateAttr()
    _clock: Clock = PrivateAttr()

    @classmethod
    def of(cls, operation: Operation[Any], invoker: Invoker, telemetry: Telemetry, clock: Clock) -> FunctionTool:
        tool = cls(
            name=operation.name,
            title=operation.title,
            description=operation.description,
            parameters=operation.arguments.schema_for_clients(),
            output_schema=dict(operation.output),
            annotations=_hints(operation),
        )
        tool._operation, tool._invoker, tool._telemetry, tool._clock = operation, invoker, telemetry, clock
        return tool

    @property
    def right(self) -> str:
        """The tool that a key has to be allowed."""
        return self._operation.right or self.name

    @override
    def to_mcp_tool(self, **overrides: Any) -> ListedTool:
        # FastMCP's own `_meta` lists tags, of which there are none, at the cost of tokens for each tool.
        return super().to_mcp_tool(**{**overrides, "_meta": None})

    @override
    async def run(self, arguments: dict[str, Any]) -> ToolResult:
        """The result, or the error as a result: what FastMCP sees raised it logs with the arguments that caused it."""
        visitor = current_visitor()
        try:
            async with progress_of_call() as progress:
                result = await self._result(arguments, progress)
        except LLMError as error:
            self._telemetry.request_failed(visitor.request_id, error, visitor.caller)
            return failed(describe_error(error, visitor.request_id))
        except Exception as error:  # noqa: BLE001 - as above; its text may quote a prompt
            self._telemetry.crashed(visitor.request_id, error, self.name)
            return failed(describe_error(LLMError("The gateway failed."), visitor.request_id))
        return result if isinstance(result, ToolResult) else _succeeded(result)

    async def _result(self, arguments: dict[str, Any], _progress: Progress) -> Result | ToolResult:
        return await self._whole(self._request(arguments))

    async def _whole(self, request: HttpRequest) -> Result | ToolResult:
        """What the function answers, as the operation tells it."""
        answer = await self._invoker.invoke(self._operation.function, request)
        if answer.status not in DONE:
            return failed_answer(answer)
        return self._operation.result(json_object(answer))

    def _request(self, arguments: dict[str, Any]) -> HttpRequest:
        """What the function is asked. Raises LLMError if the key may not, or the arguments are wrong."""
        visitor = current_visitor()
        check_tool(visitor.caller, self.right)
        return self._operation.request(self._operation.arguments.parse(arguments), visitor)


def _hints(operation: Operation[Any]) -> ToolAnnotations:
    """Whether a call may be repeated is told only of what changes something: of the rest MCP gives it no meaning."""
    if operation.changes:
        return ToolAnnotations(
            read_only_hint=False, destructive_hint=True, idempotent_hint=True, open_world_hint=operation.asks_models
        )
    return ToolAnnotations(read_only_hint=True, open_world_hint=operation.asks_models)


def json_object(answer: HttpAnswer) -> Json:
    """Raises FunctionUnavailable for what is none."""
    try:
        body = json.loads(answer.body)
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise FunctionUnavailable("the answer is not a JSON object")
    return body


def _succeeded(result: Result) -> ToolResult:
    return ToolResult(content=[TextContent(text=result.text)], structured_content=result.structured)


def failed_answer(answer: HttpAnswer) -> ToolResult:
    """A function's error answer as a tool's."""
    return failed(describe_answer(answer))


def failed(text: str) -> ToolResult:
    """An error as a result."""
    return ToolResult(content=[TextContent(text=text)], is_error=True)
