"""Which of a request's options a model takes. The rest is dropped and named, never an error and never silent."""

from __future__ import annotations

import copy
from collections.abc import Hashable, Iterator
from typing import Any

from gateway_core.adapters.litellm.claude import MARK, Marks, asks_for_hours, marks_of
from gateway_core.domain.chat import Json, ProviderCall
from gateway_core.domain.terms import sent_service_tier
from gateway_core.wires.anthropic import ANTHROPIC
from gateway_core.wires.bedrock import BEDROCK
from gateway_core.wires.fit import Fitted, fitted, forces_a_call, needless, says_nothing, thinking_asked
from gateway_core.wires.gemini import GEMINI
from gateway_core.wires.openai_responses.request import LEAST_OUTPUT_TOKENS
from gateway_core.wires.shapes import items, mapping
from gateway_core.wires.table import traits_of, wire_of

ALLOWED = frozenset(
    {
        "frequency_penalty",
        "logit_bias",
        "logprobs",
        "parallel_tool_calls",
        "presence_penalty",
        "reasoning_effort",
        "response_format",
        "seed",
        "stop",
        "temperature",
        "thinking",
        "tool_choice",
        "tools",
        "top_p",
        "user",
        "verbosity",
    }
)
"""The only options that ever reach LiteLLM: it takes others for orders (`api_base`, `mock_response`, `fallbacks`)."""

_DECIDING = frozenset({"reasoning_effort", "temperature", "tool_choice", "top_p", "verbosity"})
_MOST_REMEMBERED = 1000
_ASKS = ("adaptive", "enabled")


class ParamFitter:
    """Asks LiteLLM what a model takes, and remembers: asking costs milliseconds, and requests are much alike."""

    def __init__(self, litellm: Any) -> None:
        self._litellm = litellm
        self._kept: dict[Hashable, frozenset[str]] = {}

    def fit(self, call: ProviderCall, *, may_think: bool = True) -> tuple[dict[str, Any], tuple[str, ...]]:
        """The options to send, by LiteLLM's names, output limit included; and the names of those left out, sorted.

        `may_think` as for `wires.fit.fitted`, whose rules come first.
        """
        fit = fitted(call, may_think=may_think)
        effort = {} if fit.effort is None else {"reasoning_effort": fit.effort}
        by_itself = fit.thinks and fit.effort is None and thinking_asked(call.params).get("type") in _ASKS
        thinking = {"thinking": call.params["thinking"]} if fit.budget or by_itself else {}
        unneeded = needless(fit.params)
        given = {**{name: value for name, value in fit.params.items() if name not in unneeded}, **effort, **thinking}
        names = self._names(call, given)
        kept = {name: copy.deepcopy(value) for name, value in given.items() if name in names}  # LiteLLM edits them
        sent = self._with_room_to_answer(call, kept)
        dropped = given.keys() - sent.keys() - ({"reasoning_effort"} if "thinking" in sent else set())
        asked_for = {name for name in dropped if name in call.params and not says_nothing(name, given[name])}
        ours, raised = _ours(call)
        asked_for -= ours.keys()
        marks = marks_of(self._litellm, call.deployment)
        lost = _lost(call, fit, marks)
        return {**_unmarked(call, sent, marks), **ours}, tuple(sorted({*fit.dropped, *asked_for, *raised, *lost}))

    def _with_room_to_answer(self, call: ProviderCall, params: dict[str, Any]) -> dict[str, Any]:
        """Claude refuses a thinking budget that is not below the output limit; LiteLLM makes one of every effort."""
        least = call.rules.least_thinking_tokens
        if not least or "reasoning_effort" not in params:
            return params
        budget = mapping(self._mapped(call, params).get("thinking")).get("budget_tokens", 0)
        if budget < call.max_output_tokens:
            return params
        rest = {name: value for name, value in params.items() if name != "reasoning_effort"}
        if call.max_output_tokens <= least:
            return rest
        smaller = max(least, call.max_output_tokens * 3 // 4)
        return {**rest, "thinking": {"type": "enabled", "budget_tokens": smaller}}

    def _names(self, call: ProviderCall, given: dict[str, Any]) -> frozenset[str]:
        key = (call.deployment, frozenset(_shape(name, value) for name, value in given.items() if name in ALLOWED))
        if key not in self._kept:
            if len(self._kept) >= _MOST_REMEMBERED:
                self._kept.clear()
            self._kept[key] = frozenset(self._supported(call, given))
        return self._kept[key]

    def _supported(self, call: ProviderCall, given: dict[str, Any]) -> dict[str, Any]:
        """Names that LiteLLM lists for the model, less the values that its mapping refuses (`temperature` of 0.7)."""
        provider, model = traits_of(call.deployment.provider).litellm_name, call.deployment.upstream_model
        allowed = ALLOWED - wire_of(call.deployment).cannot_carry
        listed = set(self._litellm.get_supported_openai_params(model=model, custom_llm_provider=provider) or allowed)
        wanted = {name: value for name, value in given.items() if name in allowed & listed}
        return wanted if self._accepts(call, wanted) else self._fitting(call, wanted)

    def _fitting(self, call: ProviderCall, wanted: dict[str, Any]) -> dict[str, Any]:
        """As many as go together; the reasoning effort comes first, because it decides on the others."""
        fitting: dict[str, Any] = {}
        for name in sorted(wanted, key=lambda name: (name != "reasoning_effort", name)):
            if self._accepts(call, {**fitting, name: wanted[name]}):
                fitting[name] = wanted[name]
        return fitting

    def _accepts(self, call: ProviderCall, params: dict[str, Any]) -> bool:
        try:
            self._mapped(call, params)
        except self._litellm.UnsupportedParamsError:
            return False
        return True

    def _mapped(self, call: ProviderCall, params: dict[str, Any]) -> Json:
        """The options in the provider's own words."""
        mapped = self._litellm.utils.get_optional_params(
            model=call.deployment.upstream_model,
            custom_llm_provider=traits_of(call.deployment.provider).litellm_name,
            drop_params=False,
            **copy.deepcopy(params),
        )
        return mapping(mapped)


def _ours(call: ProviderCall) -> tuple[dict[str, Any], set[str]]:
    """The options that the gateway answers for, and the limit's name where it had to be raised."""
    traits, limit = traits_of(call.deployment.provider), call.max_output_tokens
    least = LEAST_OUTPUT_TOKENS if call.deployment.mode == "responses" else limit
    ours: dict[str, Any] = {traits.output_limit: max(limit, least)}
    if traits.stores:
        ours["service_tier"] = sent_service_tier(call.params)
    return ours, {"max_tokens"} if limit < least else set()


def _unmarked(call: ProviderCall, sent: dict[str, Any], marks: Marks) -> dict[str, Any]:
    """Marks for caches are Claude's alone."""
    if marks.taken or wire_of(call.deployment) is ANTHROPIC or "tools" not in sent:
        return sent
    tools = [{name: value for name, value in tool.items() if name != MARK} for tool in sent["tools"]]
    return {**sent, "tools": tools}


def _lost(call: ProviderCall, fit: Fitted, marks: Marks) -> Iterator[str]:
    """What LiteLLM takes, and leaves out or changes without a word."""
    wire, tools = wire_of(call.deployment), [mapping(tool) for tool in items(fit.params.get("tools"))]
    as_it_is = wire is ANTHROPIC or (marks.taken and (marks.hours or not asks_for_hours(tools)))
    if not as_it_is and any(tool.get(MARK) for tool in tools):
        yield MARK
    if wire in (ANTHROPIC, BEDROCK, GEMINI) and any(mapping(tool.get("function")).get("strict") for tool in tools):
        yield "strict"
    if wire is GEMINI and fit.params.get("parallel_tool_calls") is False:
        yield "parallel_tool_calls"
    if not tools and forces_a_call(fit.params):
        yield "tool_choice"
    if call.rules.thinking_form == "switch" and fit.effort not in (None, "none"):
        yield "reasoning_effort"  # it turns thinking on, however hard


def _shape(name: str, value: Any) -> tuple[str, Hashable]:
    """What of an option decides whether a model takes it."""
    if name in _DECIDING and isinstance(value, (str, int, float)):
        return name, value
    return name, f"{type(value).__name__}:{mapping(value).get('type')}"
