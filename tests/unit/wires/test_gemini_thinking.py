"""How much to think, in Gemini's words."""

from __future__ import annotations

import pytest

from gateway_core.domain.model_rules import ModelRules
from tests.unit.wires.gemini_calls import BUDGETS, LEVELS, config

ON, OFF = {"type": "enabled"}, {"type": "disabled"}


@pytest.mark.parametrize(
    ("params", "thinking", "dropped"),
    [
        ({}, None, ()),
        ({"reasoning_effort": "low"}, {"thinkingLevel": "low", "includeThoughts": True}, ()),
        ({"reasoning_effort": "none"}, {"thinkingLevel": "low"}, ("reasoning_effort",)),
        ({"reasoning_effort": "max"}, {"thinkingLevel": "high", "includeThoughts": True}, ("reasoning_effort",)),
        ({"thinking": OFF}, {"thinkingLevel": "low"}, ("thinking",)),
    ],
)
def test_how_much_to_think_by_levels(params, thinking, dropped):
    """Since Gemini 3 it cannot be turned off: the weakest level is next to that, and named."""
    said, lost = config(params, LEVELS)
    assert (said.get("thinkingConfig"), lost) == (thinking, dropped)


@pytest.mark.parametrize(
    ("params", "most", "thinking", "dropped"),
    [
        ({}, 50_000, None, ()),
        ({"reasoning_effort": "none"}, 50_000, {"thinkingBudget": 0}, ()),
        ({"thinking": OFF}, 50_000, {"thinkingBudget": 0}, ()),
        ({"reasoning_effort": "minimal"}, 50_000, {"thinkingBudget": 1024, "includeThoughts": True}, ()),
        ({"reasoning_effort": "medium"}, 50_000, {"thinkingBudget": 8192, "includeThoughts": True}, ()),
        ({"reasoning_effort": "high"}, 1000, {"thinkingBudget": 999, "includeThoughts": True}, ()),
        ({"reasoning_effort": "high"}, 100, {"thinkingBudget": 512, "includeThoughts": True}, ()),
        ({"thinking": ON | {"budget_tokens": 3000}}, 50_000, {"thinkingBudget": 3000, "includeThoughts": True}, ()),
        (
            {"thinking": ON | {"budget_tokens": 63_999}},
            90_000,
            {"thinkingBudget": 24_576, "includeThoughts": True},
            ("thinking",),
        ),
        (
            {"thinking": ON | {"budget_tokens": 3}},
            50_000,
            {"thinkingBudget": 512, "includeThoughts": True},
            ("thinking",),
        ),
        (
            {"thinking": ON | {"budget_tokens": 3000}, "reasoning_effort": "low"},
            50_000,
            {"thinkingBudget": 3000, "includeThoughts": True},
            ("reasoning_effort",),
        ),
    ],
)
def test_how_much_to_think_by_budgets(params, most, thinking, dropped):
    """Google's own table has a budget for each effort; thoughts count into the limit of the answer."""
    said, lost = config(params, BUDGETS, most)
    assert (said.get("thinkingConfig"), lost) == (thinking, dropped)


def test_what_cannot_be_turned_off_is_turned_down():
    """Some models before Gemini 3 think whatever they are told."""
    always = ModelRules(thinks="always", thinking_form="budget", efforts=("low",), least_thinking_tokens=128)
    assert config({"thinking": OFF}, always) == ({"thinkingConfig": {"thinkingBudget": 1024}}, ("thinking",))
    assert config({"thinking": OFF}, ModelRules(thinks="default", thinking_form="budget")) == ({}, ())


def test_a_level_model_that_can_be_turned_off_has_no_budget():
    """There is no level for it."""
    rules = ModelRules(thinks="default", thinking_form="level", efforts=("none", "low"))
    assert config({"reasoning_effort": "none"}, rules) == ({"thinkingConfig": {"thinkingBudget": 0}}, ())


def test_what_a_model_has_no_word_for_is_named():
    """It may think or not."""
    assert config({"thinking": ON, "reasoning_effort": "low"}, ModelRules()) == ({}, ("reasoning_effort", "thinking"))
    assert config({"thinking": OFF}, ModelRules()) == ({}, ())
