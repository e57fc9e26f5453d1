"""Options brought to what a model takes, rule by rule."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway_core.domain.model_rules import EFFORTS, NO_RULES, ModelRules
from gateway_core.wires.fit import Fitted, forces_a_call, says_nothing, stops_of, thinking_asked
from tests.unit.wires.fitting import MODELS, fit

FREE = ModelRules(thinks="never", efforts=())
ASKED = ModelRules(thinks="asked", thinking_form="effort", efforts=("none", "low", "high"), forces_tools_thinking=False)
DEFAULT = ModelRules(
    thinks="default", thinking_form="switch", efforts=("none", "high", "max"), forces_tools_thinking=False
)
ALWAYS = ModelRules(thinks="always", thinking_form="level", efforts=("low", "high"), forces_tools_thinking=False)
BUDGET = ModelRules(thinks="asked", thinking_form="budget", efforts=("none", "low", "medium", "high"))
ADAPTIVE = ModelRules(thinks="asked", thinking_form="adaptive", efforts=("none", "low", "high"))
LEVELS = ModelRules(thinks="asked", thinking_form="level", efforts=("none", "low", "medium", "high"))
NAMED = {"type": "function", "function": {"name": "f"}}


def thinking(kind: str, **more: Any) -> dict[str, Any]:
    return {"type": kind, **more}


class TestOptions:
    """Rules that hold whether it thinks or not."""

    def test_nothing_is_refused_where_nothing_is_known(self):
        """What is asked is sent, effort and all; null says nothing."""
        params = {"temperature": 1.9, "top_p": 0.1, "stop": [" "] * 9, "seed": None, "tool_choice": "required"}
        found = fit(NO_RULES, reasoning_effort="xhigh", **params)
        assert found == Fitted(
            {k: v for k, v in params.items() if v is not None}, "xhigh", thinks=True, budget=None, dropped=()
        )

    @pytest.mark.parametrize(
        ("rules", "params", "sent", "dropped"),
        [
            (ModelRules(refuses=frozenset({"seed"})), {"seed": 1, "user": "u"}, {"user": "u"}, ("seed",)),
            (ModelRules(most_temperature=1), {"temperature": 1.5}, {"temperature": 1}, ("temperature",)),
            (ModelRules(most_temperature=1), {"temperature": 0}, {"temperature": 0}, ()),
            (ModelRules(refuses=frozenset({"temperature"})), {"temperature": 1}, {}, ()),
            (ModelRules(refuses=frozenset({"temperature"})), {"temperature": 0}, {}, ("temperature",)),
            (ModelRules(refuses=frozenset({"presence_penalty"})), {"presence_penalty": 0.0}, {}, ()),
            (
                ModelRules(one_of_temperature_and_top_p=True),
                {"temperature": 0.5, "top_p": 0.9},
                {"temperature": 0.5},
                ("top_p",),
            ),
            (ModelRules(one_of_temperature_and_top_p=True), {"top_p": 0.9}, {"top_p": 0.9}, ()),
            (ModelRules(stop_needs_text=True), {"stop": "\n"}, {}, ("stop",)),
            (ModelRules(stop_needs_text=True), {"stop": ["a", " "]}, {"stop": ["a"]}, ("stop",)),
            (ModelRules(stop_needs_text=True), {"stop": "a"}, {"stop": "a"}, ()),
            (ModelRules(most_stops=2), {"stop": ["a", "b", "c"]}, {"stop": ["a", "b"]}, ("stop",)),
        ],
    )
    def test_what_goes_and_what_is_named(self, rules, params, sent, dropped):
        """What asks for what the model does anyway is left out without a word."""
        found = fit(rules, **params)
        assert (found.params, found.dropped) == (sent, dropped)

    @pytest.mark.parametrize(
        ("rules", "params", "sent"),
        [
            (FREE, {}, {"temperature": 0.7}),
            (FREE, {"temperature": 0}, {"temperature": 0}),
            (ModelRules(most_temperature=0.5), {}, {"temperature": 0.5}),
            (ModelRules(refuses=frozenset({"temperature"})), {}, {}),
            (ModelRules(one_of_temperature_and_top_p=True), {"top_p": 0.9}, {"top_p": 0.9}),
            (FREE, {"top_p": 0.9}, {"top_p": 0.9, "temperature": 0.7}),
        ],
    )
    def test_defaults_go_where_they_are_taken(self, rules, params, sent):
        """And are never named: nobody asked for them."""
        found = fit(rules, defaults={"temperature": 0.7}, **params)
        assert (found.params, found.dropped) == (sent, ())

    def test_other_defaults_are_sent_as_they_are(self):
        """Such as a seed."""
        assert fit(FREE, defaults={"seed": 7}).params == {"seed": 7}


class TestEffort:
    """`reasoning_effort` by what a model tells apart."""

    @pytest.mark.parametrize(
        ("rules", "asked", "effort", "thinks", "dropped"),
        [
            (ASKED, None, None, False, ()),
            (ASKED, "none", "none", False, ()),
            (ASKED, "low", "low", True, ()),
            (ASKED, "minimal", "low", True, ("reasoning_effort",)),
            (ASKED, "medium", "high", True, ("reasoning_effort",)),
            (ASKED, "xhigh", "high", True, ("reasoning_effort",)),
            (DEFAULT, None, None, True, ()),
            (DEFAULT, "none", "none", False, ()),
            (ALWAYS, None, None, True, ()),
            (ALWAYS, "none", "low", True, ("reasoning_effort",)),
            (FREE, "none", None, False, ()),
            (FREE, "high", None, False, ("reasoning_effort",)),
            (ModelRules(thinks="always", efforts=()), "none", None, True, ("reasoning_effort",)),
            (NO_RULES, "none", "none", False, ()),
        ],
    )
    def test_the_next_stronger_one(self, rules, asked, effort, thinks, dropped):
        """Else its strongest; either is named."""
        found = fit(rules, reasoning_effort=asked)
        assert (found.effort, found.thinks, found.dropped) == (effort, thinks, dropped)

    @given(
        st.sampled_from(EFFORTS),
        st.sampled_from([model.rules for model in MODELS.values() if model.rules.efforts is not None]),
    )
    def test_a_model_is_sent_one_that_it_knows(self, asked, rules):
        """Or none at all; and whatever differs from what was asked is named."""
        found = fit(rules, reasoning_effort=asked)
        assert found.effort is None or found.effort in rules.efforts
        assert found.effort == asked or "reasoning_effort" in found.dropped or (asked == "none" and not found.thinks)


class TestThinking:
    """Anthropic's option, which callers may send to any model."""

    @pytest.mark.parametrize(
        ("rules", "option", "effort", "budget", "thinks", "dropped"),
        [
            (BUDGET, thinking("enabled", budget_tokens=3000), None, 3000, True, ()),
            (BUDGET, thinking("enabled"), "high", None, True, ("thinking",)),
            (BUDGET, thinking("adaptive"), "high", None, True, ("thinking",)),
            (BUDGET, thinking("disabled"), "none", None, False, ()),
            (BUDGET, {}, None, None, False, ()),
            (ADAPTIVE, thinking("adaptive"), None, None, True, ()),
            (ADAPTIVE, thinking("enabled", budget_tokens=1024), None, 1024, True, ()),
            (LEVELS, thinking("enabled", budget_tokens=1024), "low", None, True, ("thinking",)),
            (ASKED, thinking("enabled", budget_tokens=2048), "high", None, True, ("thinking",)),
            (LEVELS, thinking("enabled", budget_tokens=2048), "medium", None, True, ("thinking",)),
            (LEVELS, thinking("enabled", budget_tokens=4096), "high", None, True, ("thinking",)),
            (NO_RULES, thinking("enabled", budget_tokens=50), None, 50, True, ()),
            (NO_RULES, thinking("enabled"), "high", None, True, ("thinking",)),
            (NO_RULES, thinking("disabled"), None, None, False, ()),
            (DEFAULT, thinking("enabled"), None, None, True, ()),
            (DEFAULT, thinking("disabled"), "none", None, False, ()),
            (ALWAYS, thinking("disabled"), None, None, True, ("thinking",)),
            (FREE, thinking("disabled"), None, None, False, ()),
            (FREE, thinking("enabled", budget_tokens=3000), None, None, False, ("thinking",)),
        ],
    )
    def test_it_comes_to_what_the_model_has(self, rules, option, effort, budget, thinks, dropped):
        """Itself, or an effort, and then it is named."""
        found = fit(rules, thinking=option)
        assert (found.effort, found.budget, found.thinks, found.dropped) == (effort, budget, thinks, dropped)
        assert found.params == {}

    @pytest.mark.parametrize(
        ("rules", "effort", "option", "budget", "dropped"),
        [
            (BUDGET, "low", thinking("enabled", budget_tokens=3000), 3000, ()),
            (BUDGET, "none", thinking("enabled", budget_tokens=3000), None, ("thinking",)),
            (BUDGET, "none", thinking("disabled"), None, ()),
            (BUDGET, "low", thinking("disabled"), None, ("thinking",)),
            (ASKED, "low", thinking("enabled", budget_tokens=3000), None, ("thinking",)),
            (FREE, "low", thinking("enabled"), None, ("reasoning_effort", "thinking")),
        ],
    )
    def test_an_effort_wins(self, rules, effort, option, budget, dropped):
        """But for the budget, where the model has budgets."""
        found = fit(rules, reasoning_effort=effort, thinking=option)
        assert (found.budget, found.dropped) == (budget, dropped)
        assert found.effort == (effort if rules.efforts else None)

    def test_what_is_no_object_is_not_there(self):
        """Of any shape."""
        assert (thinking_asked({"thinking": "on"}), thinking_asked({})) == ({}, {})

    @pytest.mark.parametrize(
        ("rules", "params", "effort", "thinks", "dropped"),
        [
            (ASKED, {"reasoning_effort": "high"}, "none", False, ("reasoning_effort",)),
            (BUDGET, {"thinking": thinking("enabled", budget_tokens=3000)}, "none", False, ("thinking",)),
            (DEFAULT, {}, "none", False, ("thinking",)),
            (ALWAYS, {"reasoning_effort": "high"}, "high", True, ()),
            (ASKED, {}, None, False, ()),
        ],
    )
    def test_a_history_that_does_not_allow_it_turns_it_off(self, rules, params, effort, thinks, dropped):
        """Where the model lets it, and by name."""
        found = fit(rules, may_think=False, **params)
        assert (found.effort, found.budget, found.thinks, found.dropped) == (effort, None, thinks, dropped)

    @pytest.mark.parametrize(
        ("choice", "forced"),
        [
            (None, False),
            ("auto", False),
            ("none", False),
            ("required", True),
            (NAMED, True),
            ({"type": "custom", "custom": {"name": "c"}}, True),
            ({"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": []}}, False),
            ({"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": []}}, True),
        ],
    )
    def test_a_call_that_is_to_be_forced_turns_it_off(self, choice, forced):
        """Not one that the model may leave."""
        assert forces_a_call({"tool_choice": choice}) is forced
        found = fit(ASKED, reasoning_effort="high", tool_choice=choice)
        assert found.thinks is not forced
        assert found.params.get("tool_choice") == choice

    def test_what_it_refuses_while_it_thinks(self):
        """Goes along while it does not."""
        rules = ModelRules(
            thinks="asked",
            thinking_form="budget",
            efforts=("none", "high"),
            refuses_thinking=frozenset({"temperature"}),
            least_top_p_thinking=0.95,
        )
        asked = {"temperature": 0.5, "top_p": 0.5}
        assert fit(rules, **asked).params == asked
        found = fit(rules, reasoning_effort="high", **asked)
        assert (found.params, found.dropped) == ({}, ("temperature", "top_p"))
        assert fit(rules, reasoning_effort="high", top_p=0.95).params == {"top_p": 0.95}
        assert fit(rules, reasoning_effort="high", defaults={"temperature": 0.7}).params == {}


class TestNothing:
    """What says what is so without it."""

    @pytest.mark.parametrize(
        ("name", "value", "nothing"),
        [
            ("temperature", 1.0, True),
            ("temperature", 0, False),
            ("n", 1, True),
            ("n", 2, False),
            ("logit_bias", {}, True),
            ("stop", [], True),
            ("stop", ["a"], False),
            ("response_format", {"type": "text"}, True),
            ("modalities", ["text"], True),
            ("modalities", ["audio"], False),
            ("parallel_tool_calls", False, False),
        ],
    )
    def test_values(self, name, value, nothing):
        """By the option's own default."""
        assert says_nothing(name, value) is nothing


class TestStops:
    """`stop` in any of its forms."""

    @pytest.mark.parametrize(("stop", "texts"), [("a", ["a"]), (["a", "b"], ["a", "b"]), (None, []), (7, [])])
    def test_forms(self, stop, texts):
        """A text, or a list of them."""
        assert stops_of({"stop": stop}) == texts
