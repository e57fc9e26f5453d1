"""The tools `batch_status` and `batch_cancel`: GET and DELETE /ask/{id}, for what `litellm_batch_ask` began as a job.

Who may ask a batch may look at it, so there is no right of their own.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from gateway_core.domain.chat import Json
from gateway_core.domain.errors import UnknownJob
from gateway_core.invocation import HttpRequest
from gateway_core.mcp_front.arguments import Arguments
from gateway_core.mcp_front.batch_ask import BATCH_ASK, answer_text
from gateway_core.mcp_front.operation import Operation, Result, output_of, whole
from gateway_core.mcp_front.visitor import Visitor
from gateway_core.store.jobs import JobName


class CancelArguments(Arguments):
    """Which job."""

    id: str


class StatusArguments(CancelArguments):
    """Which of its results: as the route's query."""

    cursor: Annotated[int, Field(description="next of the last page")] = 0
    limit: int = 100


def _status_request(given: StatusArguments, visitor: Visitor) -> HttpRequest:
    query = {name: str(value) for name, value in given.given().items() if name != "id"}
    return visitor.request("GET", _path(given.id), query=query)


def _cancel_request(given: CancelArguments, visitor: Visitor) -> HttpRequest:
    return visitor.request("DELETE", _path(given.id))


def _path(job_id: str) -> str:
    """Raises UnknownJob for what could not be one, and might be another path."""
    if JobName.parse(job_id) is None:
        raise UnknownJob("No job has such an id.", param="id")
    return f"/ask/{job_id}"


def _status_result(body: Json) -> Result:
    """How far it is and this page's answers, as text, too."""
    return Result("\n\n".join([*map(answer_text, body["results"]), _progress(body)]), dict(body))


def _progress(body: Json) -> str:
    failed = f" ({body['error_code']})" if body["error_code"] else ""
    counts = f"{body['succeeded']} of {body['questions']} answered, {body['failed']} failed"
    told = f"{body['state']}{failed}: {counts}, {body['cached']} cached; {body['cost']['total_usd']} USD"
    return told if body["next"] is None else f"{told}. For the results from here on: cursor {body['next']}"


BATCH_STATUS = Operation(
    name="batch_status",
    title="Status of a job",
    description="State and results of a job of litellm_batch_ask.",
    function="ask",
    arguments=StatusArguments,
    request=_status_request,
    result=_status_result,
    output=output_of(state="string", results="array"),
    right=BATCH_ASK.name,
)
BATCH_CANCEL = Operation(
    name="batch_cancel",
    title="Cancel a job",
    description="Ask nothing more of it; what is answered stays.",
    function="ask",
    arguments=CancelArguments,
    request=_cancel_request,
    result=whole,
    output=output_of(state="string"),
    changes=True,
    right=BATCH_ASK.name,
)
