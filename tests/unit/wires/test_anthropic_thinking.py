"""Efforts, budgets, and the thinking blocks that go back to Anthropic."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gateway_core.domain.model_rules import NO_RULES
from gateway_core.wires.anthropic.request import request
from gateway_core.wires.anthropic.thoughts import with_thoughts
from tests.unit.wires.claude import (
    ADAPTIVE,
    BY_DEFAULT,
    LOOK_UP,
    MARK,
    REDACTED,
    THOUGHT,
    USER,
    assistant,
    body,
    call,
    calls_tool,
    dropped,
    objected,
    result,
    shown,
    text,
    use,
)


class TestThinking:
    """Efforts, budgets, and the blocks that go back."""

    @pytest.mark.parametrize(
        ("effort", "cap", "budget"),
        [
            ("low", 4096, 1024),
            ("minimal", 4096, 1024),
            ("medium", 4096, 2048),
            ("high", 8192, 4096),
            ("high", 4096, 3072),
            ("medium", 1100, 1024),
        ],
    )
    def test_an_effort_is_a_budget_below_the_cap(self, effort: str, cap: int, budget: int) -> None:
        """Anthropic refuses one that is not."""
        assert body(cap=cap, reasoning_effort=effort)["thinking"] == {"type": "enabled", "budget_tokens": budget}

    def test_without_room_for_the_least_budget_thinking_is_left_out(self) -> None:
        """And named."""
        got = request(call(cap=1024, reasoning_effort="low", temperature=0.5), streams=False)
        assert ("thinking" in got.body, got.body["temperature"], got.dropped) == (False, 0.5, ("reasoning_effort",))

    @pytest.mark.parametrize(
        ("asked", "sent", "named"),
        [
            ({"type": "enabled", "budget_tokens": 2000}, {"type": "enabled", "budget_tokens": 2000}, ()),
            ({"type": "enabled", "budget_tokens": 9000}, {"type": "enabled", "budget_tokens": 3072}, ("thinking",)),
            ({"type": "enabled", "budget_tokens": 100}, {"type": "enabled", "budget_tokens": 1024}, ("thinking",)),
            (
                {"type": "adaptive", "display": "omitted"},
                {"type": "enabled", "budget_tokens": 3072, "display": "omitted"},
                ("thinking",),
            ),
            ({"type": "disabled"}, None, ()),
        ],
    )
    def test_the_callers_own_option(self, asked: Any, sent: Any, named: tuple[str, ...]) -> None:
        """It goes along, within the rules."""
        got = request(call(thinking=asked), streams=False)
        assert (got.body.get("thinking"), got.dropped) == (sent, named)

    @pytest.mark.parametrize(
        ("params", "sent", "named"),
        [
            ({}, {}, ()),
            ({"reasoning_effort": "none"}, {}, ()),
            ({"reasoning_effort": "max"}, {"thinking": {"type": "adaptive"}, "output_config": {"effort": "max"}}, ()),
            ({"thinking": {"type": "adaptive"}}, {"thinking": {"type": "adaptive"}}, ()),
            ({"reasoning_effort": "none", "thinking": {"type": "adaptive"}}, {}, ("thinking",)),
            (
                {"thinking": {"type": "enabled", "budget_tokens": 3000}},
                {"thinking": {"type": "adaptive"}, "output_config": {"effort": "medium"}},
                ("thinking",),
            ),
            (
                {"thinking": {"type": "enabled", "budget_tokens": 1}},
                {"thinking": {"type": "adaptive"}, "output_config": {"effort": "low"}},
                ("thinking",),
            ),
        ],
    )
    def test_adaptive_thinking_has_an_effort(self, params: Any, sent: Any, named: tuple[str, ...]) -> None:
        """And no budget."""
        got = request(call(rules=ADAPTIVE, cap=100, **params), streams=False)
        assert {name: got.body[name] for name in ("thinking", "output_config") if name in got.body} == sent
        assert got.dropped == named

    def test_a_model_that_thinks_by_default_is_told_not_to(self) -> None:
        """Where that is wanted; else nothing has to be said."""
        assert body(rules=BY_DEFAULT, reasoning_effort="none")["thinking"] == {"type": "disabled"}
        assert "thinking" not in body(rules=BY_DEFAULT)

    @pytest.mark.parametrize("form", ["", "level"])
    def test_thinking_without_a_word_for_it_is_named(self, form: Any) -> None:
        """A model of which nothing is known, or is known otherwise."""
        rules = replace(NO_RULES, thinks="asked" if form else "never", thinking_form=form)
        asked = {"type": "enabled", "budget_tokens": 2000}
        got = request(call(rules=rules, thinking=asked), streams=False)
        assert ("thinking" in got.body, got.dropped) == (False, ("thinking",))
        assert dropped(rules=rules, reasoning_effort="low") == ("reasoning_effort",)

    def test_thoughts_come_back_in_front_of_their_calls(self) -> None:
        """From the ids of the calls, before what was said."""
        first, second = with_thoughts("toolu_1", [THOUGHT, REDACTED]), with_thoughts("toolu_2", [THOUGHT])
        turn = calls_tool(first, content="let me see")
        turn["tool_calls"] += calls_tool(second)["tool_calls"]
        got = request(
            call(USER, turn, result(first), result(second), tools=[LOOK_UP], reasoning_effort="medium"), streams=False
        )
        sent = got.body["messages"][1]["content"]
        assert sent[:3] == [THOUGHT, REDACTED, text("let me see")]
        assert [block["type"] for block in sent[3:]] == ["tool_use", "thinking", "tool_use"]
        assert got.body["thinking"]["type"] == "enabled"
        assert [block["tool_use_id"] for block in got.body["messages"][2]["content"]] == ["toolu_1", "toolu_2"]
        assert got.dropped == ()

    def test_text_that_was_changed_stands_behind_the_thoughts(self) -> None:
        """Where it stood among them can no longer be told."""
        made = with_thoughts("toolu_1", [2, THOUGHT, 2, -1, None])
        marked = [text("abcd", cache_control=MARK)]
        for content, blocks in (
            ("abcd", [text("ab"), THOUGHT, text("cd")]),
            (marked, [text("ab"), THOUGHT, text("cd", cache_control=MARK)]),
            ("abc", [THOUGHT, text("abc")]),
            ([text("ab"), text("cd")], [THOUGHT, text("ab"), text("cd")]),
            (None, [THOUGHT]),
        ):
            turn = calls_tool(made, content=content)
            sent = body(USER, turn, result(made), rules=ADAPTIVE, tools=[LOOK_UP], reasoning_effort="low")
            assert sent["messages"][1]["content"][:-1] == blocks

    def test_thoughts_of_a_message_are_taken_as_well(self) -> None:
        """In LiteLLM's form; only what is signed, and nothing of other providers."""
        unsigned = {"type": "thinking", "thinking": "x", "signature": None}
        turn = calls_tool(thinking_blocks=[{**THOUGHT, "cache_control": None}, unsigned, {"type": ["x"]}, None])
        sent = body(USER, turn, result(), tools=[LOOK_UP], reasoning_effort="low")
        assert sent["messages"][1]["content"] == [THOUGHT, use("toolu_1", {"q": "x"})]

    @pytest.mark.parametrize(
        "history",
        [
            [calls_tool(), result()],
            [calls_tool(content="said"), result()],
            [calls_tool("a__thought__d.x"), result("a__thought__d.x")],
            [assistant("begun")],
        ],
    )
    def test_without_thoughts_in_the_last_turn_thinking_is_left_out(self, history: list[dict[str, Any]]) -> None:
        """`Expected thinking or redacted_thinking, but found tool_use`."""
        got = request(call(USER, *history, tools=[LOOK_UP], reasoning_effort="medium"), streams=False)
        assert ("thinking" in got.body, got.dropped) == (False, ("reasoning_effort",))

    def test_adaptive_thinking_needs_no_thoughts_in_the_history(self) -> None:
        """`Assistant turns don't need to start with thinking blocks`."""
        got = request(
            call(USER, calls_tool(), result(), rules=ADAPTIVE, tools=[LOOK_UP], reasoning_effort="high"), streams=False
        )
        assert (got.body["thinking"], got.dropped) == ({"type": "adaptive"}, ())

    def test_a_loop_that_began_with_thoughts_goes_on(self) -> None:
        """Without interleaved thinking only its first message has them."""
        first = with_thoughts("t1", [THOUGHT])
        loop = [calls_tool(first), result(first), calls_tool("t2"), result("t2")]
        assert "thinking" in body(USER, *loop, tools=[LOOK_UP], reasoning_effort="low")
        assert "thinking" in body(
            USER, calls_tool("t0"), result("t0"), *loop[:2], tools=[LOOK_UP], reasoning_effort="low"
        )
        after = [calls_tool("t3"), result("t3"), assistant("done"), USER]
        assert "thinking" in body(USER, *after, tools=[LOOK_UP], reasoning_effort="low")

    def test_a_conversation_without_thinking_has_no_thoughts(self) -> None:
        """They are ignored at best."""
        signed = with_thoughts("t1", [THOUGHT])
        sent = body(USER, calls_tool(signed), result(signed), tools=[LOOK_UP])
        assert shown(sent["messages"])[1] == ("assistant", ["tool_use"])

    @pytest.mark.parametrize("choice", ["required", {"type": "function", "function": {"name": "look_up"}}])
    def test_a_forced_call_wins_over_thinking(self, choice: Any) -> None:
        """`Thinking may not be enabled when tool_choice forces tool use`."""
        got = request(call(tools=[LOOK_UP], tool_choice=choice, reasoning_effort="medium"), streams=False)
        assert ("thinking" in got.body, got.dropped) == (False, ("reasoning_effort",))

    def test_a_model_that_always_thinks_has_no_json_mode(self) -> None:
        """Where it cannot be made to call the tool that JSON mode is, another may."""
        rules = replace(ADAPTIVE, thinks="always", forces_tools_thinking=False)
        assert objected(rules=rules, response_format={"type": "json_object"}) == "response_format"
        assert objected(rules=rules, tools=[LOOK_UP]) == ""
        assert objected(rules=replace(rules, forces_tools_thinking=True), response_format={"type": "json_object"}) == ""

    @pytest.mark.parametrize(
        ("model", "binds"),
        [
            ("claude-opus-5-5", True),
            ("claude-fable-5-2-20261101", True),
            ("claude-fable-5-20260601", False),
            ("claude-sonnet-4-6", False),
        ],
    )
    def test_thoughts_that_no_longer_fit_are_to_be_dropped(self, model: str, binds: bool) -> None:
        """`The block is bound to a different conversation`: clients rewrite what came before."""
        signed = with_thoughts("t1", [THOUGHT])
        made = call(USER, calls_tool(signed), result(signed), rules=BY_DEFAULT, tools=[LOOK_UP])
        sent = request(replace(made, deployment=replace(made.deployment, upstream_model=model)), streams=False)
        asked = {"type": "adaptive", "block_binding": {"prefix_mismatch_behavior": "drop_block"}}
        assert sent.body.get("thinking") == (asked if binds else None)
        assert sent.headers == ((("anthropic-beta", "thinking-binding-controls-2026-08-01"),) if binds else ())
        without = replace(made, messages=(USER,), deployment=replace(made.deployment, upstream_model=model))
        assert request(without, streams=False).headers == ()
