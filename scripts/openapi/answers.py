"""The forms of answers on our own routes, here and in `looks`. What is not named is in no answer."""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict

type Usd = str
type Ms = int
type JobState = Literal["queued", "running", "succeeded", "failed", "cancelled"]


class Attempt(TypedDict):
    """One candidate. `error_code` is a code of `Error`, or why it was skipped; null where it answered."""

    model: str
    provider: str
    outcome: Literal["ok", "failed", "skipped"]
    error_code: str | None
    latency_ms: Ms


class Error(TypedDict):
    code: str
    message: str
    type: str
    param: str | None
    retryable: bool
    request_id: str
    attempts: list[Attempt]


class ErrorAnswer(TypedDict):
    """On our own routes and on OpenAI's wires."""

    error: Error


class MessagesError(TypedDict):
    type: str
    message: str
    code: str
    param: str | None
    retryable: bool
    attempts: list[Attempt]


class MessagesErrorAnswer(TypedDict):
    """On Anthropic's wire; `type` of the error in its words, `code` in ours."""

    type: Literal["error"]
    error: MessagesError
    request_id: str


class OAuthErrorAnswer(TypedDict):
    """As clients of OAuth read it."""

    error: str
    error_description: str


class Usage(TypedDict):
    """Tokens. `input_tokens` is the whole input; `estimated` where a part of the cost is an estimate."""

    input_tokens: int
    output_tokens: int
    cached_input_tokens: int
    cache_write_tokens: int
    reasoning_tokens: int
    total_tokens: int
    estimated: NotRequired[bool]


class CostSum(TypedDict):
    """Decimal strings of USD."""

    input_usd: Usd
    output_usd: Usd
    total_usd: Usd
    estimated_usd: NotRequired[Usd]


class Cost(CostSum):
    price_source: str


class FunctionCalled(TypedDict):
    name: str
    arguments: str


class ToolCall(TypedDict):
    id: str
    type: Literal["function"]
    function: FunctionCalled


class Candidate(TypedDict):
    model: str
    provider: str
    position: int
    tier: int
    estimated_cost_usd: Usd
    latency_ms: Ms | None
    breaker: Literal["closed", "open", "half_open", "unknown"]
    retry_after_ms: Ms


class Drop(TypedDict):
    model: str
    provider: str
    reason: str
    detail: str
    param: NotRequired[str]


class Explanation(TypedDict):
    """What routing knew before the first call."""

    routing: Literal["order", "cost", "latency"]
    input_tokens: int
    candidates: list[Candidate]
    dropped: list[Drop]


class CompleteAnswer(TypedDict):
    """A whole answer; the event `done` of a stream has the same."""

    id: str
    content: str
    tool_calls: list[ToolCall]
    model: str
    provider: str
    model_group: str | None
    finish_reason: str
    usage: Usage
    cost: Cost
    latency_ms: Ms
    cached: bool
    saved_usd: NotRequired[Usd]
    dropped_params: list[str]
    downgraded: NotRequired[str]
    attempts: list[Attempt]
    explanation: NotRequired[Explanation]


class TokensAnswer(TypedDict):
    model: str
    input_tokens: int
    method: str


class Result(TypedDict):
    """What became of one question."""

    index: int
    status: Literal["success", "error"]
    result: Any
    error_message: str | None
    confidence: float | None
    retry_count: int
    error_code: str | None
    usage: Usage
    cost: Cost
    cached: bool
    model: str | None
    attempts: list[Attempt]


class Totals(TypedDict):
    questions: int
    succeeded: int
    failed: int
    cached: int
    retries: int
    usage: Usage
    cost: CostSum
    saved_usd: Usd


class BatchAnswer(TypedDict):
    results: list[Result]
    totals: Totals
    request_id: str


class JobAccepted(TypedDict):
    id: str
    state: JobState


class JobAnswer(TypedDict):
    """How far a job is, and a page of results; `next` is the cursor of the next page, null behind the last."""

    id: str
    state: JobState
    error_code: str | None
    created_at: str
    expires_at: str
    ended_at: str | None
    questions: int
    answered: int
    succeeded: int
    failed: int
    cached: int
    usage: Usage
    cost: CostSum
    saved_usd: Usd
    results: list[Result]
    next: int | None
