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
from gateway_core.wires.fit import Fitted, fitted, forces_a_call, thinking_asked, tool_name
from gateway_core.wires.openai_chat.history import History, history_of
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
    apart = _OF_OTHER_WIRES | _idle(fit.params)
    taken = {name: value for name, value in fit.params.items() if name not in apart}
    taken |= {} if traits.has_allowed_tools else _allowed(taken)
    if tools := items(taken.get("tools")):
        taken["tools"] = list(map(_tool, tools))
    lost = {name for name, value in fit.params.items() if name not in taken and not _is_idle(name, fit.params)}
    dropped = {*fit.dropped, *history.dropped, *lost, *_unsaid(call, fit)}
    body = {
        **_framed(call, history),
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
    if fit.budget is not None:
        yield "thinking"
    if any(mapping(tool).get("cache_control") for tool in items(fit.params.get("tools"))):
        yield "cache_control"


def _idle(params: Json) -> frozenset[str]:
    """The options about tools where there are none: OpenAI refuses them."""
    has_any = params.get("tools") or params.get("functions")
    return frozenset() if has_any else frozenset({"tool_choice", "parallel_tool_calls"})


def _is_idle(name: str, params: Json) -> bool:
    """Whether an option says nothing where it is left out."""
    return name == "parallel_tool_calls" or (name == "tool_choice" and not forces_a_call(params))


def _allowed(params: Json) -> dict[str, Any]:
    """The tools and the choice that a list of allowed ones comes to, where the provider knows no such list."""
    allowed = mapping(mapping(params.get("tool_choice")).get("allowed_tools"))
    if not allowed:
        return {}
    names = {tool_name(mapping(tool)) for tool in items(allowed.get("tools"))}
    tools = [tool for tool in map(mapping, items(params.get("tools"))) if tool_name(tool) in names]
    return {"tools": tools, "tool_choice": allowed.get("mode")}


def _tool(tool: Json) -> Json:
    """A tool without nulls, and without what only other wires know."""
    sent = {name: value for name, value in tool.items() if name != "cache_control"}
    if function := mapping(tool.get("function")):
        sent["function"] = without_nulls(function)
    return sent


def _framed(call: ProviderCall, history: History) -> dict[str, Any]:
    return {"model": call.deployment.upstream_model, "messages": list(history.messages)}


def _members(call: ProviderCall, taken: Json) -> dict[str, Any]:
    """The options, in the order in which they came; nulls, which say nothing, go along."""
    body = call.body or {}
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
    given = mapping(mapping(call.body).get("stream_options"))
    return {"stream": True, "stream_options": {**given, "include_usage": True}}
