"""Jobs: POST /ask?mode=job accepts one, GET /ask/{id} tells how far it is, DELETE /ask/{id} cancels it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from itertools import accumulate
from typing import Annotated

from pydantic import Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from gateway_core.access.internal_identity import pack_grant
from gateway_core.access.rights import check_tool
from gateway_core.api.ask_schemas import BatchBody, job_body
from gateway_core.api.attribution import attribution_in
from gateway_core.api.auth import identify
from gateway_core.api.body import Strict, validate
from gateway_core.api.query import query_of
from gateway_core.api.routes import Routes
from gateway_core.batch.graph import Node
from gateway_core.batch.job_log import pack_questions, parse_line
from gateway_core.batch.questions import TOOL
from gateway_core.domain.caller import Caller
from gateway_core.domain.errors import Forbidden, InvalidRequest, LLMError, RateLimited, UnknownJob
from gateway_core.services import Current, Jobs, ModelServices
from gateway_core.store.jobs import IDEMPOTENCY_KEY_FORM, Job, JobName

ACCEPTED = 202
IDEMPOTENCY_KEY = "Idempotency-Key"
MOST_RESULTS = 500
MOST_PAGE_CHARS = 2 * 1024 * 1024
"""Of a page's results; one that is longer is a page of its own. Lambda ends an answer to an invocation at 6 MB."""
_BUSY_RETRY_S = 60.0
_MOST_DIGITS = 12


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch that was found right, and may take `timeout_s`. Nothing of it was asked yet."""

    nodes: tuple[Node, ...]
    body: BatchBody
    timeout_s: float


class Page(Strict):
    """Which results a look at a job is to have: `limit` from `cursor` on."""

    cursor: Annotated[int, Field(ge=0, le=10**9)] = 0
    limit: Annotated[int, Field(ge=1, le=MOST_RESULTS)] = 100


def wants_job(request: Request) -> bool:
    """Whether the batch is to be a job. Raises InvalidRequest for any other mode."""
    mode = query_of(request).get("mode")
    if mode not in {None, "job"}:
        raise InvalidRequest("mode: can only be 'job'. Leave it out for an answer now.", param="mode", schema=True)
    return mode == "job"


def job_routes(source: Current[ModelServices], jobs: Jobs | None) -> Routes:
    """The routes of jobs that were accepted."""
    routes = Routes()

    @routes.get("/ask/{job_id}")
    async def look(request: Request, job_id: str) -> Response:
        services = source.now()
        page = _page(request)
        job = await _job(request, services, job_id)
        found = await _on(jobs).files.read(job.name, page.cursor, page.limit)
        lines = _fitting(found)
        answers = [line.answer for line in map(parse_line, lines) if line.final]
        after = page.cursor + len(lines)
        is_last = job.is_ended and len(lines) == len(found) < page.limit
        return JSONResponse(job_body(job, answers, None if is_last else after))

    @routes.delete("/ask/{job_id}")
    async def cancel(request: Request, job_id: str) -> Response:
        services = source.now()
        job = await _job(request, services, job_id)
        files = _on(jobs).files
        state = await services.store.end_job(job.name, "cancelled", now_ms=services.clock.now_ms())
        await files.drop_input(job.name)
        return JSONResponse({"id": job.name.id, "state": state or job.state}, ACCEPTED)

    return routes


def _fitting(lines: Sequence[str]) -> Sequence[str]:
    """Those that a page has room for, from the first on."""
    sizes = accumulate(map(len, lines))
    return lines[: max(1, sum(size <= MOST_PAGE_CHARS for size in sizes))]


async def accept(
    request: Request, services: ModelServices, jobs: Jobs | None, caller: Caller, batch: Batch
) -> Response:
    """Have a batch worked on as a job. A copy of the request, by its idempotency key, gives the same job."""
    jobs, store = _on(jobs), services.store
    wanted = _new_job(request, services, caller, batch)
    # Before there is a job: whoever looks for some may find it at once.
    await jobs.files.put_input(wanted.name, pack_questions([node.question for node in batch.nodes]))
    most_open = services.settings.batch_max_open_jobs
    job = await store.create_job(wanted, most_open=most_open, listed=jobs.listed)
    if job is not wanted:
        await store.forget_job(replace(wanted, idempotency=""))  # but not what is known by its idempotency key
    if job is None:
        text = "The project has too many jobs that have not ended. Wait for one, or cancel one."
        raise RateLimited(text, retry_after_s=_BUSY_RETRY_S)
    if job.body_digest != wanted.body_digest:
        text = f"{IDEMPOTENCY_KEY}: was used for another batch. Send a new one with each batch."
        raise InvalidRequest(text, param=IDEMPOTENCY_KEY, schema=True)
    if job.state == "queued":
        try:
            await jobs.starter.start(job.name)
        except LLMError:
            if not job.idempotency:  # else a copy may have been told that it is accepted, and another will start it
                await store.forget_job(job)
            raise
    return JSONResponse({"id": job.name.id, "state": job.state}, ACCEPTED, {"location": f"/ask/{job.name.id}"})


def _on(jobs: Jobs | None) -> Jobs:
    if jobs is None:
        text = "mode: there are no jobs in this deployment. Leave it out, or deploy with Jobs=on."
        raise InvalidRequest(text, param="mode")
    return jobs


def _new_job(request: Request, services: ModelServices, caller: Caller, batch: Batch) -> Job:
    now_ms, attribution = services.clock.now_ms(), attribution_in(batch.body, request, caller)
    questions = [asdict(node.question) for node in batch.nodes]
    asked = json.dumps([questions, asdict(attribution), batch.timeout_s], sort_keys=True)
    named = _idempotency_key(request)
    return Job(
        name=JobName.new(attribution.project_id),
        key_home=caller.project_id,
        digest=caller.digest,
        attribution=attribution,
        created_ms=now_ms,
        until_ms=now_ms + int(batch.timeout_s * 1000),
        questions=len(batch.nodes),
        body_digest=_digest(asked),
        idempotency=_digest(f"{caller.digest} {named}") if named else "",
        grant=pack_grant(caller.grant),
    )


def _idempotency_key(request: Request) -> str | None:
    keys = request.headers.getlist(IDEMPOTENCY_KEY)
    if len(keys) > 1:  # which one counts is the guess of whoever stands between
        raise InvalidRequest(f"{IDEMPOTENCY_KEY}: is there {len(keys)} times. Send one.", param=IDEMPOTENCY_KEY)
    if keys and not IDEMPOTENCY_KEY_FORM.fullmatch(keys[0]):
        text = f"{IDEMPOTENCY_KEY}: has to be 1 to 255 printable ASCII characters without a blank, such as a UUID."
        raise InvalidRequest(text, param=IDEMPOTENCY_KEY)
    return keys[0] if keys else None


def _page(request: Request) -> Page:
    return validate(Page, {name: _number(text) for name, text in query_of(request).items()})


def _number(text: str) -> int | str:
    """A number, if that is what it is, and not one of thousands of digits."""
    digits = text.removeprefix("-")
    return int(text) if digits.isdecimal() and len(digits) <= _MOST_DIGITS else text


async def _job(request: Request, services: ModelServices, job_id: str) -> Job:
    """A job that the caller may see, as it is now. Raises UnknownJob and Forbidden."""
    caller = await identify(request, services)
    check_tool(caller, TOOL)
    name = JobName.parse(job_id)
    if name and name.project_id != caller.project_id and not caller.admin:
        raise Forbidden("This job belongs to another project. Use a key of that project.")
    job = await services.store.find_job(name) if name else None
    if job is None or (caller.user_id and job.attribution.user_id != caller.user_id):
        raise UnknownJob("There is no such job, or no more: jobs are kept for seven days.", param="id")
    return job.at(services.clock.now_ms())


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
