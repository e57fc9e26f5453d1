"""What of a request on Anthropic's wire changes on its way to Anthropic: by the model's rules, and nothing else."""

from dataclasses import replace

import pytest

from gateway_core.domain.model_rules import NO_RULES
from gateway_core.wires.anthropic.codec import ANTHROPIC_CODEC
from gateway_core.wires.anthropic.inbound.request import inbound
from gateway_core.wires.signed_ids import signed
from tests.unit.wires import claude
from tests.unit.wires.forwarding import (
    ALWAYS,
    BUDGET,
    CLEARS,
    CLEARS_TOOLS,
    HAIKU_45,
    MARK,
    OPUS_45,
    OPUS_48,
    OWN,
    RESULT,
    SONNET_46,
    THOUGHT,
    TOOLS,
    USE,
    Q,
    forward,
)

BACK = {"role": "user", "content": [RESULT]}


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"system": "s", "top_p": 0.99, "stop_sequences": ["a"], "service_tier": "auto"},
        {"thinking": BUDGET, "output_config": {"effort": "max", "task_budget": {"total": 1}}, "tools": TOOLS},
        {
            "thinking": {"type": "adaptive", "display": "omitted"},
            "context_management": {"edits": [CLEARS, CLEARS_TOOLS]},
        },
        {"thinking": {"type": "disabled"}, "cache_control": MARK, "tool_choice": {"type": "none"}},
        {
            "messages": [Q, {"role": "assistant", "content": [THOUGHT, USE]}, {"role": "user", "content": [RESULT]}],
            "thinking": BUDGET,
        },
        {"inference_geo": "global", "context_management": {"edits": []}},
    ],
)
def test_what_the_model_takes_goes_on(body):
    """All but the model's name."""
    sent = forward(**body)
    assert (sent.path, sent.dropped) == ("/v1/messages", ())
    assert sent.body == {"model": "claude-x", "max_tokens": 9000, "messages": [Q], **body}


def test_ours():
    """Name, cap, who asks, and how it comes; nulls say nothing. The order stays."""
    body = {"stream": False, "metadata": {"user_id": "u"}, "top_k": None, "temperature": 1}
    assert list(forward(streams=True, **body).body.items()) == [
        ("model", "claude-x"),
        ("max_tokens", 9000),
        ("messages", [Q]),
        ("stream", True),
        ("metadata", {"user_id": "p:u"}),
        ("temperature", 1),
    ]
    assert "stream" not in forward(stream=False).body
    nobody = inbound({"messages": [Q], "metadata": {"user_id": None}}, {})
    call = replace(claude.call(), params=nobody.params, spoken=replace(nobody.spoken))
    assert "metadata" not in ANTHROPIC_CODEC.request(call, False).body  # noqa: FBT003 - as every codec's


@pytest.mark.parametrize(
    ("rules", "body", "changed", "dropped"),
    [
        # a budget for who knows no adaptive thinking, and an effort where there are any
        (
            OPUS_45,
            {"thinking": {"type": "adaptive"}},
            {"thinking": {"type": "enabled", "budget_tokens": 4096}},
            {"thinking"},
        ),
        (OPUS_45, {"output_config": {"effort": "max"}}, {"output_config": {"effort": "high"}}, {"reasoning_effort"}),
        (OPUS_45, {"output_config": {"effort": "low"}}, {}, set()),
        (HAIKU_45, {"output_config": {"effort": "low"}}, {"output_config": None}, {"reasoning_effort"}),
        (
            HAIKU_45,
            {"output_config": {"effort": "low", "format": {"type": "json_schema", "schema": {}}}},
            {"output_config": {"format": {"type": "json_schema", "schema": {}}}},
            {"reasoning_effort"},
        ),
        (SONNET_46, {"output_config": {"effort": "xhigh"}}, {"output_config": {"effort": "max"}}, {"reasoning_effort"}),
        # adaptive thinking for who knows no budget any more
        (
            OPUS_48,
            {"thinking": {"type": "enabled", "budget_tokens": 5000}},
            {"thinking": {"type": "adaptive"}, "output_config": {"effort": "high"}},
            {"thinking"},
        ),
        (
            OPUS_48,
            {"thinking": BUDGET, "output_config": {"effort": "low"}},
            {"thinking": {"type": "adaptive"}},
            {"thinking"},
        ),
        (ALWAYS, {"thinking": {"type": "disabled"}}, {"thinking": {"type": "adaptive"}}, {"thinking"}),
        # a budget below the cap
        (
            OPUS_45,
            {"thinking": {"type": "enabled", "budget_tokens": 9000}},
            {"thinking": {"type": "enabled", "budget_tokens": 6750}},
            {"thinking"},
        ),
        # a call that is to be forced, and a history without thoughts, win over thinking
        (
            OPUS_45,
            {"thinking": BUDGET, "tools": TOOLS, "tool_choice": {"type": "any"}},
            {"thinking": None},
            {"thinking"},
        ),
        (
            SONNET_46,
            {
                "thinking": BUDGET,
                "messages": [Q, {"role": "assistant", "content": [USE]}, {"role": "user", "content": [RESULT]}],
            },
            {"thinking": None},
            {"thinking"},
        ),
        # without thinking nothing is to be cleared of it
        (
            OPUS_45,
            {
                "thinking": BUDGET,
                "tools": TOOLS,
                "tool_choice": {"type": "any"},
                "context_management": {"edits": [CLEARS, CLEARS_TOOLS]},
            },
            {"thinking": None, "context_management": {"edits": [CLEARS_TOOLS]}},
            {"thinking", "context_management"},
        ),
        (OPUS_45, {"context_management": {"edits": [CLEARS]}}, {"context_management": None}, {"context_management"}),
        (
            replace(OPUS_45, edits_context=False),
            {"context_management": {"edits": [CLEARS_TOOLS]}},
            {"context_management": None},
            {"context_management"},
        ),
        # sampling and stops
        (OPUS_45, {"temperature": 0.5, "top_p": 0.99}, {"top_p": None}, {"top_p"}),
        (OPUS_48, {"temperature": 0.5}, {"temperature": None}, {"temperature"}),
        (OPUS_45, {"temperature": 0.5, "thinking": BUDGET}, {"temperature": None}, {"temperature"}),
        (OPUS_45, {"stop_sequences": ["a", "\n"]}, {"stop_sequences": ["a"]}, {"stop"}),
        (OPUS_45, {"stop_sequences": ["\n"]}, {"stop_sequences": None}, {"stop"}),
        # of a model that nobody knows its provider has the word
        (
            NO_RULES,
            {"thinking": BUDGET, "output_config": {"effort": "max"}, "context_management": {"edits": [CLEARS]}},
            {},
            set(),
        ),
    ],
)
def test_what_the_model_does_not_take(rules, body, changed, dropped):
    """It is left out, or brought to the nearest, and named."""
    sent = forward(rules, **body)
    expected = {"model": "claude-x", "max_tokens": 9000, "messages": [Q], **body, **changed}
    assert sent.body == {name: value for name, value in expected.items() if value is not None}
    assert set(sent.dropped) == dropped


def test_an_interleaved_budget_may_be_above_the_cap():
    """It is for a whole turn then; without tools that is one answer."""
    thinking = {"type": "enabled", "budget_tokens": 9000}
    headers = {"anthropic-beta": "interleaved-thinking-2025-05-14"}
    assert forward(OPUS_45, headers=headers, thinking=thinking, tools=TOOLS).body["thinking"] == thinking
    alone = forward(OPUS_45, headers=headers, thinking=thinking)
    assert (alone.body["thinking"]["budget_tokens"], alone.dropped) == (6750, ("thinking",))


@pytest.mark.parametrize(
    ("rules", "messages", "sent"),
    [
        (OPUS_48, [Q, {"role": "system", "content": "s"}], None),
        (
            SONNET_46,
            [Q, {"role": "system", "content": "s"}],
            [Q, {"role": "user", "content": [{"type": "text", "text": "<system>\ns\n</system>"}]}],
        ),
        (
            OPUS_48,
            [{"role": "system", "content": [{"type": "text", "text": "s", "cache_control": MARK}]}, Q],
            [
                {
                    "role": "user",
                    "content": [{"type": "text", "text": "<system>\ns\n</system>", "cache_control": MARK}],
                },
                Q,
            ],
        ),
        (SONNET_46, [Q, {"role": "system", "content": " "}], [Q]),
        (
            OPUS_48,
            [Q, {"role": "assistant", "content": [USE]}, {"role": "system", "content": "s"}, BACK],
            [Q, {"role": "assistant", "content": [USE]}, BACK, {"role": "system", "content": "s"}],
        ),
        (SONNET_46, [Q, {"role": "assistant", "content": ""}, Q], [Q, Q]),
        (SONNET_46, [Q, {"role": "assistant", "content": []}, Q], [Q, Q]),
        (SONNET_46, [Q, {"role": "assistant", "content": [OWN]}, Q], [Q, Q]),
        (
            SONNET_46,
            [Q, {"role": "assistant", "content": [OWN, {"type": "text", "text": "a"}, {"type": "text", "text": ""}]}],
            [Q, {"role": "assistant", "content": [{"type": "text", "text": "a"}]}],
        ),
    ],
)
def test_messages_as_the_model_takes_them(rules, messages, sent):
    """The system's place, what says nothing, and thoughts of others."""
    assert forward(rules, messages=messages).body["messages"] == (messages if sent is None else sent)


def test_ids_of_other_models_fit():
    """What they carry stays here, and odd ones are made anew, for the call and its result alike."""
    odd = [signed("call.1", "d", "hm"), "functions.f:0"]
    uses = [{**USE, "id": one} for one in odd]
    results = [{**RESULT, "tool_use_id": one} for one in odd]
    messages = [Q, {"role": "assistant", "content": uses}, {"role": "user", "content": results}]
    _, made, back = forward(messages=messages).body["messages"]
    ids = [block["id"] for block in made["content"]]
    assert [block["tool_use_id"] for block in back["content"]] == ids
    assert all(one.replace("_", "").isalnum() for one in ids)


def test_thoughts_of_a_turn_that_goes_on_without_thinking():
    """They are left out where thinking had to be turned off."""
    history = [Q, {"role": "assistant", "content": [THOUGHT, USE]}, {"role": "user", "content": [RESULT]}]
    body = {"thinking": BUDGET, "tools": TOOLS, "tool_choice": {"type": "any"}, "messages": history}
    assert forward(OPUS_45, **body).body["messages"][1] == {"role": "assistant", "content": [USE]}
    assert forward(OPUS_45, messages=history).body["messages"] == history
