"""Breakpoints of Anthropic's prompt cache."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gateway_core.wires.anthropic.request import request
from tests.unit.wires.claude import (
    HOUR,
    LOOK_UP,
    MARK,
    USER,
    assistant,
    body,
    call,
    calls_tool,
    document,
    result,
    system,
    text,
    user,
)


class TestCaching:
    """Breakpoints of the prompt cache."""

    def _marks(self, sent: Any) -> list[Any]:
        turns = [block for turn in sent["messages"] for block in turn["content"]]
        return [block.get("cache_control") for block in (*sent.get("tools", ()), *sent.get("system", ()), *turns)]

    def test_the_callers_are_carried(self) -> None:
        """On parts, messages and tools, with their lifetime."""
        tool = {**LOOK_UP, "cache_control": HOUR}
        inner = {"type": "function", "function": {"name": "g", "cache_control": HOUR}}
        messages = (
            {"role": "system", "content": [text("s", cache_control=HOUR)]},
            {**USER, "cache_control": MARK},
        )
        got = request(call(*messages, tools=[tool, inner]), streams=False)
        assert (self._marks(got.body), got.dropped) == ([HOUR, HOUR, HOUR, MARK], ())

    def test_within_a_result_it_is_the_results(self) -> None:
        """Blocks within take none; and one of an empty text is the part's before it."""
        content = [text("a", cache_control=HOUR), text("b", cache_control=MARK)]
        sent = body(USER, calls_tool(), result(content=content), tools=[LOOK_UP])
        [block] = sent["messages"][2]["content"]
        assert (block["cache_control"], block["content"]) == (MARK, [text("a"), text("b")])
        sent = body(user(text("", cache_control=MARK), text("a"), text(" ", cache_control=MARK)))
        assert sent["messages"][0]["content"] == [text("a", cache_control=MARK)]

    def test_at_most_four_are_kept_and_they_are_the_last(self) -> None:
        """And the cut is named."""
        got = request(call(user(*(text(str(n), cache_control=MARK) for n in range(6)))), streams=False)
        assert self._marks(got.body) == [None, None, *[MARK] * 4]
        assert got.dropped == ("cache_control",)

    def test_an_hour_does_not_come_after_five_minutes(self) -> None:
        """Anthropic refuses it."""
        got = request(call(user(text("a", cache_control=MARK), text("b", cache_control=HOUR))), streams=False)
        assert (self._marks(got.body), got.dropped) == ([MARK, MARK], ("cache_control",))

    @pytest.mark.parametrize("odd", [{"type": "forever"}, "yes", {"type": "ephemeral", "ttl": "2h"}, {**MARK, "x": 1}])
    def test_what_is_no_breakpoint_is_named(self, odd: Any) -> None:
        """It is left out, or brought to what it can be."""
        got = request(call(user(text("a", cache_control=odd))), streams=False)
        assert self._marks(got.body) in ([None], [MARK])
        assert got.dropped == ("cache_control",)

    def test_ours_are_where_the_conversation_will_go_on(self) -> None:
        """On tools, system and the last two turns of the user."""
        long = "x" * 4096 * 4
        tool = {"type": "function", "function": {"name": "f", "description": long}}
        made = call(system("s"), USER, assistant("a"), USER, assistant("b"), USER, tools=[LOOK_UP, tool])
        sent = request(replace(made, caches_prompt=True), streams=False)
        assert self._marks(sent.body) == [None, MARK, MARK, None, None, MARK, None, MARK]
        assert sent.dropped == ()
        assert self._marks(request(made, streams=False).body) == [None] * 8

    def test_the_caller_has_the_word(self) -> None:
        """Where it set one, ours are not added."""
        made = call(system("x" * 20000), {**USER, "cache_control": MARK}, tools=[LOOK_UP])
        assert self._marks(request(replace(made, caches_prompt=True), streams=False).body) == [None, None, MARK]

    def test_a_single_question_is_not_written_for_later(self) -> None:
        """Nobody would read it."""
        made = replace(call({"role": "user", "content": "x" * 20000}), caches_prompt=True)
        assert self._marks(request(made, streams=False).body) == [None]

    @pytest.mark.parametrize(
        ("model", "length", "cached"),
        [
            ("claude-opus-4-5", 4096 * 4 - 100, False),
            ("claude-opus-4-5", 4096 * 4, True),
            ("claude-sonnet-4-6", 1024 * 4, True),
            ("claude-sonnet-4-6", 1024 * 4 - 100, False),
        ],
    )
    def test_only_what_is_long_enough(self, model: str, length: int, cached: bool) -> None:
        """In the model's measure, four bytes a token."""
        made = call(USER, assistant("a"), {"role": "user", "content": "x" * length})
        made = replace(made, caches_prompt=True, deployment=replace(made.deployment, upstream_model=model))
        assert (self._marks(request(made, streams=False).body)[-1] is not None) == cached

    def test_what_is_encoded_is_not_its_length(self) -> None:
        """An image is about as many tokens whatever its bytes; a text of a document is all of them."""
        picture = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{'A' * 40000}"}}
        book = document(f"data:application/pdf;base64,{'A' * 40000}")
        made = call(USER, calls_tool(), result(content=[picture, book]), tools=[LOOK_UP])
        assert self._marks(request(replace(made, caches_prompt=True), streams=False).body)[-1] is None
        notes = document(f"data:text/plain;base64,{'YWFh' * 6000}")
        made = call(USER, assistant("a"), user(notes))
        assert self._marks(request(replace(made, caches_prompt=True), streams=False).body)[-1] == MARK
