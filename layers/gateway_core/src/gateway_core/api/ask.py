"""POST /ask: a batch of questions, some of which wait for the answers of others."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from gateway_core.access.rights import check_tool
from gateway_core.api.ask_schemas import BatchBody, batch_body, result_body, total_cost, totals_body
from gateway_core.api.attribution import attribution_in
from gateway_core.api.auth import identify
from gateway_core.api.body import read_json, validate
from gateway_core.api.deadline import time_left_s
from gateway_core.api.disconnect import while_listening
from gateway_core.api.errors import error_body
from gateway_core.api.jobs import Batch, accept, job_routes, wants_job
from gateway_core.api.routes import Routes
from gateway_core.api.schemas import cost_body
from gateway_core.api.sse import Events, EventStream, event
from gateway_core.batch.graph import Node, build
from gateway_core.batch.questions import TOOL, Answer, Question
from gateway_core.batch.validation.registry import Registry
from gateway_core.config.settings import GatewaySettings
from gateway_core.crowd.slot import waited
from gateway_core.crowd.stopping import stopped_as_error
from gateway_core.domain.errors import InvalidRequest, LLMError, ShuttingDown
from gateway_core.services import Current, Jobs, ModelServices
from gateway_core.store.jobs import MOST_JOB_S
from gateway_core.telemetry.telemetry import Telemetry

MOST_SCHEMAS_CHARS = 256 * 1024

type Answers = AsyncGenerator[Answer]


def router(source: Current[ModelServices], jobs: Jobs | None = None) -> Routes:
    """The routes, closed over where their services come from. Without `jobs` there are none."""
    routes = job_routes(source, jobs)

    @routes.post("/ask")
    async def ask(request: Request) -> Response:
        services = source.now()
        caller = await identify(request, services)
        check_tool(caller, TOOL)
        is_job = wants_job(request)
        value = await read_json(request, services.settings.body_limit)
        batch = await _read(value, services, is_job=is_job)
        if is_job:
            return await accept(request, services, jobs, caller, batch)
        request_id = request.state.request_id
        timeout_s = min(batch.timeout_s, time_left_s(request.scope))
        engine = services.engine(caller, attribution_in(batch.body, request, caller), request_id)
        running = engine.run(batch.nodes, timeout_s=timeout_s)
        answers = _logged(running, partial(services.telemetry.batch_ended, request_id, caller, len(batch.nodes)))
        headers = {"x-gateway-request-id": request_id}
        if batch.body.stream:
            return EventStream(_events(answers, request_id, services.telemetry), headers, longest_s=timeout_s)
        done = await waited(while_listening(request, _all(answers)))  # each question has a slot of its own
        headers["x-gateway-cost-usd"] = cost_body(total_cost(done))["total_usd"]
        return JSONResponse(batch_body(done, request_id), headers=headers)

    return routes


async def _read(value: dict[str, Any], services: ModelServices, *, is_job: bool) -> Batch:
    """As `read_batch`. Schemas take a moment to check, and others are served meanwhile."""
    questions = value.get("questions")
    if isinstance(questions, list) and any(isinstance(one, dict) and one.get("response_schema") for one in questions):
        return await asyncio.to_thread(read_batch, value, services.settings, services.registry, is_job=is_job)
    return read_batch(value, services.settings, services.registry, is_job=is_job)


def read_batch(value: dict[str, Any], settings: GatewaySettings, registry: Registry, *, is_job: bool = False) -> Batch:
    """The batch that a body describes. Raises InvalidRequest for all that can be wrong with it."""
    most = settings.batch_max_job_questions if is_job else settings.batch_max_questions
    questions = value.get("questions")
    if isinstance(questions, list) and len(questions) > most:
        remedy = "Send several." if is_job else "Send several batches, or a job: POST /ask?mode=job."
        raise InvalidRequest(f"questions: more than {most}. {remedy}", param="questions", schema=True)
    body = validate(BatchBody, value)
    longest_s = _longest_s(body, settings, is_job=is_job)
    nodes = build([item.to_question(settings.catalog) for item in body.questions])
    _check_validation(nodes, registry)
    return Batch(nodes, body, body.timeout_s or longest_s)


def _longest_s(body: BatchBody, settings: GatewaySettings, *, is_job: bool) -> float:
    """How long the batch may take. Raises InvalidRequest where it wants to take longer."""
    if is_job and body.stream:
        raise InvalidRequest("stream: a job is not streamed. Leave it out.", param="stream", schema=True)
    if is_job:
        which, longest_s = "a job", float(MOST_JOB_S)
    elif body.stream:
        which, longest_s = "a batch that is streamed", settings.max_stream_timeout_s
    else:
        which, longest_s = "a batch that is not streamed", settings.max_timeout_s
    if body.timeout_s and body.timeout_s > longest_s:
        raise InvalidRequest(f"timeout_s: at most {longest_s:g} for {which}.", param="timeout_s", schema=True)
    return longest_s


def _check_validation(nodes: Sequence[Node], registry: Registry) -> None:
    """Raises InvalidRequest with the path of the field that no strategy can use."""
    schemas: set[str] = set()
    for node in nodes:
        try:
            _count_schema(node.question, schemas)
            registry.validator(node.question)
        except InvalidRequest as error:
            path = f"questions.{node.number - 1}"
            raise InvalidRequest(f"{path}.{error.message}", param=f"{path}.{error.param}", schema=True) from None


def _count_schema(question: Question, seen: set[str]) -> None:
    """Those of a batch are bounded together, as each takes time before anybody is asked. An equal one counts once."""
    if question.response_schema is None:
        return
    seen.add(json.dumps(question.response_schema))
    if sum(map(len, seen)) > MOST_SCHEMAS_CHARS:
        text = f"response_schema: the schemas of the batch are longer than {MOST_SCHEMAS_CHARS} characters together."
        raise InvalidRequest(text, param="response_schema", schema=True)


async def _logged(answers: Answers, note: Callable[[Counter[str]], None]) -> Answers:
    """The same answers; how many of each kind there were is noted, also if nobody waited for the last one."""
    outcomes: Counter[str] = Counter()
    try:
        async with aclosing(answers):
            async for answer in answers:
                outcomes[answer.error_code or "ok"] += 1
                yield answer
    finally:
        note(outcomes)


async def _all(answers: Answers) -> list[Answer]:
    async with aclosing(answers):
        return [answer async for answer in answers]


async def _events(answers: Answers, request_id: str, telemetry: Telemetry) -> Events:
    told: list[Answer] = []
    try:
        with stopped_as_error():
            async with aclosing(answers):
                async for answer in answers:
                    told.append(answer)
                    yield event(result_body(answer), "result")
        yield event({"totals": totals_body(told), "request_id": request_id}, "done")
    except ShuttingDown as error:
        yield event(error_body(error, request_id), "error")
    except Exception as error:  # noqa: BLE001 - told in-band, without a trace
        telemetry.crashed(request_id, error, "batch")
        failed = LLMError("The gateway failed. Quote the request_id to its operator.")
        yield event(error_body(failed, request_id), "error")
