"""Calls to Gemini for its tests, and what is read off the requests for them."""

from __future__ import annotations

from typing import Any

from gateway_core.domain.chat import Deployment, Json, ProviderCall
from gateway_core.domain.model_rules import NO_RULES, ModelRules
from gateway_core.wires.codec import UpstreamRequest
from gateway_core.wires.gemini.codec import GEMINI_CODEC

BASE = "https://generativelanguage.googleapis.com/v1beta"
SINCE_3, BEFORE_3 = "gemini-3.1-pro-preview", "gemini-2.5-flash"
HI = ({"role": "user", "content": "hi"},)
LEVELS = ModelRules(thinks="always", thinking_form="level", efforts=("low", "medium", "high"))
BUDGETS = ModelRules(
    thinks="default",
    thinking_form="budget",
    efforts=("none", "minimal", "low", "medium", "high"),
    least_thinking_tokens=512,
)


def call_with(
    messages: tuple[Json, ...] = HI,
    params: Json | None = None,
    *,
    model: str = SINCE_3,
    rules: ModelRules = NO_RULES,
    most: int = 50_000,
) -> ProviderCall:
    return ProviderCall(
        deployment=Deployment("gemini", model, BASE, engine="native"),
        messages=messages,
        params=params or {},
        max_output_tokens=most,
        timeout_s=60,
        request_id="req-1",
        rules=rules,
    )


def requested(call: ProviderCall, *, streams: bool = False) -> UpstreamRequest:
    return GEMINI_CODEC.request(call, streams)


def sent(*messages: Json, model: str = SINCE_3, **params: Any) -> UpstreamRequest:
    return requested(call_with(messages or HI, params, model=model))


def contents(*messages: Json, model: str = SINCE_3) -> list[Any]:
    return list(sent(*messages, model=model).body["contents"])


def tool(name: str = "look_up", **function: Any) -> Json:
    return {"type": "function", "function": {"name": name, **function}}


def calling(call_id: str, arguments: str = "{}", name: str = "look_up") -> Json:
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}


def called(*calls: Json, **message: Any) -> Json:
    return {"role": "assistant", "content": None, "tool_calls": list(calls), **message}


def result(call_id: str, content: Any) -> Json:
    return {"role": "tool", "tool_call_id": call_id, "content": content}


def user(content: Any) -> Json:
    return {"role": "user", "content": content}


def system(content: Any, role: str = "system") -> Json:
    return {"role": role, "content": content}


def said(*texts: str, role: str = "user") -> Json:
    return {"role": role, "parts": [{"text": text} for text in texts]}


def config(params: Json, rules: ModelRules = LEVELS, most: int = 50_000) -> tuple[Json, tuple[str, ...]]:
    """The generation config, without what every one has, and the names of what was lost."""
    made = requested(call_with(HI, params, rules=rules, most=most))
    known = dict(made.body["generationConfig"])
    assert known.pop("maxOutputTokens") == most
    return known, made.dropped
