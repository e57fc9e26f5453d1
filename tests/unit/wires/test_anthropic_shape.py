"""Whatever the conversation, a body has the shape of Anthropic's Messages."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from gateway_core.domain.model_rules import NO_RULES
from gateway_core.wires.anthropic.codec import ANTHROPIC_CODEC
from gateway_core.wires.anthropic.request import request
from gateway_core.wires.anthropic.thoughts import with_thoughts
from tests.unit.wires.claude import (
    ADAPTIVE,
    BY_BUDGET,
    BY_DEFAULT,
    LOOK_UP,
    PDF,
    PNG,
    REDACTED,
    THOUGHT,
    assistant,
    call,
    calls_tool,
    document,
    result,
    system,
    text,
)

_TEXTS = st.sampled_from(["", " ", "hello", "\n x ", "ü\ud800", "q"])
_MARKS = st.sampled_from(
    [{}, {"cache_control": {"type": "ephemeral"}}, {"cache_control": {"type": "ephemeral", "ttl": "1h"}}]
)
_PARTS = st.one_of(
    st.builds(lambda said, mark: text(said, **mark), _TEXTS, _MARKS),
    st.just({"type": "image_url", "image_url": {"url": PNG}}),
    st.just(document(PDF, "a.pdf")),
    st.builds(lambda said: {"type": "refusal", "refusal": said}, _TEXTS),
)
_CONTENT = st.one_of(st.none(), _TEXTS, st.lists(_PARTS, max_size=3))
_IDS = st.sampled_from(["a", "a.b", "a:b", "", with_thoughts("a", [THOUGHT]), "g__thought__sig"])
_CALLS = st.lists(
    st.builds(
        lambda name, arguments: calls_tool(name, arguments)["tool_calls"][0],
        _IDS,
        st.sampled_from(["", "{}", '{"a":', "[]", '{"a":1}']),
    ),
    max_size=2,
)
_SPOKEN = st.one_of(
    st.builds(
        lambda role, content: {"role": role, "content": content},
        st.sampled_from(["system", "developer", "user"]),
        _CONTENT,
    ),
    st.builds(assistant, _CONTENT),
)
_CALLING = st.builds(
    lambda content, calls, blocks: assistant(content, tool_calls=calls, thinking_blocks=blocks),
    _CONTENT,
    _CALLS,
    st.sampled_from([None, [THOUGHT], [REDACTED]]),
)
_ANSWERED = st.builds(
    lambda turn, between, content: [turn, *between, *(result(made["id"], content) for made in turn["tool_calls"])],
    _CALLING,
    st.lists(st.builds(system, _TEXTS), max_size=1),
    _CONTENT,
)
_MESSAGES = st.lists(
    st.one_of(
        _SPOKEN.map(lambda one: [one]), _ANSWERED, st.one_of(_CALLING, st.builds(result, _IDS)).map(lambda one: [one])
    ),
    max_size=6,
).map(lambda parts: [message for part in parts for message in part])
_OPTIONS = st.fixed_dictionaries(
    {},
    optional={
        "tools": st.just([LOOK_UP]),
        "tool_choice": st.sampled_from(["none", "auto", "required"]),
        "reasoning_effort": st.sampled_from(["none", "low", "high"]),
        "response_format": st.just({"type": "json_object"}),
    },
)


@given(_MESSAGES, _OPTIONS, st.sampled_from([BY_BUDGET, ADAPTIVE, BY_DEFAULT, NO_RULES]), st.booleans())
def test_any_conversation_gives_a_body_of_anthropics_shape(
    messages: Any, params: Any, rules: Any, caches: bool
) -> None:
    """Roles alternate, no block is empty, results stand first, ids fit, and there are four breakpoints at most."""
    made = replace(call(*messages, rules=rules, **params), messages=tuple(messages), caches_prompt=caches)
    sent = request(made, streams=True).body
    roles = [turn["role"] for turn in sent["messages"]]
    assert all(role != after for role, after in itertools.pairwise(roles))
    blocks = [block for turn in sent["messages"] for block in turn["content"]]
    assert all(turn["content"] for turn in sent["messages"])
    assert all(block["text"].strip() for block in blocks if block["type"] == "text")
    ids = [block["id"] for block in blocks if block["type"] == "tool_use"]
    assert len(set(ids)) == len(ids)
    for turn in sent["messages"]:
        kinds = [block["type"] == "tool_result" for block in turn["content"]]
        assert kinds == sorted(kinds, reverse=True)
    if not ANTHROPIC_CODEC.objection(messages, params, rules):
        answered = [block["tool_use_id"] for block in blocks if block["type"] == "tool_result"]
        assert sorted(answered) == sorted(ids)
    marked = [block for block in [*blocks, *sent.get("system", ()), *sent.get("tools", ())] if "cache_control" in block]
    assert len(marked) <= 4
    json.dumps(sent)
