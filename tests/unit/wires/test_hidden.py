"""`wires/hidden.py`: who bills output that no event shows."""

from __future__ import annotations

from typing import Any

import pytest

from gateway_core.config.catalog_loader import load_catalog
from gateway_core.domain.chat import Deployment, Model, ProviderCall
from gateway_core.wires.hidden import hides_output
from tests.conftest import model

CATALOG = load_catalog()


def call(to: Model, **params: Any) -> ProviderCall:
    return ProviderCall(to.deployment, (), params, 100, 1.0, "req", rules=to.rules)


@pytest.mark.parametrize(
    ("key", "params", "hides"),
    [
        ("gpt-5.1", {}, False),
        ("gpt-5.1", {"reasoning_effort": "low"}, True),
        ("codex-max", {}, True),
        ("gemini-3-pro", {}, True),
        ("claude-opus-4.5", {}, False),
        ("claude-opus-4.5", {"thinking": {"type": "enabled", "budget_tokens": 2000}}, True),
        ("deepseek-v3.2", {}, False),
        ("deepseek-coder", {"reasoning_effort": "high"}, False),
        ("mistral", {}, False),
    ],
)
def test_models_that_reason(key: str, params: dict[str, Any], hides: bool) -> None:
    """Where they do, unless all of it is shown."""
    found = CATALOG.resolve(key)
    assert hides_output(call(found, **params), found) is hides


def test_of_an_unknown_model_that_can_reason_nobody_knows() -> None:
    """So it may."""
    can, cannot = (model("m", capabilities=frozenset(has)) for has in ({"reasoning"}, {"tools"}))
    assert (hides_output(call(can), can), hides_output(call(cannot), cannot)) == (True, False)


def test_an_answer_that_does_not_stream_shows_nothing_before_its_end() -> None:
    """Cohere's, by LiteLLM."""
    whole = model("c", deployment=Deployment("cohere", "command", "https://c.example"), capabilities=frozenset())
    assert hides_output(call(whole), whole)
