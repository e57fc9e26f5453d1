"""The tool `stream_complete`: POST /v1/stream, told piece by piece through progress notifications.

MCP has no partial results: progress messages are its one channel for them, and a client that gave no progress token
gets none. So the result always holds the whole text.
"""

from __future__ import annotations

from typing import Annotated, Any, override

from fastmcp.tools.base import ToolResult
from pydantic import Field

from gateway_core.invocation import FunctionUnavailable, HttpRequest, HttpStream
from gateway_core.mcp_front.arguments import Arguments
from gateway_core.mcp_front.complete import COMPLETE
from gateway_core.mcp_front.deltas import Deltas
from gateway_core.mcp_front.operation import Operation, Result, json_body, output_of
from gateway_core.mcp_front.progress import Progress, Signs
from gateway_core.mcp_front.report import describe_broken
from gateway_core.mcp_front.streams import events_of, whole_of
from gateway_core.mcp_front.tool import OK, FunctionTool, failed, failed_answer
from gateway_core.mcp_front.visitor import Visitor


class StreamCompleteArguments(Arguments):
    """The most used arguments of `complete`, under the same names and limits; the tool's description says so."""

    messages: list[dict[str, Any]]
    model_group: str = "reasoning"
    model: str | None = None
    max_tokens: int = 4096
    temperature: float | None = 0.7
    project_id: str | None = None
    agent_id: str | None = None
    tools: list[dict[str, Any]] | None = None
    timeout_s: Annotated[float | None, Field(description="At most 840")] = None


class StreamTool(FunctionTool):
    """Reports progress while the answer is made, then returns what `complete` would have."""

    @override
    async def _result(self, arguments: dict[str, Any], progress: Progress) -> Result | ToolResult:
        # The messages put together are the text, so that a sign of life has none.
        progress.signs = Signs(words=lambda _seconds: None, counts=True)
        request = self._request(arguments)
        async with self._invoker.stream(self._operation.function, request) as answer:
            if answer.status != OK:
                return failed_answer(await whole_of(answer))
            return await self._follow(answer, progress)

    async def _follow(self, answer: HttpStream, progress: Progress) -> Result | ToolResult:
        deltas = Deltas()
        async for event in events_of(answer):
            match event.name:
                case "chunk":
                    delta = str(event.data["delta"])
                    if not delta:  # reasoning, or a tool call
                        await progress.go_on()
                    elif text := deltas.push(delta, self._clock.monotonic_s()):
                        await progress.tell(len(text), text)
                case "done":
                    await _tell_rest(progress, deltas)
                    return self._operation.result(event.data)
                case "error":
                    await _tell_rest(progress, deltas)
                    return failed(describe_broken(event.data))
        raise FunctionUnavailable("the stream ended without a result")


def _request(given: StreamCompleteArguments, visitor: Visitor) -> HttpRequest:
    limit_s = given.timeout_s or visitor.default_timeout_s
    return visitor.request("POST", "/v1/stream", body=json_body(given.given()), timeout_s=limit_s)


async def _tell_rest(progress: Progress, deltas: Deltas) -> None:
    if text := deltas.flush():
        await progress.tell(len(text), text)


STREAM_COMPLETE = Operation(
    name="stream_complete",
    title="Complete, streamed",
    description="As complete, with arguments as there; progress messages bring the text.",
    function="stream",
    arguments=StreamCompleteArguments,
    request=_request,
    result=COMPLETE.result,
    output=output_of(content="string", usage="object", cost="object"),
    asks_models=True,
)
