"""The request on OpenAI's chat wire: what came on it goes on as it came, what came on another is put into its form.

What changes is what the gateway answers for (the model's name, the cap, usage, storage), what the model does not take,
and what only other providers' answers can have brought into the history. Dialects: traits of the provider.
Source: https://platform.openai.com/docs/api-reference/chat/create, https://api-docs.deepseek.com/guides/thinking_mode.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from gateway_core.domain.chat import Json, ProviderCall
from gateway_core.domain.terms import sent_service_tier
from gateway_core.wires.codec import UpstreamRequest
from gateway_core.wires.fit import Fitted, fitted, forces_a_call, needless, thinking_asked
from gateway_core.wires.openai_chat.history import hinted, history_of
from gateway_core.wires.openai_chat.record import OPENAI_CHAT
from gateway_core.wires.shapes import items, mapping, without_nulls
from gateway_core.wires.table import traits_of

_OURS = frozenset(
    {
        "cache",
        "max_completion_tokens",
        "max_tokens",
        "messages",
        "metadata",
        "model",
        "reasoning_effort",
        "store",
        "stream",
        "stream_options",
        "thinking",
        "user",
    }
)
"""Members of a body that are set or taken out, not handed on."""
_OF_OTHER_WIRES = frozenset({"top_k"})


def request(call: ProviderCall, streams: bool) -> UpstreamRequest:
    """The body to send to `/chat/completions`."""
    traits = traits_of(call.deployment.provider)
    history = history_of(call.messages, traits)
    fit = fitted(call, may_think=history.may_think)
    apart = _OF_OTHER_WIRES | needless(fit.params)
    taken = {name: value for name, value in fit.params.items() if name not in apart}
    if tools := items(taken.get("tools")):
        taken["tools"] = list(map(_tool, tools))
    if not traits.has_allowed_tools:
        taken = _only_allowed(taken)
    lost = fit.params.keys() & _OF_OTHER_WIRES
    dropped = {*fit.dropped, *history.dropped, *lost, *_unsaid(call, fit)}
    body = {
        "model": call.deployment.upstream_model,
        "messages": list(hinted(history.messages, call.params, traits)),
        **_members(call, taken),
        **_thinking(call, fit),
        traits.output_limit: call.max_output_tokens,
        **({"store": False, "service_tier": sent_service_tier(call.params)} if traits.stores else {}),
        **(_streamed(call) if streams else {}),
    }
    return UpstreamRequest(f"{traits.chat_prefix}/chat/completions", body, tuple(sorted(dropped)))


def _unsaid(call: ProviderCall, fit: Fitted) -> Iterator[str]:
    """What the caller asks for that this wire has no word for, or that is not done."""
    if call.params.get("store"):
        yield "store"
    if forces_a_call(fit.params) and not fit.params.get("tools"):
        yield "tool_choice"
    if fit.budget is not None:
        yield "thinking"
    if any(mapping(tool).get("cache_control") for tool in items(fit.params.get("tools"))):
        yield "cache_control"


def _tool(tool: Json) -> Json:
    """A tool without nulls, and without what only other wires know."""
    sent = {name: value for name, value in tool.items() if name != "cache_control"}
    if function := mapping(tool.get("function")):
        sent["function"] = without_nulls(function)
    return sent


def _only_allowed(taken: dict[str, Any]) -> dict[str, Any]:
    """The options for who cannot be told which of the tools are allowed: no other is offered."""
    allowed = mapping(mapping(taken.get("tool_choice")).get("allowed_tools"))
    if not allowed:
        return taken
    names = [_name(mapping(tool)) for tool in items(allowed.get("tools"))]
    offered = [tool for tool in items(taken.get("tools")) if _name(mapping(tool)) in names]
    rest = {name: value for name, value in taken.items() if name not in ("tools", "tool_choice")}
    return {**rest, "tools": offered, "tool_choice": allowed.get("mode")} if offered else rest


def _name(tool: Json) -> Any:
    return mapping(tool.get("function")).get("name")


def _members(call: ProviderCall, taken: Json) -> dict[str, Any]:
    """The options, in the order in which they came; nulls, which say nothing, go along."""
    body = call.body_on(OPENAI_CHAT.name) or {}
    came = {name: value for name, value in body.items() if name in taken or value is None}
    apart = _OURS | _OF_OTHER_WIRES
    return {name: value for name, value in {**came, **taken}.items() if name not in apart}


def _thinking(call: ProviderCall, fit: Fitted) -> Mapping[str, Any]:
    is_idle = fit.effort == "none" and call.rules.thinks == "asked" and not call.rules.chat_tools_thinking
    effort = {} if fit.effort is None or is_idle else {"reasoning_effort": fit.effort}
    if call.rules.thinking_form != "switch":
        return effort
    if fit.effort is None:
        return {"thinking": {"type": "enabled"}} if _asks(call) and fit.thinks else {}
    if fit.effort == "none":
        return {"thinking": {"type": "disabled"}}
    return {"thinking": {"type": "enabled"}, **effort}


def _asks(call: ProviderCall) -> bool:
    return thinking_asked(call.params).get("type") in ("enabled", "adaptive")


def _streamed(call: ProviderCall) -> dict[str, Any]:
    given = mapping(mapping(call.body_on(OPENAI_CHAT.name)).get("stream_options"))
    return {"stream": True, "stream_options": {**given, "include_usage": True}}
