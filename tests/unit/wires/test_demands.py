"""What a request demands that not every model can give."""

from __future__ import annotations

from typing import Any

import pytest

from gateway_core.wires.demands import DEMANDS, demands_of, needs_forwarding, unmet

FUNCTION = {"type": "function", "function": {"name": "f"}}
IMAGE = {"type": "image_url", "image_url": {"url": "https://h/i.png"}}


def user(*parts: dict[str, Any]) -> dict[str, Any]:
    return {"role": "user", "content": list(parts)}


@pytest.mark.parametrize(
    ("params", "demands"),
    [
        ({}, {}),
        ({"n": 1, "logprobs": False, "logit_bias": {}, "modalities": ["text"], "tools": [FUNCTION]}, {}),
        ({"n": None, "logprobs": None, "logit_bias": None, "modalities": None, "functions": None, "tools": None}, {}),
        ({"n": 2}, {"n": "n"}),
        ({"logprobs": True}, {"logprobs": "logprobs"}),
        ({"logit_bias": {"1": -100}}, {"logit_bias": "logit_bias"}),
        ({"modalities": ["text", "audio"]}, {"audio": "modalities"}),
        ({"tools": [FUNCTION, {"type": "custom", "custom": {"name": "c"}}]}, {"custom_tools": "tools"}),
        ({"functions": [{"name": "f"}]}, {"functions": "functions"}),
    ],
)
def test_options(params, demands):
    """What says nothing demands nothing."""
    assert demands_of([], params) == demands


@pytest.mark.parametrize(
    ("message", "demands"),
    [
        ({"role": "user", "content": "hi"}, {}),
        (user({"type": "text", "text": "hi"}, IMAGE), {}),
        (user({"type": "text", "text": "hi"}, {"type": "file", "file": {}}), {"file": "messages.1.content.1"}),
        (user({"type": "input_audio", "input_audio": {}}), {"input_audio": "messages.1.content.0"}),
        ({"role": "tool", "tool_call_id": "1", "content": "r"}, {}),
        ({"role": "tool", "tool_call_id": "1", "content": [IMAGE]}, {"image_result": "messages.1.content.0"}),
        ({"role": "function", "name": "f", "content": "r"}, {"functions": "messages.1.role"}),
        (
            {"role": "assistant", "function_call": {"name": "f", "arguments": "{}"}},
            {"functions": "messages.1.function_call"},
        ),
        ({"role": "assistant", "audio": {"id": "a"}}, {"audio": "messages.1.audio"}),
        ({"role": "assistant", "tool_calls": [{"id": "1", "type": "function"}]}, {}),
        (
            {"role": "assistant", "tool_calls": [{"id": "1", "type": "custom"}]},
            {"custom_tools": "messages.1.tool_calls"},
        ),
    ],
)
def test_messages(message, demands):
    """With the path of the field."""
    assert demands_of([{"role": "user", "content": "q"}, message], {}) == demands


def test_the_first_to_demand_it_is_named():
    """An option before a message, a message before those after it."""
    call = {"role": "assistant", "tool_calls": [{"type": "custom"}]}
    assert demands_of([call], {"tools": [{"type": "custom"}]}) == {"custom_tools": "tools"}
    assert demands_of([call, call], {}) == {"custom_tools": "messages.0.tool_calls"}


def test_every_demand_can_be_made():
    """By the tables above."""
    cases = [*test_options.pytestmark[0].args[1], *test_messages.pytestmark[0].args[1]]
    assert {name for _, demands in cases for name in demands} == DEMANDS


@pytest.mark.parametrize(
    ("messages", "params", "needed"),
    [
        ([], {"n": 2}, True),
        ([], {"logprobs": True}, True),
        ([], {"tools": [{"type": "custom"}]}, True),
        ([{"role": "assistant", "audio": {"id": "a"}}], {}, True),
        ([], {"logit_bias": {"1": 1}}, False),
        ([user({"type": "file", "file": {}}, {"type": "input_audio"})], {}, False),
        ([], {"n": 1}, False),
    ],
)
def test_what_only_the_providers_own_answer_can_hold(messages, params, needed):
    """Not what is in the question alone."""
    assert needs_forwarding(messages, params) is needed


def test_who_cannot_meet_one_says_why():
    """And which field demands it."""
    demands = demands_of([], {"n": 2, "logprobs": True})
    assert unmet(demands, frozenset({"audio"})) is None
    objection = unmet(demands, frozenset({"logprobs"}))
    assert objection is not None
    assert (objection.param, objection.detail) == ("logprobs", "gives no log probabilities (logprobs)")
    assert all(unmet({name: "f"}, DEMANDS) for name in DEMANDS)
