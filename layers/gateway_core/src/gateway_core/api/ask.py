"""POST /ask: a batch of questions, some of which wait for the answers of others."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from gateway_core.access.rights import attribute, check_tool
from gateway_core.api.ask_schemas import BatchBody, batch_body, result_body, total_cost, totals_body
from gateway_core.api.auth import identify
from gateway_core.api.body import read_json, validate
from gateway_core.api.deadline import time_left_s
from gateway_core.api.disconnect import while_listening
from gateway_core.api.errors import error_body
from gateway_core.api.schemas import cost_body
from gateway_core.api.sse import Events, EventStream, event
from gateway_core.batch.answerer import QuestionAnswerer
from gateway_core.batch.engine import BatchLimits, Engine
from gateway_core.batch.graph import Node, build
from gateway_core.batch.questions import Answer, Question
from gateway_core.batch.validation.registry import Registry
from gateway_core.config.settings import GatewaySettings
from gateway_core.domain.caller import Caller
from gateway_core.domain.errors import InvalidRequest, LLMError
from gateway_core.services import Current, ModelServices
from gateway_core.telemetry.telemetry import Telemetry

TOOL = "litellm_batch_ask"

MOST_SCHEMAS_CHARS = 256 * 1024

type Answers = AsyncGenerator[Answer]


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch that was found right, and may take `timeout_s`. Nothing of it was asked yet."""

    nodes: tuple[Node, ...]
    body: BatchBody
    timeout_s: float


def router(source: Current[ModelServices]) -> APIRouter:
    """The route, closed over where its services come from."""
    routes = APIRouter()

    @routes.post("/ask")
    async def ask(request: Request) -> Response:
        services = source.now()
        caller = await identify(request, services)
        check_tool(caller, TOOL)
        value = await read_json(request, services.settings.body_limit)
        batch = await _read(value, services)
        request_id = request.state.request_id
        timeout_s = min(batch.timeout_s, time_left_s(request.scope))
        running = _engine(services, caller, batch, request_id).run(batch.nodes, timeout_s=timeout_s)
        answers = _logged(running, partial(services.telemetry.batch_ended, request_id, caller, len(batch.nodes)))
        headers = {"x-gateway-request-id": request_id}
        if batch.body.stream:
            return EventStream(_events(answers, request_id, services.telemetry), headers)
        done = await while_listening(request, _all(answers))
        headers["x-gateway-cost-usd"] = cost_body(total_cost(done))["total_usd"]
        return JSONResponse(batch_body(done, request_id), headers=headers)

    return routes


async def _read(value: dict[str, Any], services: ModelServices) -> Batch:
    """As `read_batch`. Schemas take a moment to check, and others are served meanwhile."""
    questions = value.get("questions")
    if isinstance(questions, list) and any(isinstance(one, dict) and one.get("response_schema") for one in questions):
        return await asyncio.to_thread(read_batch, value, services.settings, services.registry)
    return read_batch(value, services.settings, services.registry)


def read_batch(value: dict[str, Any], settings: GatewaySettings, registry: Registry) -> Batch:
    """The batch that a body describes. Raises InvalidRequest for all that can be wrong with it."""
    questions, most = value.get("questions"), settings.batch_max_questions
    if isinstance(questions, list) and len(questions) > most:
        raise InvalidRequest(f"questions: more than {most}. Send several batches.", param="questions", schema=True)
    body = validate(BatchBody, value)
    longest_s = settings.max_stream_timeout_s if body.stream else settings.max_timeout_s
    if body.timeout_s and body.timeout_s > longest_s:
        which = "a batch that is streamed" if body.stream else "a batch that is not streamed"
        raise InvalidRequest(f"timeout_s: at most {longest_s:g} for {which}.", param="timeout_s", schema=True)
    nodes = build([item.to_question(settings.catalog) for item in body.questions])
    _check_validation(nodes, registry)
    return Batch(nodes, body, body.timeout_s or longest_s)


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


def _engine(services: ModelServices, caller: Caller, batch: Batch, request_id: str) -> Engine:
    settings, body = services.settings, batch.body
    attribution = attribute(caller, body.project_id, body.agent_id, body.user_id)
    answerer = QuestionAnswerer(
        services.gateway, settings.catalog, services.registry, caller, attribution, request_id, services.clock
    )
    limits = BatchLimits(settings.batch_concurrency, settings.default_timeout_s, settings.body_limit)
    return Engine(answerer, services.clock, limits, partial(services.telemetry.crashed, request_id, where="batch"))


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
        async with aclosing(answers):
            async for answer in answers:
                told.append(answer)
                yield event(result_body(answer), "result")
        yield event({"totals": totals_body(told), "request_id": request_id}, "done")
    except Exception as error:  # noqa: BLE001 - told in-band, without a trace
        telemetry.crashed(request_id, error, "batch")
        failed = LLMError("The gateway failed. Quote the request_id to its operator.")
        yield event(error_body(failed, request_id), "error")
