"""The values that pass between the modules: frozen, typed, without behaviour beyond arithmetic on themselves.

Units are in the names: `_s` seconds, `_ms` milliseconds, `_nano` nano-USD (1e-9 USD, an int), `_usd` a Decimal of USD.
Token counts are ints. Times named `now_ms` are milliseconds since the Unix epoch, handed in by the caller.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, Literal

from gateway_core.domain.caller import Attribution
from gateway_core.domain.model_rules import NO_RULES, ModelRules
from gateway_core.domain.prices import Price
from gateway_core.domain.rates import RateView

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
type Engine = Literal["native", "litellm"]
"""Who translates for a deployment: wires of our own, or LiteLLM."""
type Reach = Literal["any", "public", "private"]
"""Where a deployment may be: `any` for those that the operator named; a caller's base URL may lead to public addresses
only, or, where the operator allows its host, to private ones as well."""
type RefusalReason = Literal["budget", "rate", "breaker_open"]
"""Why `admit` refused, in the order in which a mixed refusal is reported."""


@dataclass(frozen=True, slots=True)
class Deployment:
    """One place that serves a model: what the circuit breaker watches.

    One with a `reach` is at a base URL that the caller named: no key is sent there.
    """

    provider: str
    upstream_model: str
    api_base: str
    mode: ModelMode = "chat"
    reach: Reach = "any"
    engine: Engine = "litellm"

    @property
    def is_callers(self) -> bool:
        """Whether the caller named its base URL."""
        return self.reach != "any"

    @property
    def id(self) -> str:
        """Identity in the store; two base URLs of one provider are two deployments."""
        return f"{self.upstream_model}@{self.api_base}"


@dataclass(frozen=True, slots=True)
class Model:
    """A catalog entry, or one made for an identifier that the catalog does not have; then `listed` is False.

    `key` is what clients name; `deployment` is what is called. `context_window` is what fits into it in tokens: the
    prompt, and with `output_shares_window` the answer too. `price_hash` begins the SHA-256 of the list that its price
    is from, empty for the catalog's own.
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
    listed: bool = True
    price_hash: str = ""
    rules: ModelRules = NO_RULES

    @property
    def provider(self) -> str:
        return self.deployment.provider

    @property
    def is_watched(self) -> bool:
        """Whether the fleet keeps what it learns of the deployment: breaker, latency, the provider's limits."""
        return self.listed and not self.deployment.is_callers


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """A validated request. `params` holds OpenAI-named options (`temperature`, `tools`, `stop`, ...) as given.

    `defaults` are options that nobody asked for: they are sent where the model takes them, and left out without a word
    elsewhere. `body` is the request as it came on OpenAI's chat wire, to be forwarded to who speaks that; None if it
    came on another. `api_base` is where to call `model` instead of its configured base URL; nobody else is called then.
    """

    messages: tuple[Json, ...]
    attribution: Attribution
    model_group: str | None = None
    model: str | None = None
    max_output_tokens: int | None = None
    params: Json = field(default_factory=dict)
    defaults: Json = field(default_factory=dict)
    body: Json | None = None
    fallback: bool | None = None
    routing: Routing = "order"
    require: frozenset[str] = frozenset()
    timeout_s: float = 120.0
    cache: bool = False
    token_budget: int | None = None
    explain: bool = False
    api_base: str | None = None


@dataclass(frozen=True, slots=True)
class ToolCallDelta:
    """A piece of a tool call: `id` and `name` come with its first piece, `arguments` grow piece by piece.

    `custom` as in `ToolCall`, with each piece.
    """

    index: int
    id: str = ""
    name: str = ""
    arguments: str = ""
    custom: bool = False


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of a streamed answer, normalised. The last piece has the finish reason; the latest usage holds.

    `is_bill` is false where that usage was reported before all was said, so that the bill may be higher.
    The first piece has `rates`, what the provider says of its limits, if it does. `refusal` is what a model says when
    it declines. `forwarded` are the provider's own events on OpenAI's chat wire, for a caller on that wire: they hold
    what the other fields cannot (`other`, such as sound). `beside` is what they say in none of the other fields, as in
    further answers, and `sound_tokens` what their sound counts, by its length.
    """

    text: str = ""
    tool_calls: tuple[ToolCallDelta, ...] = ()
    reasoning: str = ""
    finish_reason: str | None = None
    usage: Usage | None = None
    is_bill: bool = True
    dropped_params: tuple[str, ...] = ()
    rates: RateView | None = field(default=None, compare=False)
    refusal: str = ""
    other: bool = False
    beside: str = ""
    sound_tokens: int = 0
    forwarded: tuple[Json, ...] = ()

    @property
    def is_content(self) -> bool:
        """Whether the caller sees any of it: after such a chunk nobody else can answer the request."""
        said = self.text or self.tool_calls or self.reasoning or self.refusal
        return bool(said or self.other or self.beside)


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one answer. `input_tokens` is the whole input, cached parts included; output includes reasoning.

    Audio tokens are parts of the two, those written for an hour part of all that were written to the cache.
    `service_tier` is where the provider says that it served the answer, empty if by default or if it says nothing.
    """

    input_tokens: int = 0
    output_tokens: int = 0
    cached_input_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0
    cache_write_1h_tokens: int = 0
    audio_input_tokens: int = 0
    audio_output_tokens: int = 0
    service_tier: str = ""

    @property
    def total_tokens(self) -> int:
        return self.input_tokens + self.output_tokens

    @property
    def is_bill(self) -> bool:
        """Whether it can be what an answer cost that says something: some report zeros for what they do not know."""
        return self.input_tokens > 0 and self.output_tokens > 0

    def with_sound(self, tokens: int) -> Usage:
        """The same with so many tokens of sound in the output."""
        output, sound = self.output_tokens + tokens, self.audio_output_tokens + tokens
        return replace(self, output_tokens=output, audio_output_tokens=sound)

    def at_least(self, counted: Usage) -> Usage:
        """The larger of both, for input and output apart; what is cached or reasoning only the provider knows."""
        return replace(
            self,
            input_tokens=max(self.input_tokens, counted.input_tokens),
            output_tokens=max(self.output_tokens, counted.output_tokens),
            audio_output_tokens=max(self.audio_output_tokens, counted.audio_output_tokens),
            service_tier=self.service_tier or counted.service_tier,
        )

    def __add__(self, other: Usage) -> Usage:
        """Of both; the tier is the last that was named, as a sum is not priced."""
        return Usage(
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
            self.cached_input_tokens + other.cached_input_tokens,
            self.cache_write_tokens + other.cache_write_tokens,
            self.reasoning_tokens + other.reasoning_tokens,
            self.cache_write_1h_tokens + other.cache_write_1h_tokens,
            self.audio_input_tokens + other.audio_input_tokens,
            self.audio_output_tokens + other.audio_output_tokens,
            other.service_tier or self.service_tier,
        )


@dataclass(frozen=True, slots=True)
class Cost:
    """What one request costs. The total is rounded once; the parts add up to it.

    `estimated_nano` is how much of it is an estimate, as nobody told what the provider bills.
    """

    input_nano: int
    output_nano: int
    price_source: str
    estimated_nano: int = 0

    @property
    def total_nano(self) -> int:
        return self.input_nano + self.output_nano


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call that the model asks for; `arguments` is JSON text, as the provider sent it.

    custom: Whether it calls a custom tool of OpenAI's: its `arguments` are a text of any form.
    """

    id: str
    name: str
    arguments: str
    custom: bool = False


@dataclass(frozen=True, slots=True)
class ProviderCall:
    """One attempt, ready to send. `timeout_s` is its own deadline, `first_s` an earlier one for the first content.

    `params`, `defaults` and `body` are the request's, see `ChatRequest`; `rules` are the model's. With
    `caches_prompt` a wire marks by itself what of the prompt is worth caching, where the caller has not.
    """

    deployment: Deployment
    messages: tuple[Json, ...]
    params: Json
    max_output_tokens: int
    timeout_s: float
    request_id: str
    first_s: float | None = None
    rules: ModelRules = NO_RULES
    defaults: Json = field(default_factory=dict)
    body: Json | None = None
    caches_prompt: bool = False

    @property
    def first_within_s(self) -> float:
        """How long the first content may take."""
        return self.timeout_s if self.first_s is None else min(self.first_s, self.timeout_s)


@dataclass(frozen=True, slots=True)
class ProviderAnswer:
    """A whole answer of a provider, normalised. `finish_reason` is OpenAI's vocabulary.

    `confidence`, from 0 to 1, is the provider's own where it gives one, else the mean probability of the answer's
    tokens where it gives those. `refusal` is what a model says when it declines. `forwarded` is the provider's own body
    on OpenAI's chat wire, for a caller on that wire; `beside` is what that says in none of the other fields, such as
    further answers, and `sound_tokens` what its sound counts, by its length.
    """

    content: str
    tool_calls: tuple[ToolCall, ...]
    finish_reason: str
    usage: Usage
    dropped_params: tuple[str, ...] = ()
    reasoning: str = ""
    rates: RateView | None = field(default=None, compare=False)
    confidence: float | None = None
    refusal: str = ""
    forwarded: Json | None = None
    beside: str = ""
    sound_tokens: int = 0

    @property
    def says_something(self) -> bool:
        """Whether there is anything in it for the caller."""
        said = self.content or self.tool_calls or self.refusal or self.reasoning or self.beside
        return bool(said or self.sound_tokens)

    @property
    def everything(self) -> str:
        """All that the model wrote, as one text."""
        calls = (call.name + call.arguments for call in self.tool_calls)
        return "".join([self.content, self.reasoning, self.refusal, *calls, self.beside])

    @property
    def text(self) -> str:
        """What it says, for who does not tell refusals apart."""
        return self.content or self.refusal


@dataclass(frozen=True, slots=True)
class TokenCount:
    """How many tokens a prompt has; `method` names the tokeniser, or what stood in for it."""

    input_tokens: int
    method: str
