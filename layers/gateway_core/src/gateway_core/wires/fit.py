"""A call's options brought to what its model takes, by the rules in the catalog: the same for every wire of ours.

What a model does not take is left out, and what is beyond its range is brought to the end of that; either is named.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from gateway_core.domain.chat import Json, ProviderCall
from gateway_core.domain.model_rules import EFFORTS, Effort, ModelRules
from gateway_core.wires.codec import Objection
from gateway_core.wires.shapes import items, mapping

_SAMPLING = ("temperature", "top_p")
_WITHOUT_THINKING = {"logprobs": "gives no log probabilities", "logit_bias": "cannot bias single tokens"}
"""What would change the answer, were it left out, and may be refused while a model thinks."""
_LOW_TOKENS, _MEDIUM_TOKENS = 2048, 4096
"""Budgets below these are a low and a medium effort, as LiteLLM counts them."""


@dataclass(frozen=True, slots=True)
class Fitted:
    """What is left to be said in a wire's own words.

    params: The options, without `reasoning_effort` and `thinking`; none of them is null.
    effort: How much to think, one that the model knows; None where nothing is to be said of it.
    thinks: Whether the model will think.
    budget: The budget of thinking that the caller named in tokens, for wires that have budgets or tell efforts by them;
        None if it named none, or `effort` is what became of it.
    dropped: Names of options that were left out or changed, sorted.
    """

    params: Json
    effort: Effort | None
    thinks: bool
    budget: int | None
    dropped: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Thinking:
    """What is to be said of thinking; `asked` where the caller wants it without naming an effort."""

    effort: Effort | None = None
    budget: int | None = None
    asked: bool = False
    dropped: frozenset[str] = frozenset()

    def begins(self, rules: ModelRules) -> bool:
        asked = self.asked or self.effort not in (None, "none")
        return {"never": False, "asked": asked, "default": self.effort != "none", "always": True}[rules.thinks]


def fitted(call: ProviderCall, *, may_think: bool = True) -> Fitted:
    """The options of `call` by the rules of its model.

    `may_think` is false where the conversation lacks what thinking needs of it, such as signatures. Thinking then is
    turned off where the model lets it. A call that is to be forced wins over thinking where both do not go together.
    """
    rules = call.rules
    given = {name: value for name, value in call.params.items() if value is not None}
    thinking = _thinking(given, rules)
    kept = {name: value for name, value in given.items() if name not in ("reasoning_effort", "thinking")}
    thinks, named = thinking.begins(rules), set(thinking.dropped)
    lets = _may_think(kept, rules) and (rules.chat_tools_thinking or not _offers_on_chat(call))
    if thinks and rules.thinks != "always" and not (may_think and lets):
        named |= {"reasoning_effort" if "reasoning_effort" in given else "thinking"}
        thinking, thinks = _Thinking(_turned_off(rules)), False
    options, changed = _options(kept, rules, thinks=thinks)
    _add_defaults(options, call.defaults, rules, thinks=thinks)
    return Fitted(options, thinking.effort, thinks, thinking.budget, tuple(sorted(named | changed)))


def misfit(params: Json, rules: ModelRules) -> Objection | None:
    """Why the model cannot serve a request with these options, where to leave one out would change the answer."""
    if _names_a_stranger(params):
        return Objection("tool_choice", "cannot be made to call a tool that is not offered (tool_choice)")
    if rules.thinks == "always" and not _may_think(params, rules):
        return Objection("tool_choice", "cannot be made to call a tool (tool_choice)")
    if not (_thinking(params, rules).begins(rules) and _may_think(params, rules)):
        return None
    wanted = (name for name in _WITHOUT_THINKING if params.get(name) and name in rules.refuses_thinking)
    return next((Objection(name, f"{_WITHOUT_THINKING[name]} while it thinks ({name})") for name in wanted), None)


def _names_a_stranger(params: Json) -> bool:
    """Whether a tool is to be called that is not among those that are offered."""
    tools, choice = list(map(mapping, items(params.get("tools")))), mapping(params.get("tool_choice"))
    wanted = [choice, *map(mapping, items(mapping(choice.get("allowed_tools")).get("tools")))]
    offered = {_tool_name(tool) for tool in tools}
    return bool(tools) and any(name not in offered for name in map(_tool_name, wanted) if name)


def _tool_name(tool: Json) -> str:
    """The name of a tool, or of a choice of one; empty where it has none."""
    kind = tool.get("type")
    return str(mapping(tool.get(kind)).get("name") or "") if isinstance(kind, str) else ""


def thinking_asked(params: Json) -> Json:
    """The option `thinking` of Anthropic's wire, which callers may send on ours: its object, or an empty one."""
    return mapping(params.get("thinking"))


def _thinking(given: Json, rules: ModelRules) -> _Thinking:
    """By `reasoning_effort`, which wins, else by `thinking`."""
    wanted, kind = given.get("reasoning_effort"), thinking_asked(given).get("type")
    if wanted is None:
        return _by_thinking(given, rules) if kind in ("enabled", "adaptive") else _by_switch(kind, rules)
    budget = _budget(given, rules) if wanted != "none" else None
    agrees = kind == "disabled" and wanted == "none"
    ignored = {"thinking"} if kind and budget is None and not agrees else set()
    if rules.efforts == () or rules.thinks == "never":
        named = set() if wanted == "none" and rules.thinks == "never" else {"reasoning_effort"}
        return _Thinking(dropped=frozenset(named | ignored))
    effort = _nearest(wanted, rules)
    return _Thinking(effort, budget, dropped=frozenset(ignored | (set() if effort == wanted else {"reasoning_effort"})))


def _by_thinking(given: Json, rules: ModelRules) -> _Thinking:
    """What Anthropic's option comes to: itself where the model has the like of it, else the effort that is nearest."""
    named = thinking_asked(given).get("budget_tokens")
    budget = _budget(given, rules)
    unbound = named is None and rules.thinking_form in ("adaptive", "switch")
    if budget is not None or unbound:
        return _Thinking(budget=budget, asked=True)
    effort = None if rules.efforts == () or rules.thinks == "never" else _nearest(_effort_of(named), rules)
    return _Thinking(effort, dropped=frozenset({"thinking"}))


def _by_switch(kind: object, rules: ModelRules) -> _Thinking:
    """What it comes to if it is turned off, or nothing is said."""
    if kind != "disabled":
        return _Thinking()
    return _Thinking(_turned_off(rules), dropped=frozenset({"thinking"} if rules.thinks == "always" else ()))


def _nearest(wanted: Effort, rules: ModelRules) -> Effort:
    """The effort itself or the next stronger one that the model knows, else its strongest."""
    if rules.efforts is None:
        return wanted
    rank = EFFORTS.index(wanted)
    return next((effort for effort in rules.efforts if EFFORTS.index(effort) >= rank), rules.efforts[-1])


def _effort_of(budget: object) -> Effort:
    """Of a budget of tokens; without one, as much as Anthropic's models think then."""
    if not isinstance(budget, int) or budget >= _MEDIUM_TOKENS:
        return "high"
    return "low" if budget < _LOW_TOKENS else "medium"


def _budget(given: Json, rules: ModelRules) -> int | None:
    """The budget, where the model has budgets, a wire puts it into its own words, or nobody knows."""
    budget = thinking_asked(given).get("budget_tokens")
    may_have = rules.thinking_form in ("adaptive", "budget") or (not rules.thinking_form and rules.efforts is None)
    return budget if may_have and isinstance(budget, int) else None


def _turned_off(rules: ModelRules) -> Effort | None:
    return "none" if "none" in (rules.efforts or ()) else None


def _may_think(params: Json, rules: ModelRules) -> bool:
    return rules.forces_tools_thinking or not forces_a_call(params)


def _offers_on_chat(call: ProviderCall) -> bool:
    return call.deployment.mode == "chat" and bool(call.params.get("tools"))


def forces_a_call(params: Json) -> bool:
    """Whether the model has to call a tool."""
    choice = params.get("tool_choice")
    if isinstance(choice, str):
        return choice == "required"
    named = mapping(choice)
    return named.get("type") in ("function", "custom") or mapping(named.get("allowed_tools")).get("mode") == "required"


def _options(kept: Json, rules: ModelRules, *, thinks: bool) -> tuple[dict[str, Any], set[str]]:
    """The options that go along, and the names of those that do not, or not as they were."""
    refused = rules.refuses | (rules.refuses_thinking if thinks else frozenset())
    options = {name: value for name, value in kept.items() if name not in refused}
    changed = {name for name in kept if name in refused and not says_nothing(name, kept[name])}
    for name, value in _changes(options, rules, thinks=thinks):
        changed.add(name)
        if value is None:
            del options[name]
        else:
            options[name] = value
    return options, changed


def _changes(options: Json, rules: ModelRules, *, thinks: bool) -> Iterator[tuple[str, Any]]:
    """Each option that changes with its new value, None to leave it out."""
    temperature, top_p = (options.get(name) for name in _SAMPLING)
    if temperature is not None and temperature > rules.most_temperature:
        yield "temperature", rules.most_temperature
    clashes = rules.one_of_temperature_and_top_p and temperature is not None
    too_low = thinks and top_p is not None and top_p < rules.least_top_p_thinking
    if top_p is not None and (clashes or too_low):
        yield "top_p", None
    if "stop" in options:
        stops = stops_of(options)
        taken = [text for text in stops if text.strip() or not rules.stop_needs_text][: rules.most_stops]
        if taken != stops:
            yield "stop", taken or None


def needless(params: Json) -> frozenset[str]:
    """Options about calls where there is nothing to call: OpenAI refuses them."""
    return frozenset() if params.get("tools") else frozenset({"parallel_tool_calls", "tool_choice"})


def stops_of(params: Json) -> list[str]:
    """The stop sequences, of which one may come as a plain text."""
    stop = params.get("stop")
    return [stop] if isinstance(stop, str) else items(stop)


def _add_defaults(options: dict[str, Any], defaults: Json, rules: ModelRules, *, thinks: bool) -> None:
    refused = rules.refuses | (rules.refuses_thinking if thinks else frozenset())
    for name, value in defaults.items():
        alone = not (rules.one_of_temperature_and_top_p and name in _SAMPLING and any(o in options for o in _SAMPLING))
        if name not in options and name not in refused and alone:
            options[name] = min(value, rules.most_temperature) if name == "temperature" else value


_NOTHING: dict[str, tuple[Any, ...]] = {
    "frequency_penalty": (0,),
    "logprobs": (False,),
    "modalities": (["text"], []),
    "n": (1,),
    "parallel_tool_calls": (True,),
    "presence_penalty": (0,),
    "response_format": ({"type": "text"},),
    "service_tier": ("auto", "default"),
    "store": (False,),
    "temperature": (1,),
    "top_logprobs": (0,),
}


def says_nothing(name: str, value: Any) -> bool:
    """Whether an option says what is so without it: who has no word for it loses nothing."""
    return value in _NOTHING.get(name, ()) or value in ({}, [])
