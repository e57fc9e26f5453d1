"""The values that pass between the modules on the way to a model: frozen, typed, without behaviour of their own.

What comes back is in `answer`.

Units are in the names: `_s` seconds, `_ms` milliseconds, `_nano` nano-USD (1e-9 USD, an int), `_usd` a Decimal of USD.
Token counts are ints. Times named `now_ms` are milliseconds since the Unix epoch, handed in by the caller.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal

from gateway_core.domain.caller import Attribution
from gateway_core.domain.model_rules import NO_RULES, ModelRules
from gateway_core.domain.prices import Price

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
class Spoken:
    """A request as it came on its caller's wire: it goes on as it is to a provider that speaks the same.

    `wire` is the wire's name (`wires.wire.Wire.name`), `body` the parsed body, `headers` what of the caller's headers
    such a provider is told. `bound` is what no other wire can say: the path of a field, and a sentence without its
    beginning, which is a model's name. Who speaks another wire is ruled out for it. `unsaid` are the fields that
    others are not told and whose absence changes no answer: they are dropped, and named. `beside` is what of the body
    is not in the request's chat form: who is sent the body counts it. `demands` are what a model on the same wire has
    to meet though the chat form does without, each with its path. `left` are fields that nobody is told: they are
    in neither form any more, and named.
    """

    wire: str
    body: Json
    headers: tuple[tuple[str, str], ...] = ()
    bound: tuple[tuple[str, str], ...] = ()
    unsaid: tuple[str, ...] = ()
    beside: tuple[Any, ...] = ()
    demands: tuple[tuple[str, str], ...] = ()
    left: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """A validated request. `params` holds OpenAI-named options (`temperature`, `tools`, `stop`, ...) as given.

    `defaults` are options that nobody asked for: they are sent where the model takes them, and left out without a word
    elsewhere. `spoken` is the request as it came on a wire that a provider may speak as well; None on the gateway's own
    routes, and where the answer is to be made here in any case. `api_base` is where to call `model` instead of its
    configured base URL; nobody else is called then. With `caps_output` a limit above a model's own is brought down to
    that, and named, instead of ruling the model out: clients of agents ask for what their favourite model gives.
    `default_output_tokens` is the limit where `max_output_tokens` names none, in place of the catalog's.
    """

    messages: tuple[Json, ...]
    attribution: Attribution
    model_group: str | None = None
    model: str | None = None
    max_output_tokens: int | None = None
    params: Json = field(default_factory=dict)
    defaults: Json = field(default_factory=dict)
    spoken: Spoken | None = None
    fallback: bool | None = None
    routing: Routing = "order"
    require: frozenset[str] = frozenset()
    timeout_s: float = 120.0
    cache: bool = False
    token_budget: int | None = None
    explain: bool = False
    api_base: str | None = None
    caps_output: bool = False
    default_output_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class ProviderCall:
    """One attempt, ready to send. `timeout_s` is its own deadline, `first_s` an earlier one for the first content.

    `params`, `defaults` and `spoken` are the request's, see `ChatRequest`; `rules` are the model's. With
    `caches_prompt` a wire marks by itself what of the prompt is worth caching, where the caller has not.
    `prepared` is what the provider's adapter has made of it already, see `ModelProvider.prepare`.
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
    spoken: Spoken | None = None
    caches_prompt: bool = False
    prepared: object = field(default=None, compare=False, repr=False)

    def body_on(self, wire: str) -> Json | None:
        """The caller's own body, if it came on this wire."""
        return self.spoken.body if self.spoken and self.spoken.wire == wire else None

    @property
    def first_within_s(self) -> float:
        """How long the first content may take."""
        return self.timeout_s if self.first_s is None else min(self.first_s, self.timeout_s)
