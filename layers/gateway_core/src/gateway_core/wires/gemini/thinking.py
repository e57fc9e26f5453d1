"""How much to think: a level since Gemini 3, a budget of tokens before.

Sources: https://ai.google.dev/gemini-api/docs/thinking, and for the budgets of efforts the table in
https://ai.google.dev/gemini-api/docs/openai#thinking.
"""

from __future__ import annotations

from typing import Any

from gateway_core.domain.chat import ProviderCall
from gateway_core.domain.model_rules import Effort
from gateway_core.wires.fit import Fitted, effort_rank, thinking_asked

_BUDGETS: dict[Effort, int] = {
    "none": 0,
    "minimal": 1024,
    "low": 1024,
    "medium": 8192,
    "high": 24576,
    "xhigh": 24576,
    "max": 24576,
}
_DYNAMIC = -1
_ON = frozenset({"enabled", "adaptive"})


def thinking_of(call: ProviderCall, fit: Fitted, dropped: set[str]) -> dict[str, Any]:
    """The `thinkingConfig`, empty where nothing is to be said. Thoughts are shown where thinking is asked for."""
    asked = thinking_asked(call.params).get("type")
    form, effort = call.rules.thinking_form, call.params.get("reasoning_effort")
    if form not in ("level", "budget"):
        dropped |= {"thinking"} if asked in _ON else set()
        return {}
    amount = (_level if form == "level" else _budget)(call, fit, dropped)
    shows = asked in _ON if effort is None else effort != "none"
    return {**amount, **({"includeThoughts": True} if shows else {})}


def _level(call: ProviderCall, fit: Fitted, dropped: set[str]) -> dict[str, Any]:
    effort = fit.effort or _from_thinking(call, fit)
    if fit.budget is not None or effort != fit.effort:
        dropped.add("thinking")
    if effort == "none":
        return {"thinkingBudget": 0}
    return {"thinkingLevel": effort} if effort else {}


def _from_thinking(call: ProviderCall, fit: Fitted) -> Effort | None:
    """The effort that comes next to a budget in tokens, or to no thinking at all."""
    known = call.rules.efforts
    if fit.budget is None:
        return known[0] if known and _is_off(call) else None
    budget = fit.budget
    rank = next((effort_rank(effort) for effort, most in _BUDGETS.items() if budget <= most), effort_rank("high"))
    return next((effort for effort in known if effort_rank(effort) >= rank), known[-1] if known else None)


def _budget(call: ProviderCall, fit: Fitted, dropped: set[str]) -> dict[str, Any]:
    least = call.rules.least_thinking_tokens
    if fit.effort == "none":
        return {"thinkingBudget": 0}
    if fit.budget is None and fit.effort is None:
        if _is_off(call) and least:
            dropped.add("thinking")
            return {"thinkingBudget": least}
        return {"thinkingBudget": _DYNAMIC} if thinking_asked(call.params).get("type") in _ON else {}
    wanted = _BUDGETS[fit.effort or "none"] if fit.budget is None else fit.budget
    tokens = max(least, min(wanted, call.max_output_tokens - 1))  # thoughts count into the output limit
    if fit.budget is not None:
        dropped |= ({"thinking"} if tokens != wanted else set()) | ({"reasoning_effort"} if fit.effort else set())
    return {"thinkingBudget": tokens}


def _is_off(call: ProviderCall) -> bool:
    return thinking_asked(call.params).get("type") == "disabled" and call.params.get("reasoning_effort") is None
