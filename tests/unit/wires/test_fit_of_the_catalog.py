"""What the models of the catalog are sent of options that some of them refuse."""

from __future__ import annotations

from typing import Any

import pytest

from gateway_core.domain.model_rules import EFFORTS, NO_RULES
from gateway_core.wires.fit import misfit
from tests.unit.wires.fitting import MODELS, fit

NAMED = {"type": "function", "function": {"name": "f"}}


def of(key: str, **params: Any) -> tuple[dict[str, Any], Any, bool, tuple[str, ...]]:
    """What a catalog model is sent: options, effort, whether it thinks; and what is named."""
    found = fit(MODELS[key].rules, **params)
    return dict(found.params), found.effort, found.thinks, found.dropped


CLAUDES = ("claude-opus-4.5", "claude-sonnet-4", "claude-haiku-3.5")
DEEPSEEKS = ("deepseek-v3.2", "deepseek-coder")


class TestCatalog:
    """What the models of the catalog get of options that some of them refuse."""

    @pytest.mark.parametrize("key", CLAUDES)
    def test_claude(self, key):
        """One kind of sampling, up to 1, none while it thinks; forced calls before thinking; stops with text."""
        assert of(key, defaults={"temperature": 0.7}, top_p=0.9) == ({"top_p": 0.9}, None, False, ())
        assert of(key, temperature=0.5, top_p=0.9) == ({"temperature": 0.5}, None, False, ("top_p",))
        assert of(key, temperature=1.5) == ({"temperature": 1}, None, False, ("temperature",))
        forced = of(key, reasoning_effort="medium", tool_choice="required")
        assert forced == ({"tool_choice": "required"}, "none", False, ("reasoning_effort",))
        assert of(key, reasoning_effort="medium", tool_choice=NAMED)[2] is False
        assert of(key, reasoning_effort="medium", top_p=0.5) == ({}, "medium", True, ("top_p",))
        assert of(key, reasoning_effort="medium", temperature=0.5) == ({}, "medium", True, ("temperature",))
        assert of(key, stop=["\n"]) == ({}, None, False, ("stop",))
        assert of(key, reasoning_effort="minimal") == ({}, "low", True, ("reasoning_effort",))

    def test_claudes_efforts(self):
        """Sonnet 4.6 knows `max`, but nothing between it and `high`; the others end at `high`."""
        assert [of(key, reasoning_effort="xhigh")[1] for key in CLAUDES] == ["high", "max", "high"]
        assert [MODELS[key].rules.thinking_form for key in CLAUDES] == ["budget", "adaptive", "budget"]
        assert [MODELS[key].rules.takes_prefill for key in CLAUDES] == [True, False, True]

    @pytest.mark.parametrize("key", DEEPSEEKS)
    def test_deepseek(self, key):
        """It thinks unless told not to, and is told so for a forced call."""
        assert of(key) == ({}, None, True, ())
        assert of(key, tool_choice="required") == ({"tool_choice": "required"}, "none", False, ("thinking",))
        assert of(key, tool_choice=NAMED) == ({"tool_choice": NAMED}, "none", False, ("thinking",))
        assert of(key, may_think=False) == ({}, "none", False, ("thinking",))
        assert of(key, temperature=0.5) == ({}, None, True, ("temperature",))
        assert of(key, temperature=0.5, reasoning_effort="none") == ({"temperature": 0.5}, "none", False, ())
        assert [of(key, reasoning_effort=effort)[1] for effort in EFFORTS] == [
            "none",
            "low",
            "low",
            "high",
            "high",
            "max",
            "max",
        ]

    @pytest.mark.parametrize(
        ("key", "strongest"), [("gpt-5.1", "high"), ("gpt-5.1-vision", "high"), ("gpt-5.1-mini", "xhigh")]
    )
    def test_gpt(self, key, strongest):
        """It samples until it reasons, and never stops at a text."""
        assert of(key, temperature=0.5, top_p=0.9) == ({"temperature": 0.5, "top_p": 0.9}, None, False, ())
        sampled = of(key, temperature=0.5, top_p=0.9, reasoning_effort="low")
        assert sampled == ({}, "low", True, ("temperature", "top_p"))
        assert of(key, reasoning_effort="xhigh")[1] == strongest
        assert of(key, reasoning_effort="minimal") == ({}, "low", True, ("reasoning_effort",))
        assert of(key, stop=["a"], frequency_penalty=1) == ({}, None, False, ("frequency_penalty", "stop"))
        assert of(key, tool_choice="required", reasoning_effort="low")[2] is True
        for single in ({"logprobs": True}, {"logit_bias": {"1": -100}}):
            assert not MODELS[key].rules.cannot & single.keys()
            assert misfit(single, MODELS[key].rules) is None
            assert misfit({**single, "reasoning_effort": "low"}, MODELS[key].rules) is not None

    def test_codex(self):
        """It always reasons."""
        assert of("codex-max", temperature=0.5, stop=["a"]) == ({}, None, True, ("stop", "temperature"))
        assert of("codex-max", reasoning_effort="none") == ({}, "low", True, ("reasoning_effort",))
        assert of("codex-max", reasoning_effort="xhigh") == ({}, "xhigh", True, ())
        assert misfit({"tool_choice": "required"}, MODELS["codex-max"].rules) is None

    @pytest.mark.parametrize("key", ["gemini-3-pro", "gemini-flash", "gemini-pro-vision"])
    def test_gemini(self, key):
        """It always thinks, without `minimal`; penalties are left out, and stops beyond the fifth."""
        for weaker in ("none", "minimal"):
            assert of(key, reasoning_effort=weaker) == ({}, "low", True, ("reasoning_effort",))
        assert of(key, reasoning_effort="medium") == ({}, "medium", True, ())
        assert of(key, presence_penalty=1, frequency_penalty=1)[3] == ("frequency_penalty", "presence_penalty")
        assert of(key, stop=["a"] * 6) == ({"stop": ["a"] * 5}, None, True, ("stop",))
        assert of(key, temperature=1.5, top_p=0.9)[0] == {"temperature": 1.5, "top_p": 0.9}

    def test_ollama(self):
        """Nothing is known of what runs there."""
        assert MODELS["mistral"].rules is NO_RULES
