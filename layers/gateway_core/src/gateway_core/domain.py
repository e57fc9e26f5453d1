"""The values that pass between the modules: frozen, typed, without behaviour beyond arithmetic on themselves.

Units are in the names: `_s` seconds, `_ms` milliseconds, `_nano` nano-USD (1e-9 USD, an int), `_usd` a Decimal of USD.
Token counts are ints. Times named `now_ms` are milliseconds since the Unix epoch, handed in by the caller.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any, Literal

from gateway_core.ratelimit import RateView

type Json = Mapping[str, Any]
type Outcome = Literal["ok", "failed", "skipped"]
type Routing = Literal["order", "cost", "latency"]
type ModelMode = Literal["chat", "responses", "embedding"]
Requirement = Literal["vision", "tools", "json", "json_schema", "long_context", "reasoning"]
"""What a request may want of a model: `json` is valid JSON, `json_schema` JSON that the provider holds to a schema."""
Capability = Literal[Requirement, "embeddings", "dimensions"]
"""What a model can do."""
type BreakerEffect = Literal["ok", "fail", "limit", "skip"]
"""What an attempt says of its deployment: healthy, failed, rate limited until a known time, or nothing at all."""
type RefusalReason = Literal["budget", "rate", "open"]
"""Why `admit` refused, in the order in which a mixed refusal is reported."""


@dataclass(frozen=True, slots=True)
class Price:
    """List price of one model in nano-USD per token; `source` names the price list and its date."""

    input: Decimal
    output: Decimal
    cached_input: Decimal
    cache_write: Decimal
    source: str
    tiers: tuple[PriceTier, ...] = ()


@dataclass(frozen=True, slots=True)
class PriceTier:
    """Rates that replace a price's own when the whole input is longer than `above_tokens`."""

    above_tokens: int
    input: Decimal
    output: Decimal
    cached_input: Decimal
    cache_write: Decimal


@dataclass(frozen=True, slots=True)
class Deployment:
    """One place that serves a model: what the circuit breaker watches."""

    provider: str
    upstream_model: str
    api_base: str
    mode: ModelMode = "chat"

    @property
    def id(self) -> str:
        """Identity in the store; two base URLs of one provider are two deployments."""
        return f"{self.upstream_model}@{self.api_base}"


@dataclass(frozen=True, slots=True)
class Model:
    """A catalog entry. `key` is what clients name; `deployment` is what is called.

    `context_window` is what fits into it in tokens: the prompt, and with `output_shares_window` the answer too.
    """

    key: str
    deployment: Deployment
    context_window: int
    max_output_tokens: int
    capabilities: frozenset[str]
    tier: int
    price: Price
    fallbacks: tuple[str, ...] = ()
    successor_of: str | None = None
    retires_on: date | None = None
    max_image_tokens: int = 0
    fixed_params: Json = field(default_factory=dict)
    output_shares_window: bool = True

    @property
    def provider(self) -> str:
        return self.deployment.provider


@dataclass(frozen=True, slots=True)
class Attribution:
    """Whom a request is counted for. `agent_id` and `user_id` are empty when unknown."""

    project_id: str
    agent_id: str = ""
    user_id: str = ""


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """A validated request. `params` holds OpenAI-named options (`temperature`, `tools`, `stop`, ...) as given."""

    messages: tuple[Json, ...]
    attribution: Attribution
    model_group: str | None = None
    model: str | None = None
    max_output_tokens: int | None = None
    params: Json = field(default_factory=dict)
    fallback: bool | None = None
    routing: Routing = "order"
    require: frozenset[str] = frozenset()
    timeout_s: float = 120.0
    cache: bool = False
    token_budget: int | None = None
    explain: bool = False


@dataclass(frozen=True, slots=True)
class ToolCallDelta:
    """A piece of a tool call: `id` and `name` come with its first piece, `arguments` grow piece by piece."""

    index: int
    id: str = ""
    name: str = ""
    arguments: str = ""


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of a streamed answer, normalised. The last piece has the finish reason; the latest usage holds.

    The first piece has `rates`, what the provider says of its limits, if it does.
    """

    text: str = ""
    tool_calls: tuple[ToolCallDelta, ...] = ()
    reasoning: str = ""
    finish_reason: str | None = None
    usage: Usage | None = None
    dropped_params: tuple[str, ...] = ()
    rates: RateView | None = field(default=None, compare=False)

    @property
    def is_content(self) -> bool:
        """Whether the caller sees any of it: after such a chunk nobody else can answer the request."""
        return bool(self.text or self.tool_calls or self.reasoning)


type EmbeddingInput = str | tuple[int, ...]
"""A text, or its tokens."""


@dataclass(frozen=True, slots=True)
class EmbedRequest:
    """Texts to embed. `dimensions` shortens the vectors where the model can."""

    inputs: tuple[EmbeddingInput, ...]
    attribution: Attribution
    model_group: str | None = None
    model: str | None = None
    dimensions: int | None = None
    fallback: bool | None = None
    timeout_s: float = 120.0


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one answer. `input_tokens` is the whole input, cached parts included; output includes reasoning."""

    input_tokens: int = 0
    output_tokens: int = 0
    cached_input_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0

    @property
    def total_tokens(self) -> int:
        return self.input_tokens + self.output_tokens

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
            self.cached_input_tokens + other.cached_input_tokens,
            self.cache_write_tokens + other.cache_write_tokens,
            self.reasoning_tokens + other.reasoning_tokens,
        )


@dataclass(frozen=True, slots=True)
class Cost:
    """What one request costs. The total is rounded once; the parts add up to it."""

    input_nano: int
    output_nano: int
    price_source: str

    @property
    def total_nano(self) -> int:
        return self.input_nano + self.output_nano


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A function call that the model asks for; `arguments` is JSON text, as the provider sent it."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class ProviderCall:
    """One attempt, ready to send. `timeout_s` is its own deadline, `first_s` an earlier one for the first content."""

    deployment: Deployment
    messages: tuple[Json, ...]
    params: Json
    max_output_tokens: int
    timeout_s: float
    request_id: str
    first_s: float | None = None

    @property
    def first_within_s(self) -> float:
        """How long the first content may take."""
        return self.timeout_s if self.first_s is None else min(self.first_s, self.timeout_s)


@dataclass(frozen=True, slots=True)
class ProviderAnswer:
    """A whole answer of a provider, normalised. `finish_reason` is OpenAI's vocabulary."""

    content: str
    tool_calls: tuple[ToolCall, ...]
    finish_reason: str
    usage: Usage
    dropped_params: tuple[str, ...] = ()
    reasoning: str = ""
    rates: RateView | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class EmbedCall:
    """One attempt at embedding, ready to send."""

    deployment: Deployment
    inputs: tuple[EmbeddingInput, ...]
    dimensions: int | None
    timeout_s: float
    request_id: str


@dataclass(frozen=True, slots=True)
class Embeddings:
    """A vector for each input, in their order."""

    vectors: tuple[tuple[float, ...], ...]
    usage: Usage
    rates: RateView | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class TokenCount:
    """How many tokens a prompt has; `method` names the tokeniser, or what stood in for it."""

    input_tokens: int
    method: str


@dataclass(frozen=True, slots=True)
class Drop:
    """A candidate that routing removed, with a machine reason and a sentence for people."""

    model: str
    provider: str
    reason: str
    detail: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What to try, in order; what was left out and why; and what is `spare`, because the request wants no fallback."""

    candidates: tuple[Model, ...]
    dropped: tuple[Drop, ...] = ()
    spare: tuple[Model, ...] = ()


@dataclass(frozen=True, slots=True)
class Explained:
    """One candidate as routing saw it. `position` counts from 1; `latency_ms` is None where nothing is measured yet.

    `estimated_cost_nano` is for an answer as long as allowed; `retry_after_ms` is how long the breaker lets nobody by.
    """

    model: str
    provider: str
    position: int
    tier: int
    estimated_cost_nano: int
    latency_ms: int | None
    breaker: str
    retry_after_ms: int


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why the candidates stand in their order, and why others are not among them. `input_tokens` may be a guess."""

    routing: Routing
    input_tokens: int
    candidates: tuple[Explained, ...]
    dropped: tuple[Drop, ...]


@dataclass(frozen=True, slots=True)
class Attempt:
    """One line of the answer's `attempts`: a call that was made, or a candidate that was passed over."""

    model: str
    provider: str
    outcome: Outcome
    error_code: str | None = None
    latency_ms: int = 0


@dataclass(frozen=True, slots=True)
class Completion[A]:
    """An answer with its story; `usage` and `cost` include what failed attempts were billed."""

    id: str
    answer: A
    model: Model
    model_group: str | None
    usage: Usage
    cost: Cost
    latency_ms: int
    attempts: tuple[Attempt, ...]
    cached: bool = False
    degraded: bool = False
    explanation: Explanation | None = None


@dataclass(frozen=True, slots=True)
class Opened:
    """The first thing that a stream tells: which model answers, after how many attempts, this one included.

    `degraded`: it goes on without the store.
    """

    model: Model
    attempts: int
    degraded: bool = False


@dataclass(frozen=True, slots=True)
class Limits:
    """Budgets of one scope and rate limits of one key; None means no limit."""

    day_nano: int | None = None
    month_nano: int | None = None
    day_tokens: int | None = None
    month_tokens: int | None = None
    rpm: int | None = None
    tpm: int | None = None


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls and what they may do. Empty `groups` or `tools` mean all of them; empty hosts mean none."""

    project_id: str
    key_id: str
    digest: str
    rights_tag: str
    user_id: str = ""
    admin: bool = False
    groups: frozenset[str] = frozenset()
    tools: frozenset[str] = frozenset()
    api_base_hosts: frozenset[str] = frozenset()
