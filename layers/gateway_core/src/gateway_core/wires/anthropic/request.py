"""The request on Anthropic's Messages API. Source: https://platform.claude.com/docs/en/api/messages/create."""

from __future__ import annotations

from typing import Any

from gateway_core.domain.chat import Json, ProviderCall
from gateway_core.wires.anthropic.blocks import CACHE_CONTROL
from gateway_core.wires.anthropic.caching import mark_for_later, settle_marks
from gateway_core.wires.anthropic.conversation import Conversation, conversation_of
from gateway_core.wires.anthropic.output_schema import adapted
from gateway_core.wires.anthropic.thinking import has_room, thinking_of
from gateway_core.wires.anthropic.thoughts import is_bound, may_think, without_thoughts
from gateway_core.wires.anthropic.tools import Tools, json_tool, tools_of
from gateway_core.wires.codec import UpstreamRequest
from gateway_core.wires.fit import Fitted, fitted, stops_of
from gateway_core.wires.shapes import mapping

_SAME = ("temperature", "top_p", "top_k")
_TAKEN = frozenset(
    {*_SAME, "parallel_tool_calls", "response_format", "safety_identifier", "stop", "tool_choice", "tools"}
)
_OURS = frozenset({"metadata", "stream", "stream_options", "user"})
"""Who asks, and how the answer is to come: the gateway's own business."""
_SAY_NOTHING: dict[str, tuple[Any, ...]] = {
    "frequency_penalty": (0,),
    "logit_bias": ({},),
    "logprobs": (False,),
    "modalities": (["text"],),
    "n": (1,),
    "presence_penalty": (0,),
    "service_tier": ("auto", "default"),
    "store": (False,),
    "top_logprobs": (0,),
}
"""Values that ask for what is given anyway."""


def request(call: ProviderCall, streams: bool) -> UpstreamRequest:
    """The body to send to `/v1/messages`."""
    talk = conversation_of(call.messages)
    fit = fitted(call, may_think=_may_think(call, talk))
    tools = tools_of(fit.params, talk.names_called, enforces=bool(call.rules.schema_refuses))
    thinking, changed = thinking_of(call, fit)
    body: dict[str, Any] = {
        "model": call.deployment.upstream_model,
        "max_tokens": call.max_output_tokens,
        **({"system": talk.system} if talk.system else {}),
        "messages": talk.turns if fit.thinks else without_thoughts(talk.turns),
        **_tools(tools),
        **_options(fit.params),
        **thinking,
        **({"stream": True} if streams else {}),
    }
    if schema := _schema(call, fit):
        body["output_config"] = {**body.get("output_config", {}), "format": {"type": "json_schema", "schema": schema}}
    changed |= _cache(call, body, tools)
    headers = _unbound(body) if is_bound(call.deployment.upstream_model, body["messages"]) else ()
    return UpstreamRequest("/v1/messages", body, _dropped(fit, talk, tools, changed), headers)


def _unbound(body: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    """Has thoughts dropped that no longer fit; such models think adaptively anyway. The headers that this needs."""
    binding = {"prefix_mismatch_behavior": "drop_block"}
    body["thinking"] = {"type": "adaptive", **body.get("thinking", {}), "block_binding": binding}
    return (("anthropic-beta", "thinking-binding-controls-2026-08-01"),)


def _may_think(call: ProviderCall, talk: Conversation) -> bool:
    """Adaptive thinking asks nothing of the history; JSON mode forces a call."""
    if json_tool(call.params) and not call.rules.forces_tools_thinking:
        return False
    return call.rules.thinking_form != "budget" or (has_room(call) and may_think(talk.turns))


def _tools(tools: Tools) -> dict[str, Any]:
    return {
        **({"tools": tools.offered} if tools.offered else {}),
        **({"tool_choice": tools.choice} if tools.choice else {}),
    }


def _options(params: Json) -> dict[str, Any]:
    options: dict[str, Any] = {name: params[name] for name in _SAME if name in params}
    if stops := stops_of(params):
        options["stop_sequences"] = stops
    if who := params.get("safety_identifier"):
        options["metadata"] = {"user_id": who}
    return options


def _schema(call: ProviderCall, fit: Fitted) -> dict[str, Any]:
    wanted = mapping(fit.params.get("response_format"))
    if wanted.get("type") != "json_schema":
        return {}
    return adapted(mapping(wanted.get("json_schema")).get("schema"), call.rules.schema_refuses)


def _cache(call: ProviderCall, body: dict[str, Any], tools: Tools) -> set[str]:
    """Settles the breakpoints; the name of the field where the caller's could not stay as they were."""
    turns = body["messages"]
    blocks = [*tools.offered, *body.get("system", ()), *(block for turn in turns for block in turn["content"])]
    if any(CACHE_CONTROL in block for block in blocks):
        return {CACHE_CONTROL} if settle_marks(blocks) else set()
    goes_on = tools.has_own or any(turn["role"] == "assistant" for turn in turns)
    if call.caches_prompt and goes_on:
        mark_for_later(body, call.deployment.upstream_model)
    return set()


def _dropped(fit: Fitted, talk: Conversation, tools: Tools, changed: set[str]) -> tuple[str, ...]:
    foreign = {
        name
        for name, value in fit.params.items()
        if name not in _TAKEN and name not in _OURS and value not in _SAY_NOTHING.get(name, ())
    }
    return tuple(sorted({*fit.dropped, *talk.dropped, *tools.dropped, *changed, *foreign}))
