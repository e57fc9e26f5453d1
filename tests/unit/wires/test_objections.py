"""Why a model cannot serve a request, before anybody is asked."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway_core.domain.chat import ProviderCall, Spoken
from gateway_core.domain.model_rules import ModelRules
from gateway_core.wires.codecs import codec_of, has_codec, objection_to, unsaid_to
from gateway_core.wires.demands import demands_of
from gateway_core.wires.fit import misfit
from gateway_core.wires.openai_chat.codec import OPENAI_CHAT_CODEC
from tests.conftest import model

ALWAYS = ModelRules(thinks="always", forces_tools_thinking=False)
ASKED = ModelRules(thinks="asked", efforts=("none", "low"), forces_tools_thinking=False)
SILENT = ModelRules(cannot=frozenset({"n"}))


def objection(engine, rules, **params):
    """What a model without a row of its own objects to options."""
    plain = model("m", "p")
    asked = replace(plain, deployment=replace(plain.deployment, engine=engine), rules=rules)
    found = objection_to(asked, demands_of([], params), [], params)
    return found and found.param


@pytest.mark.parametrize(
    ("engine", "rules", "params", "param"),
    [
        ("native", ModelRules(), {"n": 2}, None),
        ("native", SILENT, {"n": 2}, "n"),
        ("native", SILENT, {"n": 1, "seed": 1}, None),
        ("litellm", ModelRules(), {"n": 2}, "n"),
        ("litellm", ModelRules(), {"seed": 1}, None),
        ("native", ALWAYS, {"tool_choice": "required"}, "tool_choice"),
        ("litellm", ALWAYS, {"tool_choice": "required"}, "tool_choice"),
        ("native", ALWAYS, {"tool_choice": "auto"}, None),
    ],
)
def test_by_the_engine_and_by_the_model(engine, rules, params, param):
    """Rules hold whoever translates; LiteLLM meets no demand."""
    assert objection(engine, rules, **params) == param


def test_the_engine_decides_on_the_codec():
    """None where LiteLLM translates."""
    by_litellm = model("m", "p").deployment
    assert codec_of(by_litellm) is None
    assert codec_of(replace(by_litellm, engine="native")) is OPENAI_CHAT_CODEC
    assert (has_codec("p"), has_codec("ollama"), has_codec("cohere")) == (True, True, False)


@pytest.mark.parametrize("engine", ["native", "litellm"])
def test_what_a_provider_does_not_take_it_takes_from_nobody(engine):
    """A result without a call, whoever translates."""
    plain = model("m", "anthropic")
    asked = replace(plain, deployment=replace(plain.deployment, engine=engine))
    messages = [{"role": "user", "content": "q"}, {"role": "tool", "tool_call_id": "c", "content": "r"}]
    found = objection_to(asked, demands_of(messages, {}), messages, {})
    assert found
    assert found.param == "messages.1.tool_call_id"


class TestMisfit:
    """What rules a model out, because to leave it out would change the answer."""

    @pytest.mark.parametrize(
        ("choice", "offered"),
        [
            ({"type": "function", "function": {"name": "f"}}, True),
            ({"type": "custom", "custom": {"name": "c"}}, True),
            ({"type": "function", "function": {"name": "c_"}}, False),
            (
                {
                    "type": "allowed_tools",
                    "allowed_tools": {"tools": [{"type": "function", "function": {"name": "f"}}]},
                },
                True,
            ),
            (
                {"type": "allowed_tools", "allowed_tools": {"tools": [{"type": "custom", "custom": {"name": "x"}}]}},
                False,
            ),
            ("required", True),
        ],
    )
    def test_a_tool_that_is_not_offered(self, choice, offered):
        """Nobody can be made to call it; without any tools, the choice among them is left out."""
        tools = [{"type": "function", "function": {"name": "f"}}, {"type": "custom", "custom": {"name": "c"}}, {}]
        found = misfit({"tools": tools, "tool_choice": choice}, ModelRules())
        assert (found is None) == offered
        assert found is None or found.param == "tool_choice"
        assert misfit({"tool_choice": choice}, ModelRules()) is None

    def test_a_forced_call_where_thinking_stays_on(self):
        """It cannot be turned off for it."""
        found = misfit({"tool_choice": "required"}, ALWAYS)
        assert found is not None
        assert (found.param, found.detail) == ("tool_choice", "cannot be made to call a tool (tool_choice)")
        assert misfit({"tool_choice": "auto"}, ALWAYS) is None
        assert misfit({"tool_choice": "required"}, ASKED) is None
        assert misfit({"tool_choice": "required"}, ModelRules(thinks="always")) is None

    @pytest.mark.parametrize(
        ("params", "param"),
        [
            ({"logprobs": True}, None),
            ({"reasoning_effort": "low"}, None),
            ({"logprobs": False, "reasoning_effort": "low"}, None),
            ({"logprobs": True, "reasoning_effort": "low"}, "logprobs"),
            ({"logit_bias": {"1": 1}, "reasoning_effort": "low"}, "logit_bias"),
            ({"logit_bias": {}, "reasoning_effort": "low"}, None),
            ({"logprobs": True, "reasoning_effort": "low", "tool_choice": "required"}, None),
        ],
    )
    def test_single_tokens_while_it_thinks(self, params, param):
        """Where it tells of them otherwise."""
        rules = replace(ASKED, refuses_thinking=frozenset({"logprobs", "logit_bias"}))
        found = misfit(params, rules)
        assert (found and found.param) == param
        assert found is None or "while it thinks" in found.detail
        assert misfit(params, ASKED) is None


SPOKEN = Spoken("anthropic", {}, bound=(("container", "runs no code (container)"),), unsaid=("metadata",))


@pytest.mark.parametrize(
    ("provider", "engine", "param"),
    [("anthropic", "native", None), ("anthropic", "litellm", "container"), ("openai", "native", "container")],
)
def test_what_only_one_wire_can_say_rules_out_who_does_not_speak_it(provider, engine, param):
    plain = model("m", provider)
    asked = replace(plain, deployment=replace(plain.deployment, engine=engine))
    said = [{"role": "user", "content": "Hi."}]
    found = objection_to(asked, {}, said, {}, SPOKEN)
    assert (found and found.param) == param
    assert objection_to(asked, {}, said, {}, replace(SPOKEN, bound=())) is None
    call = ProviderCall(asked.deployment, tuple(said), {}, 9, 1.0, "req", spoken=SPOKEN)
    assert unsaid_to(call) == (("metadata",) if param else ())
    assert unsaid_to(replace(call, spoken=None)) == ()
