"""How much to think: a level since Gemini 3, a budget of tokens before.

Sources: https://ai.google.dev/gemini-api/docs/thinking (what budgets there are), and for the budgets of efforts the
table in https://ai.google.dev/gemini-api/docs/openai#thinking.
"""

from __future__ import annotations

from typing import Any

from gateway_core.domain.chat import ProviderCall
from gateway_core.domain.model_rules import Effort
from gateway_core.wires.fit import Fitted, thinking_asked

_MOST_TOKENS = 24_576
"""What every model with a budget takes; some take more."""
_BUDGETS: dict[Effort, int] = {
    "none": 0,
    "minimal": 1024,
    "low": 1024,
    "medium": 8192,
    "high": _MOST_TOKENS,
    "xhigh": _MOST_TOKENS,
    "max": _MOST_TOKENS,
}
_ON = frozenset({"enabled", "adaptive"})


def thinking_of(call: ProviderCall, fit: Fitted, dropped: set[str]) -> dict[str, Any]:
    """The `thinkingConfig`, empty where nothing is to be said. Thoughts are shown where thinking is asked for."""
    kind, wanted = thinking_asked(call.params).get("type"), call.params.get("reasoning_effort")
    form, effort = call.rules.thinking_form, fit.effort
    if form not in ("level", "budget"):
        dropped |= {"reasoning_effort"} if effort not in (None, "none") else set()
        dropped |= {"thinking"} if kind in _ON else set()
        return {}
    if effort is None and wanted is None and kind == "disabled" and call.rules.efforts:
        effort = call.rules.efforts[0]  # thinking cannot be turned off: as little as may be
        dropped.add("thinking")
    amount = {"thinkingLevel": effort} if form == "level" and effort != "none" else _budget(call, fit, effort, dropped)
    shows = kind in _ON if wanted is None else wanted != "none"
    return {name: value for name, value in amount.items() if value is not None} | (
        {"includeThoughts": True} if shows else {}
    )


def _budget(call: ProviderCall, fit: Fitted, effort: Effort | None, dropped: set[str]) -> dict[str, Any]:
    """Above what the model needs at least, and below the output limit, into which thoughts count."""
    if fit.budget is None and effort in (None, "none"):
        return {"thinkingBudget": None if effort is None else 0}
    wanted = _BUDGETS[effort or "none"] if fit.budget is None else fit.budget
    tokens = max(call.rules.least_thinking_tokens, min(wanted, _MOST_TOKENS, call.max_output_tokens - 1))
    if fit.budget is not None:
        dropped |= ({"thinking"} if tokens != wanted else set()) | ({"reasoning_effort"} if effort else set())
    return {"thinkingBudget": tokens}
