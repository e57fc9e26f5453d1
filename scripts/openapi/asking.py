"""Our own routes that ask models: single answers, streams, batches and jobs."""

from __future__ import annotations

from gateway_core.api.ask_schemas import BatchBody
from gateway_core.api.jobs import Page
from gateway_core.api.schemas import CompleteBody
from gateway_core.api.stream import StreamBody
from gateway_core.api.tokens import TokensBody
from scripts.openapi import answers
from scripts.openapi.operation import ASKS, LOOKS, READS_BODY, SAYS_WHOM, UNKNOWN, Example, Operation
from scripts.openapi.queries import Mode

HELLO = {"messages": [{"role": "user", "content": "Say hello"}]}
FAST = {**HELLO, "model_group": "fast"}
QUESTIONS = {
    "questions": [
        {"index": 1, "question": "Name a colour", "model": "fast"},
        {"index": 2, "question": "Say something about {{1}}", "model": "fast", "method": "sequential"},
    ]
}
JOB = {"questions": [{"index": 1, "question": "Name a colour", "model": "fast"}]}

OPERATIONS = (
    Operation(
        "complete",
        "POST",
        "/v1/complete",
        "Own routes",
        "One whole answer, from whichever model can give it",
        {200: (answers.CompleteAnswer,)},
        ASKS,
        body=CompleteBody,
        headers=SAYS_WHOM,
        examples=(
            Example(
                "hello",
                "A group",
                {**FAST, "max_tokens": 50, "agent_id": "docs"},
                saves={"request_id": "id"},
            ),
            Example("explained", "With what routing knew", {**FAST, "max_tokens": 50, "explain": True}),
            Example("no_room", "A bound that the request passes: 402", {**FAST, "token_budget": 5}, status=402),
            Example("no_model", "A model that there is not: 404", {**HELLO, "model": "gpt-4.9"}, status=404),
            Example("no_field", "A field that there is not: 422", {**FAST, "temprature": 1}, status=422),
            Example("no_key", "Without a key: 401", FAST, status=401, with_key=False),
        ),
    ),
    Operation(
        "stream",
        "POST",
        "/v1/stream",
        "Own routes",
        "The same in pieces, as server-sent events",
        {200: ()},
        ASKS,
        body=StreamBody,
        headers=SAYS_WHOM,
        streams="`chunk` with `{delta, index}`, then `done` with a CompleteAnswer, or `error` with an ErrorAnswer.",
        examples=(Example("hello", "A group", {**FAST, "max_tokens": 50}),),
    ),
    Operation(
        "ask",
        "POST",
        "/ask",
        "Batches and jobs",
        "Many questions, some of which wait for the answers of others",
        {200: (answers.BatchAnswer,), 202: (answers.JobAccepted,)},
        ASKS,
        description="`mode=job` answers 202 at once; the job is worked on behind it.",
        body=BatchBody,
        queries=(Mode,),
        headers={**SAYS_WHOM, "Idempotency-Key": "With mode=job: a copy of the request gives the same job"},
        streams="With `stream: true`: `result` for each question, then `done` with the totals, or `error`.",
        examples=(
            Example("batch", "Two questions, one after the other", QUESTIONS),
            Example("job", "As a job", JOB, query={"mode": "job"}, status=202, saves={"job_id": "id"}),
        ),
    ),
    Operation(
        "look_at_job",
        "GET",
        "/ask/{job_id}",
        "Batches and jobs",
        "How far a job is, and its results",
        {200: (answers.JobAnswer,)},
        (*LOOKS, UNKNOWN),
        queries=(Page,),
        examples=(
            Example("job", "A job that has ended", path={"job_id": "{job_id}"}, until="succeeded"),
            Example("no_job", "None", path={"job_id": "job_dev_0"}, status=404),
        ),
    ),
    Operation(
        "cancel_job",
        "DELETE",
        "/ask/{job_id}",
        "Batches and jobs",
        "End a job",
        {202: (answers.JobAccepted,)},
        (*LOOKS, UNKNOWN),
        examples=(Example("job", "One that had ended before", path={"job_id": "{job_id}"}, status=202),),
    ),
    Operation(
        "tokens",
        "POST",
        "/v1/tokens",
        "Own routes",
        "Tokens of a prompt for a model, without calling anybody",
        {200: (answers.TokensAnswer,)},
        READS_BODY,
        body=TokensBody,
        examples=(Example("text", "A text", {"model": "fast", "text": "Say hello"}),),
    ),
)
