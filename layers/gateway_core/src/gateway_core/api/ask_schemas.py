"""The bodies of `POST /ask`, in and out: fields and defaults are those of the batch service's specification."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated, Any

from pydantic import Field

from gateway_core.api.body import Party, Strict
from gateway_core.api.schemas import Options, OwnOptions, Tokens, cost_body, given, usage_body
from gateway_core.batch.questions import (
    DEFAULT_MAX_TOKENS,
    DEFAULT_MODEL,
    DEFAULT_TEMPERATURE,
    DEFAULT_VALIDATION_RETRIES,
    Answer,
    Method,
    Question,
)
from gateway_core.domain.answer import Cost, Usage
from gateway_core.domain.catalog import Catalog
from gateway_core.domain.cost import usd
from gateway_core.domain.times import iso
from gateway_core.store.jobs import JOB_LIFE_S, MOST_JOB_S, Job

type Name = Annotated[str, Field(min_length=1, max_length=128)]


class QuestionItem(OwnOptions):
    """One question; the fields of `Question` by their names on the wire, and OpenAI's options."""

    index: int
    question: Annotated[str, Field(min_length=1)]
    method: Method = "concurrent"
    model: Annotated[str, Field(min_length=1, max_length=256)] = DEFAULT_MODEL
    validation_strategy: Name = "pydantic"
    response_model: Name | None = None
    response_schema: dict[str, Any] | None = None
    max_validation_retries: Annotated[int, Field(ge=0, le=10)] = DEFAULT_VALIDATION_RETRIES
    temperature: Annotated[float, Field(ge=0, le=2)] | None = DEFAULT_TEMPERATURE
    max_tokens: Tokens = DEFAULT_MAX_TOKENS
    api_base: Annotated[str, Field(min_length=1, max_length=2048)] | None = None
    cache: bool = True
    options: dict[str, Any] = Field(default_factory=dict)

    def to_question(self, catalog: Catalog) -> Question:
        """The question inside."""
        return Question(
            index=self.index,
            text=self.question,
            method=self.method,
            model=self.model,
            model_group=self.model if self.model in catalog.groups else None,
            validation_strategy=self.validation_strategy,
            response_model=self.response_model,
            response_schema=self.response_schema,
            max_validation_retries=self.max_validation_retries,
            temperature=self.temperature,
            max_tokens=self.max_tokens,
            api_base=self.api_base,
            cache=self.cache,
            options=self.options,
            params=given(
                Options.model_fields.keys() - {"temperature"}, self.model_dump(by_alias=True, exclude_unset=True)
            ),
        )


class BatchBody(Strict):
    """`POST /ask`."""

    questions: Annotated[list[QuestionItem], Field(min_length=1)]
    stream: bool = False
    project_id: Annotated[str, Field(pattern=r"^[a-z0-9-]{1,32}$")] | None = None
    agent_id: Party | None = None
    user_id: Party | None = None
    timeout_s: Annotated[float, Field(gt=0, le=MOST_JOB_S)] | None = None


def result_body(answer: Answer) -> dict[str, Any]:
    """What became of one question: the spec's fields, then ours."""
    return {
        "index": answer.index,
        "status": answer.status,
        "result": answer.result,
        "error_message": answer.error_message,
        "confidence": answer.confidence,
        "retry_count": answer.retry_count,
        "error_code": answer.error_code,
        "usage": usage_body(answer.usage, answer.cost),
        "cost": cost_body(answer.cost),
        "cached": answer.cached,
        "model": answer.model,
        "attempts": [asdict(attempt) for attempt in answer.attempts],
    }


def totals_body(answers: Sequence[Answer]) -> dict[str, Any]:
    """The sums of a batch."""
    succeeded = sum(answer.status == "success" for answer in answers)
    cost = total_cost(answers)
    return {
        "questions": len(answers),
        "succeeded": succeeded,
        "failed": len(answers) - succeeded,
        "cached": sum(answer.cached for answer in answers),
        "retries": sum(answer.retry_count for answer in answers),
        "usage": usage_body(sum((answer.usage for answer in answers), Usage()), cost),
        "cost": {name: text for name, text in cost_body(cost).items() if name != "price_source"},
        "saved_usd": usd(sum(answer.saved_nano for answer in answers)),
    }


def total_cost(answers: Sequence[Answer]) -> Cost:
    """Of all answers; it has no price list of its own."""
    costs = [answer.cost for answer in answers]
    return Cost(
        sum(cost.input_nano for cost in costs),
        sum(cost.output_nano for cost in costs),
        "",
        sum(cost.estimated_nano for cost in costs),
    )


def job_body(job: Job, answers: Sequence[Answer] | None = None, next_cursor: int | None = None) -> dict[str, Any]:
    """How far a job is; with `answers`, a page of what became of its questions, in the order in which they ended."""
    progress, cost = job.progress, cost_body(job.progress.cost)
    body = {
        "id": job.name.id,
        "state": job.state,
        "error_code": job.error_code or None,
        "created_at": iso(job.created_ms),
        "expires_at": iso(job.created_ms + JOB_LIFE_S * 1000),
        "ended_at": iso(job.ended_ms) if job.ended_ms else None,
        "questions": job.questions,
        "answered": progress.answered,
        "succeeded": progress.succeeded,
        "failed": progress.answered - progress.succeeded,
        "cached": progress.cached,
        "usage": usage_body(progress.usage),
        "cost": {name: text for name, text in cost.items() if name != "price_source"},
        "saved_usd": usd(progress.saved_nano),
    }
    page = {"results": [result_body(answer) for answer in answers or ()], "next": next_cursor}
    return body if answers is None else body | page


def batch_body(answers: Sequence[Answer], request_id: str) -> dict[str, Any]:
    """The whole answer, results by index."""
    by_index = sorted(answers, key=lambda answer: answer.index)
    return {
        "results": [result_body(answer) for answer in by_index],
        "totals": totals_body(answers),
        "request_id": request_id,
    }
