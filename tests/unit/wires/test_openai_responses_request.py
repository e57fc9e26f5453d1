"""What is sent to OpenAI's Responses for the options of the chat form, and what is named as left out."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway_core.domain.model_rules import NO_RULES, ModelRules
from gateway_core.wires.demands import DEMANDS, demands_of, unmet
from gateway_core.wires.openai_responses.codec import OPENAI_RESPONSES_CODEC
from tests.unit.wires.response_inputs import (
    FRAME,
    GREP,
    HI,
    LOOK_UP,
    PDF,
    PNG,
    body,
    dropped,
    function_call,
    message,
    sent,
)
from tests.unit.wires.responses import CODEX, THINKS, asked


def test_the_frame():
    """Nothing is stored, and what nobody asked for is not said."""
    found = asked(HI, rules=NO_RULES)
    assert found.path == "/responses"
    assert found.headers == ()
    assert found.dropped == ()
    assert found.body == {
        "model": "gpt-5.3-codex",
        "input": [message("user", "hi")],
        "max_output_tokens": 4096,
        "service_tier": "default",
        "store": False,
    }
    assert body(HI, streams=True, rules=NO_RULES) == {**found.body, "stream": True}


def test_thinking():
    """Efforts that the model has; encrypted reasoning is asked for as long as it thinks."""
    plain = body(HI)
    assert plain["include"] == ["reasoning.encrypted_content"]
    assert "reasoning" not in plain
    assert body(HI, reasoning_effort="xhigh")["reasoning"] == {"effort": "xhigh"}
    off = body(HI, reasoning_effort="none")
    assert off["reasoning"] == {"effort": "none"}
    assert "include" not in off
    assert dropped(HI, reasoning_effort="minimal") == ("reasoning_effort",)
    assert body(HI, reasoning_effort="minimal")["reasoning"] == {"effort": "low"}


ANTHROPIC = [
    ({"type": "disabled"}, THINKS, ()),
    ({"type": "disabled"}, NO_RULES, ()),
    ({"type": "disabled"}, ModelRules(thinks="always", efforts=("low", "high")), ("thinking",)),
    ({"type": "enabled", "budget_tokens": 2048}, THINKS, ("thinking",)),
    ({"type": "adaptive"}, THINKS, ("thinking",)),
    (None, THINKS, ()),
]


@pytest.mark.parametrize(("thinking", "rules", "named"), ANTHROPIC)
def test_anthropics_option(thinking, rules, named):
    """A budget has no word here; to turn thinking off has one, for who can."""
    assert dropped(HI, thinking=thinking, rules=rules) == named


SCHEMA = {"type": "object", "properties": {"a": {"$ref": "#"}}, "required": ["a"], "additionalProperties": False}
FORMATS = [
    ({"type": "text"}, None),
    (
        {"type": "json_schema", "json_schema": {"name": "n", "schema": SCHEMA, "strict": True, "description": "d"}},
        {"type": "json_schema", "name": "n", "description": "d", "schema": SCHEMA, "strict": True},
    ),
    (
        {"type": "json_schema", "json_schema": {"name": "n", "schema": None, "strict": None}},
        {"type": "json_schema", "name": "n", "schema": {}, "strict": False},
    ),
]


@pytest.mark.parametrize(("wanted", "form"), FORMATS, ids=range(len(FORMATS)))
def test_formats(wanted, form):
    """As chat completions would read them: not strict without a word on it."""
    found = body(HI, response_format=wanted)
    assert found.get("text") == (None if form is None else {"format": form})
    assert dropped(HI, response_format=wanted) == ()


def test_verbosity_stands_beside_the_format():
    """Both are about the text."""
    assert body(HI, verbosity="low")["text"] == {"verbosity": "low"}
    both = body({"role": "user", "content": "json"}, verbosity="high", response_format={"type": "json_object"})
    assert both["text"] == {"format": {"type": "json_object"}, "verbosity": "high"}


HINT = message("system", "Answer with a JSON object.")
MENTIONS = [
    ({"role": "user", "content": "Give me JSON"}, False),
    ({"role": "system", "content": [{"type": "text", "text": "as json"}]}, False),
    ({"role": "user", "content": "Give me data"}, True),
    ({"role": "user", "content": [{"type": "image_url", "image_url": {"url": PNG}}]}, True),
    ({"role": "assistant", "content": "json"}, True),
    ({"role": "assistant", "tool_calls": [function_call("c", '{"q": "json"}')]}, True),
]


@pytest.mark.parametrize(("said", "hinted"), MENTIONS, ids=range(len(MENTIONS)))
def test_json_mode_has_to_be_spoken_of(said, hinted):
    """The API refuses it where the word is nowhere in the input; so it is said."""
    assert (sent(said, response_format={"type": "json_object"})[0] == HINT) is hinted
    assert HINT not in sent(said)


def test_what_is_called_the_same():
    """And an option of null is none."""
    same = {
        "temperature": 0,
        "top_p": 0.5,
        "prompt_cache_key": "k",
        "prompt_cache_retention": "24h",
        "safety_identifier": "s",
    }
    found = body(HI, **same, seed=None, stop=None)
    assert {name: found[name] for name in same} == same
    assert dropped(HI, **same, seed=None, stop=None) == ()


@pytest.mark.parametrize(("tier", "form"), [("flex", "flex"), ("auto", "auto"), (None, "default")])
def test_tiers(tier, form):
    """OpenAI is told `default` by who names none; another provider is told what the caller says."""
    other = replace(CODEX, provider="custom")
    assert body(HI, service_tier=tier)["service_tier"] == form
    assert body(HI, service_tier=tier, deployment=other).get("service_tier") == tier
    assert dropped(HI, service_tier=tier) == ()


UNSAID = {
    "stop": ["x"],
    "seed": 0,
    "presence_penalty": 0.5,
    "frequency_penalty": -1,
    "prediction": {"type": "content", "content": "x"},
    "top_k": 5,
    "top_logprobs": 3,
    "web_search_options": {"search_context_size": "low"},
    "modalities": ["text", "image"],
    "store": True,
    "an_option_of_tomorrow": "x",
}


def test_what_has_no_word_is_named():
    """And not sent under any name."""
    found = asked(HI, rules=NO_RULES, **UNSAID)
    assert found.dropped == tuple(sorted(UNSAID))
    assert found.body.keys() == FRAME
    assert found.body["store"] is False


def test_what_changes_nothing_is_not_named():
    """What is so anyhow, and what is the gateway's own."""
    nothing = {
        "n": 1,
        "store": False,
        "logprobs": False,
        "logit_bias": {},
        "modalities": ["text"],
        "presence_penalty": 0,
        "stop": [],
        "user": "u",
        "metadata": {"a": "b"},
    }
    assert dropped(HI, rules=NO_RULES, **nothing) == ()
    assert body(HI, rules=NO_RULES, **nothing).keys() == {
        "model",
        "input",
        "max_output_tokens",
        "service_tier",
        "store",
    }


def test_what_the_model_refuses_is_named():
    """By the rules of the catalog, this wire's as any other's."""
    rules = replace(THINKS, refuses=frozenset({"temperature"}))
    found = asked(HI, temperature=0.5, rules=rules)
    assert "temperature" not in found.body
    assert found.dropped == ("temperature",)


def test_names_and_marks_of_the_history_are_named():
    """Participants have no names here, and caches are not marked."""
    marked = {"type": "text", "text": "x", "cache_control": {"type": "ephemeral"}}
    assert dropped({"role": "user", "content": "x", "name": "Ada"}) == ("name",)
    assert dropped({"role": "user", "content": [marked]}) == ("cache_control",)
    assert dropped({**HI, "cache_control": {"type": "ephemeral"}}) == ("cache_control",)
    assert dropped(HI, tools=[{**LOOK_UP, "cache_control": {"type": "ephemeral"}}]) == ("cache_control",)


def test_the_least_output():
    """The API refuses less."""
    assert body(HI, max_output_tokens=1)["max_output_tokens"] == 16
    assert dropped(HI, max_output_tokens=1) == ("max_tokens",)
    assert dropped(HI, max_output_tokens=16) == ()


def test_what_rules_it_out():
    """Sound, several answers, biases and probabilities; documents, images of tools and custom tools are carried."""
    codec = OPENAI_RESPONSES_CODEC
    assert codec.cannot <= DEMANDS
    for params in ({"n": 2}, {"logprobs": True}, {"logit_bias": {"1": 1}}, {"modalities": ["text", "audio"]}):
        found = unmet(demands_of([HI], params), codec.cannot)
        assert found
        assert found.param in params
    heard = {"role": "user", "content": [{"type": "input_audio", "input_audio": {"data": "", "format": "wav"}}]}
    found = unmet(demands_of([heard], {}), codec.cannot)
    assert found
    assert found.param == "messages.0.content.0"
    document = {"role": "user", "content": [{"type": "file", "file": {"file_data": PDF}}]}
    image = {"role": "tool", "tool_call_id": "c", "content": [{"type": "image_url", "image_url": {"url": PNG}}]}
    assert unmet(demands_of([document, image], {"tools": [GREP]}), codec.cannot) is None
    assert codec.objection([heard], {}, NO_RULES) is None
