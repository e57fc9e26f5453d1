"""A call's options brought to what its model takes, by the rules in the catalog: the same for every wire of ours.

What a model does not take is left out, and what is beyond its range is brought to the end of that; either is named.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from gateway_core.domain.chat import Json, ProviderCall
from gateway_core.domain.model_rules import EFFORTS, Effort, ModelRules
from gateway_core.wires.shapes import items, mapping

_SAMPLING = ("temperature", "top_p")


@dataclass(frozen=True, slots=True)
class Fitted:
    """What is left to be said in a wire's own words.

    params: The options, without `reasoning_effort` and `thinking`; none of them is null.
    effort: How much to think, one that the model knows; None where nothing is to be said of it.
    thinks: Whether the model will think.
    budget: The budget of thinking that the caller named in tokens, None if it named none.
    dropped: Names of options that were left out or changed, sorted.
    """

    params: Json
    effort: Effort | None
    thinks: bool
    budget: int | None
    dropped: tuple[str, ...]


def fitted(call: ProviderCall, *, may_think: bool = True) -> Fitted:
    """The options of `call` by the rules of its model.

    `may_think` is false where the conversation lacks what thinking needs of it, such as signatures. Thinking then is
    turned off where the model lets it. A call that is to be forced wins over thinking where both do not go together.
    """
    rules = call.rules
    given = {name: value for name, value in call.params.items() if value is not None}
    effort, named = _effort(given, rules)
    budget = _budget(given)
    thinks = _thinks(rules, effort, asked=thinking_asked(given).get("type") in ("enabled", "adaptive"))
    kept = {name: value for name, value in given.items() if name not in ("reasoning_effort", "thinking")}
    if thinks and rules.thinks != "always" and not (may_think and _may_think(kept, rules)):
        named |= {"reasoning_effort" if "reasoning_effort" in given else "thinking"}
        effort, budget, thinks = _turned_off(rules), None, False
    options, changed = _options(kept, rules, thinks=thinks)
    _add_defaults(options, call.defaults, rules, thinks=thinks)
    return Fitted(options, effort, thinks, budget if thinks else None, tuple(sorted(named | changed)))


def thinking_asked(params: Json) -> Json:
    """The option `thinking` of Anthropic's wire, which callers may send on ours: its object, or an empty one."""
    return mapping(params.get("thinking"))


def _effort(given: Json, rules: ModelRules) -> tuple[Effort | None, set[str]]:
    """The effort to send, and what to name: the next stronger one that the model knows, else its strongest."""
    wanted = given.get("reasoning_effort")
    if wanted is None and thinking_asked(given).get("type") == "disabled":
        return _turned_off(rules), set()
    if wanted is None:
        return None, set()
    if not rules.efforts:
        return None, set() if wanted == "none" else {"reasoning_effort"}
    rank = EFFORTS.index(wanted)
    stronger = [effort for effort in rules.efforts if EFFORTS.index(effort) >= rank]
    effort = stronger[0] if stronger else rules.efforts[-1]
    return effort, set() if effort == wanted else {"reasoning_effort"}


def _budget(given: Json) -> int | None:
    asked = thinking_asked(given)
    budget = asked.get("budget_tokens")
    return budget if asked.get("type") == "enabled" and isinstance(budget, int) else None


def _turned_off(rules: ModelRules) -> Effort | None:
    return "none" if "none" in rules.efforts else None


def _thinks(rules: ModelRules, effort: Effort | None, *, asked: bool) -> bool:
    match rules.thinks:
        case "never":
            return False
        case "always":
            return True
        case "default":
            return effort != "none"
        case "asked":
            return asked or effort not in (None, "none")


def _may_think(params: Json, rules: ModelRules) -> bool:
    return rules.forces_tools_thinking or not forces_a_call(params)


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
    changed = {name for name in kept if name in refused}
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
    "logprobs": (False,),
    "modalities": (["text"], []),
    "n": (1,),
    "parallel_tool_calls": (True,),
    "response_format": ({"type": "text"},),
    "service_tier": ("auto", "default"),
    "store": (False,),
    "top_logprobs": (0,),
}


def says_nothing(name: str, value: Any) -> bool:
    """Whether an option says what is so without it: who has no word for it loses nothing."""
    return value in _NOTHING.get(name, ()) or value in ({}, [])
