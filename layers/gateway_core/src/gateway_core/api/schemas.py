"""The bodies of our own routes, in and out (design: the wire contract)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator

from gateway_core.api.body import Id, Party, Strict
from gateway_core.api.messages import Message
from gateway_core.api.tools import CustomTool, Prediction, ResponseFormat, Thinking, Tool, ToolChoice
from gateway_core.domain.answer import Cost, ProviderAnswer, Usage
from gateway_core.domain.caller import Attribution
from gateway_core.domain.chat import ChatRequest, Json, Requirement
from gateway_core.domain.cost import usd
from gateway_core.domain.result import Completion, Drop, Explanation

MOST_TOKENS = 10_000_000
DEFAULT_TEMPERATURE = 0.7
DEFAULT_MAX_TOKENS = 4096
DROPPED_HEADER = "x-gateway-dropped"
DOWNGRADED_HEADER = "x-gateway-downgraded"
CACHED_HEADER = {"x-gateway-cached": "true"}

type Share = Annotated[float, Field(ge=0, le=1)]
type Penalty = Annotated[float, Field(ge=-2, le=2)]
type Tokens = Annotated[int, Field(ge=1, le=MOST_TOKENS)]


class Options(Strict):
    """OpenAI's options that every chat route takes and passes on under the same name, and what others add to them."""

    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    top_p: Share | None = None
    stop: Annotated[str, Field(min_length=1)] | Annotated[list[str], Field(min_length=1, max_length=4)] | None = None
    seed: int | None = None
    presence_penalty: Penalty | None = None
    frequency_penalty: Penalty | None = None
    tools: Annotated[list[Tool], Field(min_length=1, max_length=128)] | None = None
    tool_choice: ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    response_format: ResponseFormat | None = None
    reasoning_effort: Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"] | None = None
    verbosity: Literal["low", "medium", "high"] | None = None
    logit_bias: Annotated[dict[str, Annotated[float, Field(ge=-100, le=100)]], Field(max_length=1024)] | None = None
    prediction: Prediction | None = None
    service_tier: Literal["auto", "default", "flex", "scale", "priority"] | None = None
    prompt_cache_key: Id | None = None
    prompt_cache_retention: Literal["in-memory", "in_memory", "24h"] | None = None
    safety_identifier: Id | None = None
    thinking: Thinking | None = None
    top_k: Annotated[int, Field(ge=1)] | None = None


class OwnOptions(Options):
    """Those of our own routes, whose answers have calls of functions alone."""

    @field_validator("tools")
    @classmethod
    def _are_functions(cls, tools: list[Tool] | None) -> list[Tool] | None:
        if any(isinstance(tool, CustomTool) for tool in tools or ()):
            raise ValueError("describe custom tools as functions here, or ask /v1/chat/completions")
        return tools


def given(options: Iterable[str], body: Json) -> dict[str, Any]:
    """Those options of a body that say something, as they came."""
    names = frozenset(options)
    return {name: value for name, value in body.items() if name in names and value is not None}


class CompleteBody(OwnOptions):
    """`POST /v1/complete`."""

    messages: Annotated[list[Message], Field(min_length=1)]
    model_group: Annotated[str, Field(min_length=1, max_length=64)] = "reasoning"
    model: Annotated[str, Field(min_length=1, max_length=128)] | None = None
    max_tokens: Tokens | None = None
    project_id: Annotated[str, Field(pattern=r"^[a-z0-9-]{1,32}$")] | None = None
    agent_id: Party | None = None
    user_id: Party | None = None
    fallback: bool | None = None
    routing: Literal["order", "cost", "latency"] = "order"
    require: list[Requirement] = Field(default_factory=list)
    timeout_s: Annotated[float, Field(gt=0, le=290)] | None = None
    cache: bool = False
    token_budget: Tokens | None = None
    explain: bool = False
    api_base: Annotated[str, Field(min_length=1, max_length=2048)] | None = None

    def to_request(self, attribution: Attribution, default_timeout_s: float, body: Json) -> ChatRequest:
        """The request in `body`, of which this is the checked form."""
        named = self.model is None or "model_group" in self.model_fields_set
        return ChatRequest(
            messages=tuple(body["messages"]),
            attribution=attribution,
            model_group=self.model_group if named else None,
            model=self.model,
            max_output_tokens=self.max_tokens or DEFAULT_MAX_TOKENS,
            params=given(Options.model_fields, body),
            defaults={"temperature": DEFAULT_TEMPERATURE},
            fallback=self.fallback,
            routing=self.routing,
            require=frozenset(self.require),
            timeout_s=self.timeout_s or default_timeout_s,
            cache=self.cache,
            token_budget=self.token_budget,
            explain=self.explain,
            api_base=self.api_base,
        )


def completion_body(done: Completion[ProviderAnswer]) -> dict[str, Any]:
    """The answer of `POST /v1/complete`."""
    return {
        "id": done.id,
        "content": done.answer.text,
        "tool_calls": [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in done.answer.tool_calls
        ],
        "model": done.model.key,
        "provider": done.model.provider,
        "model_group": done.model_group,
        "finish_reason": done.answer.finish_reason,
        "usage": usage_body(done.usage, done.cost),
        "cost": cost_body(done.cost),
        "latency_ms": done.latency_ms,
        "cached": done.cached,
        **({"saved_usd": usd(done.saved_nano)} if done.cached else {}),
        "dropped_params": list(done.answer.dropped_params),
        **({"downgraded": done.downgraded} if done.downgraded else {}),
        "attempts": [asdict(attempt) for attempt in done.attempts],
        **({"explanation": explanation_body(done.explanation)} if done.explanation else {}),
    }


def explanation_body(explanation: Explanation) -> dict[str, Any]:
    """What `explain` adds to the answer."""
    return {
        "routing": explanation.routing,
        "input_tokens": explanation.input_tokens,
        "candidates": [
            {
                "model": line.model,
                "provider": line.provider,
                "position": line.position,
                "tier": line.tier,
                "estimated_cost_usd": usd(line.estimated_cost_nano),
                "latency_ms": line.latency_ms,
                "breaker": line.breaker,
                "retry_after_ms": line.retry_after_ms,
            }
            for line in explanation.candidates
        ],
        "dropped": [_drop_body(drop) for drop in explanation.dropped],
    }


def _drop_body(drop: Drop) -> dict[str, str]:
    """With `param` where a single field is at fault."""
    return {name: value for name, value in asdict(drop).items() if name != "param" or value}


def usage_body(usage: Usage, cost: Cost | None = None) -> dict[str, int]:
    """Counts; and where a part of its `cost` is an estimate, that they are one."""
    return {
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "cached_input_tokens": usage.cached_input_tokens,
        "cache_write_tokens": usage.cache_write_tokens,
        "reasoning_tokens": usage.reasoning_tokens,
        "total_tokens": usage.total_tokens,
        **({"estimated": True} if cost and cost.estimated_nano else {}),
    }


def cost_body(cost: Cost) -> dict[str, str]:
    """Decimal strings of USD, and how much of it is an estimate, if any is."""
    return {
        "input_usd": usd(cost.input_nano),
        "output_usd": usd(cost.output_nano),
        "total_usd": usd(cost.total_nano),
        **({"estimated_usd": usd(cost.estimated_nano)} if cost.estimated_nano else {}),
        "price_source": cost.price_source,
    }
