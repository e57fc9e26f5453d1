"""The forms of what is told of usage, budgets, models and health."""

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict

from scripts.openapi.answers import Attempt, Ms, Usd


class Latency(TypedDict):
    """Milliseconds; p50 and p95 are upper ends of buckets. Null where nothing is known."""

    average: int | None
    p50: int | None
    p95: int | None


class UsageTotals(TypedDict):
    requests: int
    errors: int
    cache_hits: int
    downgraded: NotRequired[int]
    input_tokens: int
    output_tokens: int
    cost_usd: Usd
    estimated_usd: Usd
    cost_per_success_usd: Usd | None
    latency_ms: Latency


class UsageRow(UsageTotals):
    """One row, with a single name: that of `group_by`."""

    day: NotRequired[str]
    hour: NotRequired[str]
    model: NotRequired[str]
    provider: NotRequired[str]
    agent_id: NotRequired[str]
    user_id: NotRequired[str]
    key_id: NotRequired[str]
    session_id: NotRequired[str]
    project_id: NotRequired[str]


class UsageAnswer(TypedDict):
    start_date: str
    end_date: str
    group_by: str
    totals: UsageTotals
    rows: list[UsageRow]
    rest: NotRequired[UsageTotals]
    unreadable: NotRequired[int]


class UsageRecord(TypedDict):
    """One request in the books, with what failed attempts were billed.

    `at_ms` is `at` in milliseconds since 1970; `price_hash` begins the SHA-256 of the list prices in force;
    `input_includes_cached` is whether the provider's own input count includes cached tokens.
    """

    request_id: str
    at: str
    at_ms: int
    project_id: str
    key_id: str
    agent_id: str
    user_id: str
    session_id: str
    kind: str
    model: str
    provider: str
    model_group: str
    downgraded: str
    error_code: str
    attempts: int
    input_tokens: int
    output_tokens: int
    cached_input_tokens: int
    cache_write_tokens: int
    cache_write_1h_tokens: int
    audio_input_tokens: int
    audio_output_tokens: int
    reasoning_tokens: int
    service_tier: str
    input_usd: Usd
    output_usd: Usd
    cost_usd: Usd
    estimated_usd: Usd
    latency_ms: Ms
    cache_hit: bool
    price_source: str
    price_hash: str
    input_includes_cached: bool
    tried: list[Attempt]


class RecordsAnswer(TypedDict):
    date: str
    records: list[UsageRecord]
    next_cursor: str | None
    looked_at: int
    looked_up_to: str | None
    unreadable: int


class NewRecordsAnswer(TypedDict):
    """Records behind `after`, and the one to go on from."""

    records: list[UsageRecord]
    after: str
    more: bool
    unreadable: int


class RecordAnswer(TypedDict):
    """The request's record, or those of the questions of its batch; with `next_cursor` there is more to look at."""

    request_id: str
    records: list[UsageRecord]
    next_cursor: str | None
    looked_at: int
    looked_up_to: str | None


class Budget(TypedDict):
    """`scope` is `p`, `k:KEY_ID` or `u:USER`; `period` a day (20261128) or a month (202611). Null: no limit."""

    scope: str
    period: str
    spent_usd: Usd
    held_usd: Usd
    estimated_usd: Usd
    limit_usd: Usd | None
    left_usd: Usd | None
    spent_tokens: int
    held_tokens: int
    estimated_tokens: int
    limit_tokens: int | None
    left_tokens: int | None


class BudgetsAnswer(TypedDict):
    """With `scopes=all` `left_out` is how many accounts there are beyond the answer's bound."""

    project_id: str
    budgets: list[Budget]
    left_out: NotRequired[int]


class Pricing(TypedDict):
    """Decimal strings of USD per million tokens."""

    unit: str
    input: Usd
    output: Usd
    cached_input: Usd
    cache_write: Usd
    cache_write_1h: Usd
    source: str


class Lifecycle(TypedDict):
    status: Literal["served", "retiring", "retired"]
    retires_on: str | None
    successor_of: str | None
    warning: str | None


class ModelHealth(TypedDict):
    """Of a group `status` alone."""

    status: Literal["healthy", "recovering", "unhealthy", "unknown"]
    breaker: NotRequired[Literal["closed", "open", "half_open", "unknown"]]
    consecutive_failures: NotRequired[int]
    retry_after_ms: NotRequired[Ms]
    latency_ms: NotRequired[Ms | None]
    first_content_ms: NotRequired[Ms | None]


class ModelAnswer(TypedDict):
    """A model, or a group: then `models` has its models in the order in which they are tried."""

    id: str
    object: Literal["model"]
    created: int
    owned_by: str
    provider: str
    upstream_model: str | None
    groups: list[str]
    models: NotRequired[list[str]]
    mode: Literal["chat", "embedding"]
    capabilities: list[str]
    context_window: int
    max_output_tokens: int
    tier: int
    pricing: Pricing
    lifecycle: Lifecycle
    health: ModelHealth


class ModelList(TypedDict):
    object: Literal["list"]
    data: list[ModelAnswer]


class AnthropicModelAnswer(TypedDict):
    type: Literal["model"]
    id: str
    display_name: str
    created_at: str
    max_input_tokens: int
    max_tokens: int


class AnthropicModelList(TypedDict):
    data: list[AnthropicModelAnswer]
    has_more: bool
    first_id: str | None
    last_id: str | None


class RootAnswer(TypedDict):
    name: str
    version: str
    docs: str


class HealthAnswer(TypedDict):
    status: Literal["ok"]
    version: str


class LastProbe(TypedDict):
    status: str
    latency_ms: Ms | None
    checked_at: str | None


class Room(TypedDict):
    """What the provider last said of a limit."""

    limit: int | None
    remaining: int | None
    reset_at: str | None


class RateLimit(TypedDict):
    requests: Room | None
    tokens: Room | None


class ModelState(TypedDict):
    model: str
    breaker: Literal["closed", "open", "half_open", "unknown"]
    consecutive_failures: int
    retry_after_ms: Ms
    latency_ms: Ms | None
    first_content_ms: Ms | None
    listed: bool | None
    lifecycle: Literal["served", "retiring", "retired"]
    retires_on: str | None
    rate_limit: RateLimit | None


class ProviderState(TypedDict):
    provider: str
    status: Literal["healthy", "degraded", "unhealthy", "unknown"]
    latency_ms: Ms | None
    probe: LastProbe
    models: list[ModelState]


class Warned(TypedDict):
    code: str
    message: str
    provider: str | None
    model: str | None


class ProvidersAnswer(TypedDict):
    store: Literal["ok", "unavailable"]
    databases: NotRequired[dict[str, Literal["ok", "unavailable"]]]
    providers: list[ProviderState]
    warnings: list[Warned]


class DashboardSettings(TypedDict):
    """`live` is where the page finds what is new: the feed of events, or the records."""

    version: str
    live: Literal["events", "records"]
