"""Signed thoughts of Claude's on Converse: which go into the id of a call, and which come out of it."""

from __future__ import annotations

from typing import Any

import pytest

from gateway_core.wires.anthropic.thoughts import thoughts_in, with_thoughts
from gateway_core.wires.bedrock_thoughts import Thoughts, signed_ids, thoughts_before
from gateway_core.wires.signed_ids import split

A = {"type": "thinking", "thinking": "Why?", "signature": "sa"}
HIDDEN = {"type": "redacted_thinking", "data": "YQ=="}


def said(block: Any) -> Any:
    """A thought as Converse has it."""
    text = {"text": block["thinking"], "signature": block["signature"]}
    return {"reasoningContent": {"reasoningText": text}}


def body(*content: Any) -> Any:
    return {"output": {"message": {"role": "assistant", "content": list(content)}}}


def use(call_id: str) -> Any:
    return {"toolUse": {"toolUseId": call_id, "name": "f", "input": {}}}


def test_each_call_of_a_whole_answer_carries_what_stands_before_it():
    """Thoughts with their signatures, and how long the text among them is; the id itself stays readable."""
    hidden = {"reasoningContent": {"redactedContent": "YQ=="}}
    ids = signed_ids(body(said(A), {"text": "Well."}, use("1"), use("2"), hidden, use("3")))
    assert [split(ids[one]).plain for one in "123"] == ["1", "2", "3"]
    assert [thoughts_in(ids[one]) for one in "123"] == [[A, 5], [], [HIDDEN]]


@pytest.mark.parametrize("broken", [None, {}, body(), {"output": 1}, body(1, {"reasoningContent": 2}, {"toolUse": []})])
def test_what_is_no_answer_has_no_ids(broken):
    """It is told as a failure elsewhere."""
    assert signed_ids(broken) == {}


def test_a_thought_without_a_signature_is_not_carried():
    """As of models that sign none: it would be refused."""
    plain = {"reasoningContent": {"reasoningText": {"text": "Why?"}}}
    assert signed_ids(body(plain, use("1"))) == {"1": "1"}


def test_a_stream_carries_the_same():
    """Text and signature come in pieces, and a block ends with an event of its own."""
    thoughts = Thoughts()
    deltas = [{"reasoningContent": {"text": "Wh"}}, {"reasoningContent": {"text": "y?"}}]
    deltas.append({"reasoningContent": {"signature": "sa"}})
    for delta in deltas:
        thoughts.read({"type": "contentBlockDelta", "delta": delta})
    thoughts.read({"type": "contentBlockStop"})
    for text in ("We", "ll."):
        thoughts.read({"type": "contentBlockDelta", "delta": {"text": text}})
    thoughts.read({"type": "contentBlockStop"})
    assert thoughts_in(thoughts.signed("1")) == [A, 5]
    assert thoughts.signed("2") == "2"


def turn(*ids: str, **more: Any) -> Any:
    return {"role": "assistant", "content": "", "tool_calls": [{"id": one} for one in ids], **more}


@pytest.mark.parametrize(
    ("message", "found"),
    [
        (turn(with_thoughts("1", [A, 5]), "2"), [A]),
        (turn("1", thinking_blocks=[A]), [A]),
        (turn("1"), []),
        ({"role": "assistant", "content": "Hi."}, []),
        (turn(with_thoughts("1", [5, A])), []),
        (turn(with_thoughts("1", [A]), with_thoughts("2", [A])), []),
        (turn("1", with_thoughts("2", [A])), []),
        (turn(with_thoughts("1", [A, HIDDEN])), []),
        (turn("1", thinking_blocks=[{**A, "signature": "llm-gateway"}]), []),
        (turn("1", thinking_blocks="?"), []),
    ],
)
def test_thoughts_go_back_that_a_turn_begins_with(message, found):
    """Others would be sent in another place or form; none is better than a request that is refused."""
    assert thoughts_before(message) == found
