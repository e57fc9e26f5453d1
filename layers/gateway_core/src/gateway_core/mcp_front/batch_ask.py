"""The tool `litellm_batch_ask`: POST /ask, with progress for each question that is finished.

The route streams results as they are ready; the tool gives them all at the end, as the route's whole answer would. With
`mode` it begins a job instead, and gives its id.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal, override

from fastmcp.tools.base import ToolResult
from mcp_types import TextContent
from pydantic import Field

from gateway_core.batch.questions import (
    DEFAULT_MAX_TOKENS,
    DEFAULT_MODEL,
    DEFAULT_TEMPERATURE,
    DEFAULT_VALIDATION_RETRIES,
    as_text,
)
from gateway_core.domain.chat import Json
from gateway_core.domain.errors import InvalidRequest, LLMError
from gateway_core.invocation import FunctionUnavailable, HttpRequest, HttpStream
from gateway_core.mcp_front.arguments import Arguments
from gateway_core.mcp_front.operation import Operation, Result, json_body, output_of
from gateway_core.mcp_front.progress import Progress, Signs
from gateway_core.mcp_front.report import describe_broken, describe_error
from gateway_core.mcp_front.streams import events_of, whole_of
from gateway_core.mcp_front.tool import OK, FunctionTool, failed_answer
from gateway_core.mcp_front.visitor import Visitor, current_visitor
from gateway_core.store.jobs import IDEMPOTENCY_KEY_FORM

LONGEST_S = 840.0
"""What the route gives a batch that names no limit."""
QUESTION: Json = {
    "type": "object",
    "required": ["index", "question"],
    "properties": {
        "index": {"type": "integer", "description": "Unique number"},
        "question": {"type": "string", "description": "{Q1_result} becomes the answer of 1, listed before"},
        "method": {"enum": ["concurrent", "sequential"], "description": "sequential: after the sequential before"},
        "model": {
            "type": "string",
            "description": "Group, model or LiteLLM identifier",
            "default": DEFAULT_MODEL,
        },
        "validation_strategy": {
            "type": "string",
            "description": "pydantic, json_schema, citation_check, regex, none",
        },
        "response_model": {"type": "string", "description": "For pydantic"},
        "response_schema": {"type": "object", "description": "JSON Schema of the answer"},
        "options": {"type": "object", "description": "Of the strategy, as pattern"},
        "max_validation_retries": {"type": "integer", "default": DEFAULT_VALIDATION_RETRIES},
        "temperature": {"type": "number", "default": DEFAULT_TEMPERATURE},
        "max_tokens": {"type": "integer", "default": DEFAULT_MAX_TOKENS},
        "cache": {"type": "boolean", "default": True},
        "api_base": {"type": "string"},
    },
}
"""What the route takes, short; a test compares the two. Written by hand, as a model's own schema is twice as long."""

_NOT_IN_BODY = frozenset({"mode", "idempotency_key"})


class BatchArguments(Arguments):
    """A BatchRequest. Only the route reads into the questions: it knows strategies, models and limits."""

    questions: Annotated[
        list[dict[str, Any]],
        Field(description="Take complete's options too", json_schema_extra={"items": QUESTION}),
    ]
    project_id: str | None = None
    agent_id: str | None = None
    user_id: str | None = None
    timeout_s: Annotated[float | None, Field(description="At most 840, a job 86400; the unfinished fail")] = None
    mode: Annotated[Literal["job"] | None, Field(description="job: an id at once, for batch_status")] = None
    idempotency_key: Annotated[str | None, Field(description="Repeats begin no other job")] = None


class BatchTool(FunctionTool):
    """Reports progress while questions are answered. If the batch breaks off, what is answered is not lost."""

    @override
    async def _result(self, arguments: dict[str, Any], progress: Progress) -> Result | ToolResult:
        request, finished = self._request(arguments), _Finished(len(arguments["questions"]))
        if request.query:  # a job
            return await self._whole(request)
        progress.signs = Signs(finished.so_far, finished.total, counts=True)
        try:
            async with self._invoker.stream(self._operation.function, request) as answer:
                if answer.status != OK:
                    return failed_answer(await whole_of(answer))
                return await self._follow(answer, finished, progress)
        except LLMError as error:
            if not finished.results:
                raise
            visitor = current_visitor()
            self._telemetry.request_failed(visitor.request_id, error, visitor.caller)
            return finished.broken(describe_error(error, visitor.request_id))

    async def _follow(self, answer: HttpStream, finished: _Finished, progress: Progress) -> Result | ToolResult:
        async for event in events_of(answer):
            match event.name:
                case "result":
                    await progress.tell(1, finished.add(event.data))
                case "done":
                    return self._operation.result({"results": finished.in_order(), **event.data})
                case "error":
                    return finished.broken(describe_broken(event.data))
        raise FunctionUnavailable("the stream ended without a result")


class _Finished:
    """The results so far, of `total` questions."""

    def __init__(self, total: int) -> None:
        self.total = total
        self.results: list[Json] = []

    def add(self, result: Json) -> str:
        """One more; what the client is told of it."""
        self.results.append(result)
        code = result.get("error_code")
        became = "answered" if result["status"] == "success" else f"failed{f': {code}' if code else ''}"
        return f"{len(self.results)}/{self.total}: question {result['index']} {became}"

    def so_far(self, seconds: int) -> str:
        """What the client is told where nothing is finished."""
        return f"{len(self.results)}/{self.total}: {seconds} s"

    def in_order(self) -> list[Json]:
        """By index, as the route's whole answer has them."""
        return sorted(self.results, key=lambda result: int(result["index"]))

    def broken(self, text: str) -> ToolResult:
        """The error as a result, with what was answered before it."""
        if not self.results:
            return ToolResult(content=[TextContent(text=text)], is_error=True)
        results = self.in_order()
        about = f"{text} {len(results)} of {self.total} questions were finished:"
        content = [TextContent(text="\n\n".join([about, *map(answer_text, results)]))]
        return ToolResult(content=content, structured_content={"results": results}, is_error=True)


def _request(given: BatchArguments, visitor: Visitor) -> HttpRequest:
    if given.mode:
        return _job_request(given, visitor)
    if given.idempotency_key is not None:
        raise InvalidRequest("idempotency_key: goes with mode 'job' only.", param="idempotency_key", schema=True)
    # What the route will refuse is no deadline of ours.
    limit_s = given.timeout_s if given.timeout_s and given.timeout_s > 0 else LONGEST_S
    return visitor.request("POST", "/ask", body=json_body({**_batch(given), "stream": True}), timeout_s=limit_s)


def _job_request(given: BatchArguments, visitor: Visitor) -> HttpRequest:
    named = given.idempotency_key
    if named is not None and not IDEMPOTENCY_KEY_FORM.fullmatch(named):
        text = "idempotency_key: has to be 1 to 255 printable ASCII characters without a blank, such as a UUID."
        raise InvalidRequest(text, param="idempotency_key", schema=True)
    return visitor.request(
        "POST",
        "/ask",
        query={"mode": "job"},
        headers={} if named is None else {"idempotency-key": named},
        body=json_body(_batch(given)),
        timeout_s=visitor.default_timeout_s,
    )


def _batch(given: BatchArguments) -> Json:
    return {name: value for name, value in given.given().items() if name not in _NOT_IN_BODY}


def _result(body: Json) -> Result:
    """The answers as text, too: many clients show a model nothing else. Of a job how to go on."""
    if "state" in body:
        return Result(f"Job {body['id']} is {body['state']}. Call batch_status with this id.", dict(body))
    results: Sequence[Json] = body["results"]
    return Result("\n\n".join([*map(answer_text, results), _sum(body["totals"])]), dict(body))


def answer_text(result: Json) -> str:
    """What became of one question."""
    if result["status"] == "success":
        return f"Q{result['index']}: {as_text(result['result'])}"
    return f"Q{result['index']} failed: {result['error_message']}"


def _sum(totals: Json) -> str:
    return (
        f"{totals['succeeded']} of {totals['questions']} answered, {totals['failed']} failed, "
        f"{totals['cached']} cached; {totals['cost']['total_usd']} USD"
    )


BATCH_ASK = Operation(
    name="litellm_batch_ask",
    title="Batch of questions",
    description="Ask many questions, at once or in turn, with checked answers and progress.",
    function="ask",
    arguments=BatchArguments,
    request=_request,
    result=_result,
    output=output_of(results="array", totals="object", id="string", state="string"),
    asks_models=True,
)
