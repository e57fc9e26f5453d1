"""The request on OpenAI's chat wire: what came on it goes on as it came, what came on another is put into its form.

What changes is what the gateway answers for (the model's name, the cap, usage, storage), what the model does not take,
and what only other providers' answers can have brought into the history. Dialects: traits of the provider.
Source: https://platform.openai.com/docs/api-reference/chat/create, https://api-docs.deepseek.com/guides/thinking_mode.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway_core.domain.chat import Json, ProviderCall
from gateway_core.domain.terms import sent_service_tier
from gateway_core.wires.codec import UpstreamRequest
from gateway_core.wires.fit import Fitted, fitted
from gateway_core.wires.openai_chat.history import History, history_of
from gateway_core.wires.provider import ProviderTraits
from gateway_core.wires.shapes import mapping
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
    taken = {name: value for name, value in fit.params.items() if name not in _OF_OTHER_WIRES}
    foreign = fit.params.keys() - taken.keys()
    stored = {"store"} if call.params.get("store") else set()
    unbound = {"thinking"} if fit.budget is not None else set()  # there is no word for a budget
    dropped = {*fit.dropped, *foreign, *history.dropped, *stored, *unbound}
    body = {
        **_framed(call, traits, history),
        **_members(call, taken, dropped),
        **_thinking(call, fit),
        traits.output_limit: call.max_output_tokens,
        **({"store": False, "service_tier": sent_service_tier(call.params)} if traits.stores else {}),
        **(_streamed(call) if streams else {}),
    }
    return UpstreamRequest(f"{traits.chat_prefix}/chat/completions", body, tuple(sorted(dropped)))


def _framed(call: ProviderCall, traits: ProviderTraits, history: History) -> dict[str, Any]:
    del traits
    return {"model": call.deployment.upstream_model, "messages": list(history.messages)}


def _members(call: ProviderCall, taken: Json, dropped: set[str]) -> dict[str, Any]:
    """The options, in the order in which they came; what says nothing (null, an `n` of 1) goes along as it is."""
    came = {name: value for name, value in (call.body or {}).items() if name not in _OURS and name not in dropped}
    return {**came, **{name: value for name, value in taken.items() if name not in _OURS}}


def _thinking(call: ProviderCall, fit: Fitted) -> Mapping[str, Any]:
    effort = {} if fit.effort is None else {"reasoning_effort": fit.effort}
    if call.rules.thinking_form != "switch":
        return effort
    if fit.effort is None:
        return {}
    if fit.effort == "none":
        return {"thinking": {"type": "disabled"}}
    return {"thinking": {"type": "enabled"}, **effort}


def _streamed(call: ProviderCall) -> dict[str, Any]:
    given = mapping(mapping(call.body).get("stream_options"))
    return {"stream": True, "stream_options": {**given, "include_usage": True}}
