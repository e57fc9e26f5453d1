"""Calls of tools and their results on the way to Anthropic's Messages."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.wires.claude import LOOK_UP, USER, assistant, body, calls_tool, objected, result, shown, text, use


class TestToolHistory:
    """Calls and their results."""

    def test_a_call_and_its_result(self) -> None:
        """As blocks of the two turns."""
        sent = body(USER, calls_tool(), result(), tools=[LOOK_UP])
        assert sent["messages"][1:] == [
            {"role": "assistant", "content": [use("toolu_1", {"q": "x"})]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_1", "content": [text("r")]}]},
        ]

    @pytest.mark.parametrize(
        ("arguments", "sent"),
        [
            ("", {}),
            ("{}", {}),
            ('{"q": "x"', {"arguments": '{"q": "x"'}),
            ("[1]", {"arguments": "[1]"}),
        ],
    )
    def test_arguments_are_an_object_whatever_they_were(self, arguments: str, sent: dict[str, Any]) -> None:
        """None are none, and what a limit cut off stays visible."""
        turns = body(USER, calls_tool(arguments=arguments), result(), tools=[LOOK_UP])["messages"]
        assert turns[1]["content"] == [use("toolu_1", sent)]

    @pytest.mark.parametrize("content", ["", "  ", [], [text("")], None])
    def test_a_result_may_be_empty(self, content: Any) -> None:
        """The block alone says that the tool has run."""
        turns = body(USER, calls_tool(), result(content=content), tools=[LOOK_UP])["messages"]
        assert turns[2]["content"] == [{"type": "tool_result", "tool_use_id": "toolu_1"}]

    def test_results_come_first_in_the_turn(self) -> None:
        """In the order in which they came."""
        both = calls_tool()
        both["tool_calls"] += calls_tool("toolu_2")["tool_calls"]
        sent = body(USER, both, USER, result("toolu_2"), result("toolu_1"), tools=[LOOK_UP])
        assert shown(sent["messages"])[2] == ("user", ["tool_result", "tool_result", "q"])
        assert [block.get("tool_use_id") for block in sent["messages"][2]["content"]] == ["toolu_2", "toolu_1", None]

    def test_ids_of_others_are_brought_to_what_is_taken(self) -> None:
        """Two that differ stay different, and a result keeps its call."""
        odd = ["functions.f:0", "functions:f.0", "functions_f_0", "call_1__thought__Z2VtaW5p", ""]
        made = [calls_tool(name)["tool_calls"][0] for name in odd]
        sent = body(USER, assistant(None, tool_calls=made), *map(result, odd), tools=[LOOK_UP])["messages"]
        ids = [block["id"] for block in sent[1]["content"]]
        assert all(name and name.replace("_", "").replace("-", "").isalnum() for name in ids)
        assert (len(set(ids)), ids[2], ids[3]) == (5, "functions_f_0", "call_1")
        assert [block["tool_use_id"] for block in sent[2]["content"]] == ids

    def test_an_id_that_comes_again_is_another_call(self) -> None:
        """Some servers count anew in each turn; Anthropic wants each id once."""
        loop = [calls_tool("call_0"), result("call_0", "1")]
        twice = assistant(None, tool_calls=[loop[0]["tool_calls"][0]] * 2)
        sent = body(USER, *loop, *loop, twice, loop[1], loop[1], tools=[LOOK_UP])["messages"]
        called = [block["id"] for turn in sent[1::2] for block in turn["content"]]
        answered = [block["tool_use_id"] for turn in sent[2::2] for block in turn["content"]]
        assert called == answered == ["call_0", "call_0_2", "call_0_3", "call_0_4"]

    def test_a_name_of_a_call_is_brought_to_what_is_taken(self) -> None:
        """A history may come from anywhere."""
        made = calls_tool()
        made["tool_calls"][0]["function"]["name"] = "a.b"
        assert body(USER, made, result(), tools=[LOOK_UP])["messages"][1]["content"][0]["name"] == "a_b"

    def test_a_result_without_a_call_does_not_raise(self) -> None:
        """It is objected to before."""
        assert shown(body(USER, result("x:1"))["messages"]) == [("user", ["tool_result", "q"])]

    def test_calls_without_tools_come_with_those_that_were_called(self) -> None:
        """`tools` has to be there; but nobody offered them, so they cannot be called."""
        sent = body(USER, calls_tool(), result(), tool_choice="auto", parallel_tool_calls=False)
        assert [tool["name"] for tool in sent["tools"]] == ["look_up"]
        assert sent["tools"][0]["input_schema"] == {"type": "object", "additionalProperties": True}
        assert sent["tool_choice"] == {"type": "none"}

    @pytest.mark.parametrize(
        ("messages", "param"),
        [
            ((USER, calls_tool(), USER), "messages.1.tool_calls"),
            ((USER, calls_tool()), "messages.1.tool_calls"),
            ((USER, calls_tool(), USER, assistant("a"), USER), "messages.1.tool_calls"),
            ((USER, result()), "messages.1.tool_call_id"),
            ((USER, calls_tool(), result(), result()), "messages.3.tool_call_id"),
            ((USER, calls_tool(), result(), USER), ""),
            ((USER, calls_tool(), assistant(""), USER, result()), ""),
            ((USER, calls_tool("a"), calls_tool("b"), result("b"), result("a")), ""),
            ((USER, calls_tool("a__thought__a.x"), result("a")), ""),
        ],
    )
    def test_calls_and_results_belong_together(self, messages: tuple[dict[str, Any], ...], param: str) -> None:
        """Anthropic refuses one without the other; the caller is told where."""
        assert objected(*messages, tools=[LOOK_UP]) == param
