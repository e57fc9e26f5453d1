"""How Anthropic is asked to think: by a budget of tokens, or adaptively with an effort beside it.

Sources: https://platform.claude.com/docs/en/build-with-claude/extended-thinking, /adaptive-thinking, /effort.
"""

from __future__ import annotations

from typing import Any

from gateway_core.domain.chat import Json, ProviderCall
from gateway_core.domain.model_rules import EFFORTS, Effort
from gateway_core.wires.anthropic.betas import DISPLAYS
from gateway_core.wires.fit import Fitted, thinking_asked

_LEAST_BUDGET = 1024
_BUDGETS: dict[Effort, int] = {
    "minimal": 1024,
    "low": 1024,
    "medium": 2048,
    "high": 4096,
    "xhigh": 8192,
    "max": 16384,
}


def has_room(call: ProviderCall) -> bool:
    """Whether the smallest budget fits below the limit of the output."""
    return call.rules.thinking_form != "budget" or call.max_output_tokens > _least(call)


def thinking_of(call: ProviderCall, fit: Fitted) -> tuple[dict[str, Any], set[str]]:
    """The members `thinking` and `output_config`, and what of the caller's changed."""
    asked = thinking_asked(call.params)
    if not fit.thinks:
        ignored = {"thinking"} if asked.get("type") in ("enabled", "adaptive") else set()
        return ({"thinking": {"type": "disabled"}} if call.rules.thinks == "default" else {}), ignored
    if call.rules.thinking_form == "budget":
        return _by_budget(call, fit, asked)
    if call.rules.thinking_form == "adaptive":
        return _adaptively(call, fit, asked)
    return {}, {name for name in ("reasoning_effort", "thinking") if call.params.get(name)}


def _least(call: ProviderCall) -> int:
    return call.rules.least_thinking_tokens or _LEAST_BUDGET


def _by_budget(call: ProviderCall, fit: Fitted, asked: Json) -> tuple[dict[str, Any], set[str]]:
    """A budget has to be below the output limit, which is for the answer as well."""
    budget = max(fit.budget or _BUDGETS.get(fit.effort or "high", _LEAST_BUDGET), _least(call))
    if budget >= call.max_output_tokens:
        budget = max(_least(call), call.max_output_tokens * 3 // 4)
    changed = bool(asked) and budget != fit.budget
    body = {"thinking": {"type": "enabled", "budget_tokens": budget, **_display(asked)}}
    return body, {"thinking"} if changed else set()


def _adaptively(call: ProviderCall, fit: Fitted, asked: Json) -> tuple[dict[str, Any], set[str]]:
    effort = fit.effort or (None if fit.budget is None else _effort_of(fit.budget, call.rules.efforts or EFFORTS))
    if effort is None and not asked:
        return {}, set()
    body: dict[str, Any] = {"thinking": {"type": "adaptive", **_display(asked)}}
    if effort is not None:
        body["output_config"] = {"effort": effort}
    return body, {"thinking"} if asked.get("type") == "enabled" else set()


def _effort_of(budget: int, efforts: tuple[Effort, ...]) -> Effort | None:
    """The strongest effort whose budget is not above this one."""
    fitting = [effort for effort in efforts if _BUDGETS.get(effort, budget + 1) <= budget]
    return fitting[-1] if fitting else next((effort for effort in efforts if effort in _BUDGETS), None)


def _display(asked: Json) -> Json:
    return {"display": asked["display"]} if asked.get("display") in DISPLAYS else {}
