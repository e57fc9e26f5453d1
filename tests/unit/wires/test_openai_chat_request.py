"""Requests on OpenAI's chat wire: what goes along, what is put into a dialect, what is named."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway_core.domain.model_rules import ModelRules
from gateway_core.wires.fit import fitted
from gateway_core.wires.openai_chat.codec import OPENAI_CHAT_CODEC
from tests.unit.wires.openai_calls import SWITCH, USER, chat_call, dropped, sent

FRAME = {"model": "m-upstream", "messages": [USER]}
TOOL = {"type": "function", "function": {"name": "f", "description": None, "parameters": None, "strict": True}}
BODY = {"seed": 7, "user": "ada", "top_p": None, "model": "gpt", "messages": [USER], "metadata": {}, "stop": ["x"]}


def test_a_call_from_another_wire():
    """Who stores is told not to, and has its tier named; others know neither."""
    params = {"temperature": 0.5}
    assert sent(params=params) == {
        **FRAME,
        "temperature": 0.5,
        "max_completion_tokens": 64,
        "store": False,
        "service_tier": "default",
    }
    assert sent(provider="deepseek", params=params) == {**FRAME, "temperature": 0.5, "max_tokens": 64}


def test_a_call_from_the_same_wire_keeps_its_order():
    """And its nulls; what is ours is set or left out."""
    body = sent(provider="p", params={"seed": 7, "stop": ["x"]}, body=BODY)
    assert list(body.items()) == [*FRAME.items(), ("seed", 7), ("top_p", None), ("stop", ["x"]), ("max_tokens", 64)]


def test_options_that_a_model_refuses_stay_out():
    """Though the body has them, and also where they say nothing; values out of range are replaced in their place."""
    rules = ModelRules(refuses=frozenset({"logprobs", "seed"}), most_temperature=1.0)
    params = {"temperature": 1.5, "seed": 1, "logprobs": False, "top_p": 0.5}
    call = {"provider": "p", "params": params, "body": params, "rules": rules}
    assert list(sent(**call).items()) == [*FRAME.items(), ("temperature", 1.0), ("top_p", 0.5), ("max_tokens", 64)]
    assert dropped(**call) == ("seed", "temperature")


def test_the_path_is_below_the_base():
    """OpenAI's ends in `/v1`."""
    assert OPENAI_CHAT_CODEC.request(chat_call(), False).path == "/chat/completions"  # noqa: FBT003 - as every codec's


@pytest.mark.parametrize(
    ("body", "options"),
    [
        (None, {}),
        ({"stream_options": None}, {}),
        ({"stream_options": {"include_obfuscation": False}}, {"include_obfuscation": False}),
    ],
)
def test_a_stream_always_tells_its_usage(body, options):
    """The caller's other options go along."""
    made = sent(streams=True, body=body)
    assert (made["stream"], made["stream_options"]) == (True, {**options, "include_usage": True})


@pytest.mark.parametrize(("asked", "told"), [({}, "default"), ({"service_tier": "flex"}, "flex")])
def test_the_tier_is_always_named(asked, told):
    """Else it would be what the account's project says."""
    assert sent(params=asked)["service_tier"] == told


def test_words_of_other_wires_are_named():
    """Also null they would be refused."""
    params = {"top_k": 5, "store": True, "thinking": {"type": "enabled", "budget_tokens": 2000}}
    assert dropped(params=params) == ("store", "thinking", "top_k")
    assert not {"top_k", "thinking"} & sent(params=params, body=params).keys()
    assert "top_k" not in sent(body={"top_k": None})
    assert dropped(params={"store": False}) == ()


def test_tools_without_nulls_and_marks():
    """A null description is refused; where a cache is to begin, OpenAI finds itself."""
    marked = {**TOOL, "cache_control": {"type": "ephemeral"}}
    custom = {"type": "custom", "custom": {"name": "run"}}
    plain = {"type": "function", "function": {"name": "f", "strict": True}}
    assert sent(params={"tools": [marked, custom]})["tools"] == [plain, custom]
    assert dropped(params={"tools": [marked]}) == ("cache_control",)
    assert dropped(params={"tools": [{**TOOL, "cache_control": None}]}) == ()


@pytest.mark.parametrize(
    ("params", "thinking", "effort", "named"),
    [
        ({}, None, None, ()),
        ({"reasoning_effort": "high"}, "enabled", "high", ()),
        ({"reasoning_effort": "low"}, "enabled", "high", ("reasoning_effort",)),
        ({"reasoning_effort": "none"}, "disabled", None, ()),
        ({"thinking": {"type": "disabled"}}, "disabled", None, ()),
        ({"thinking": {"type": "enabled"}}, "enabled", None, ()),
        ({"thinking": {"type": "adaptive"}}, "enabled", None, ()),
    ],
)
def test_thinking_as_a_switch(params, thinking, effort, named):
    """Of DeepSeek, with an effort beside it."""
    body = sent(provider="deepseek", params=params, rules=SWITCH)
    assert (body.get("thinking"), body.get("reasoning_effort")) == (thinking and {"type": thinking}, effort)
    assert dropped(provider="deepseek", params=params, rules=SWITCH) == named


def test_who_thinks_only_when_asked_is_asked():
    """By the switch."""
    rules = replace(SWITCH, thinks="asked")
    params = {"thinking": {"type": "enabled"}}
    assert sent(provider="deepseek", params=params, rules=rules)["thinking"] == {"type": "enabled"}


@pytest.mark.parametrize(
    ("params", "effort"), [({}, None), ({"reasoning_effort": "low"}, "low"), ({"reasoning_effort": None}, None)]
)
def test_thinking_as_an_effort(params, effort):
    """Of OpenAI."""
    body = sent(params=params, body=params)
    assert body.get("reasoning_effort") == effort
    assert "thinking" not in body


@pytest.mark.parametrize(("thinks", "effort"), [("asked", None), ("default", "none")])
def test_who_takes_no_tools_while_it_reasons_does_not_reason(thinks, effort):
    """Some of OpenAI's on this wire: the tools are kept. Without tools, and over Responses, they reason."""
    rules = ModelRules(
        thinks=thinks, thinking_form="effort", efforts=("none", "low"), chat_tools_thinking=False, source="x"
    )
    params = {"tools": [{"type": "function", "function": {"name": "f"}}], "reasoning_effort": "low"}
    made = sent(provider="p", params=params, rules=rules)
    assert (made.get("reasoning_effort"), made["tools"]) == (effort, params["tools"])
    assert dropped(params=params, rules=rules) == ("reasoning_effort",)
    alone = {"reasoning_effort": "low"}
    assert sent(provider="p", params=alone, rules=rules)["reasoning_effort"] == "low"
    told = {**params, "reasoning_effort": "none"}
    assert (sent(params=told, rules=rules).get("reasoning_effort"), dropped(params=told, rules=rules)) == (effort, ())
    call = chat_call(params=params, rules=rules)
    assert fitted(replace(call, deployment=replace(call.deployment, mode="responses"))).effort == "low"


ALLOWED = {"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": [TOOL]}}
OTHER = {"type": "function", "function": {"name": "g"}}


def test_a_list_of_allowed_tools_goes_to_who_knows_it():
    """To others only those are offered, if there are any."""
    offers = {"tools": [OTHER, {"type": "function", "function": {"name": "f"}}], "tool_choice": ALLOWED}
    assert sent(params=offers)["tool_choice"] == ALLOWED
    made = sent(provider="deepseek", params=offers)
    assert (made["tools"], made["tool_choice"]) == ([offers["tools"][1]], "required")
    assert not {"tools", "tool_choice"} & sent(provider="deepseek", params={**offers, "tools": [OTHER]}).keys()
    plain = sent(provider="deepseek", params={**offers, "tool_choice": "auto"})
    assert (plain["tools"], plain["tool_choice"]) == (offers["tools"], "auto")


JSON_MODE = {"response_format": {"type": "json_object"}}


@pytest.mark.parametrize("said", ["as JSON", [{"type": "text", "text": "as json"}]])
def test_json_mode_where_somebody_says_json(said):
    """The conversation stays as it is."""
    asks = {"role": "user", "content": said}
    assert sent(asks, params=JSON_MODE)["messages"] == [asks]


def test_json_mode_where_nobody_says_json():
    """It is said for who refuses it else."""
    hint = {"role": "system", "content": "Answer with a JSON object."}
    silent = {"role": "assistant", "content": None}
    assert sent(USER, silent, params=JSON_MODE)["messages"][0] == hint
    assert sent(USER, provider="deepseek", params=JSON_MODE)["messages"] == [hint, USER]
    assert sent(USER, provider="p", params=JSON_MODE)["messages"] == [USER]
    assert sent(USER)["messages"] == [USER]


def test_options_about_calls_need_tools():
    """OpenAI refuses them without; only a call that had to be made is missed."""
    quiet = {"tool_choice": "auto", "parallel_tool_calls": True}
    assert not quiet.keys() & sent(params=quiet, body=quiet).keys()
    assert dropped(params=quiet) == ()
    assert dropped(params={"tool_choice": "required"}) == ("tool_choice",)
