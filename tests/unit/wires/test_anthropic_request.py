"""The chat form on its way to Anthropic's Messages."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from typing import Any

import pytest
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
    USER,
    body,
    call,
    calls_tool,
    dropped,
    result,
)

THOUGHT = {"type": "thinking", "thinking": "hm", "signature": "sig"}
REDACTED = {"type": "redacted_thinking", "data": "opaque"}
PNG = "data:image/png;base64,iVBORw0KGgo="
PDF = "data:application/pdf;base64,JVBERi0="


def text(said: str, **more: Any) -> dict[str, Any]:
    """A block of text, or a part."""
    return {"type": "text", "text": said, **more}


def user(*parts: dict[str, Any]) -> dict[str, Any]:
    """A user's message of parts."""
    return {"role": "user", "content": list(parts)}


def assistant(content: Any, **more: Any) -> dict[str, Any]:
    """An assistant's message."""
    return {"role": "assistant", "content": content, **more}


def system(said: str, role: str = "system") -> dict[str, Any]:
    """A message of the system."""
    return {"role": role, "content": said}


def shown(turns: list[dict[str, Any]]) -> list[tuple[str, list[str]]]:
    """Each turn's role, and what its blocks are: their text, or their type."""
    return [(turn["role"], [block.get("text", block["type"]) for block in turn["content"]]) for turn in turns]


def objected(*messages: dict[str, Any], rules: Any = BY_BUDGET, **params: Any) -> str:
    """The field of the objection; empty if there is none."""
    found = ANTHROPIC_CODEC.objection(messages or (USER,), params, rules)
    assert found is None or found.param in found.detail
    return found.param if found else ""


class TestConversation:
    """Messages become turns."""

    def test_the_plain_request(self) -> None:
        """The path, the model's name there, the cap, and nothing that nobody asked for."""
        sent = request(call(), streams=False)
        assert sent.path == "/v1/messages"
        assert sent.body == {
            "model": "claude-opus-4-5",
            "max_tokens": 4096,
            "messages": [{"role": "user", "content": [text("q")]}],
        }
        assert (sent.dropped, sent.headers) == ((), ())

    def test_a_stream_is_asked_for(self) -> None:
        """Otherwise the member is not there."""
        assert request(call(), streams=True).body["stream"] is True

    def test_what_the_system_says_first_stands_before_the_conversation(self) -> None:
        """Both of its roles, a block for each text."""
        sent = body(system("a"), system("b", "developer"), USER)
        assert sent["system"] == [text("a"), text("b")]
        assert shown(sent["messages"]) == [("user", ["q"])]

    def test_what_the_system_says_later_keeps_its_place(self) -> None:
        """Few models take the role there; the tags say whose word it is."""
        sent = body(USER, assistant("a"), system("be brief"), {"role": "user", "content": "more"})
        assert shown(sent["messages"]) == [
            ("user", ["q"]),
            ("assistant", ["a"]),
            ("user", ["<system>\nbe brief\n</system>", "more"]),
        ]
        assert "system" not in sent

    def test_a_system_message_between_a_call_and_its_result_stands_after_the_result(self) -> None:
        """Results come first in a user's turn."""
        sent = body(USER, calls_tool(), system("note", "developer"), result(), tools=[LOOK_UP])
        assert shown(sent["messages"])[2] == ("user", ["tool_result", "<system>\nnote\n</system>"])

    def test_messages_of_one_role_are_one_turn(self) -> None:
        """As roles have to alternate."""
        sent = body(USER, {"role": "user", "content": "r"}, assistant("a"), assistant("b"), USER)
        assert shown(sent["messages"]) == [("user", ["q", "r"]), ("assistant", ["a", "b"]), ("user", ["q"])]

    @pytest.mark.parametrize(
        "empty",
        [
            assistant(None, refusal=None),
            assistant(""),
            assistant(" \n"),
            assistant([text("")]),
            assistant(None, tool_calls=[], reasoning_content="hm", audio=None, annotations=[]),
            assistant(None, thinking_blocks=[THOUGHT]),
            {"role": "user", "content": "  "},
            system(""),
        ],
    )
    def test_turns_without_a_word_are_left_out(self, empty: dict[str, Any]) -> None:
        """Anthropic refuses them, and nothing is invented in their place."""
        assert shown(body(USER, empty, {"role": "user", "content": "go on"})["messages"]) == [("user", ["q", "go on"])]

    def test_refusals_are_what_was_said(self) -> None:
        """There is no field for them."""
        sent = body(USER, assistant(None, refusal="no"), USER, assistant([{"type": "refusal", "refusal": "nor"}]), USER)
        assert shown(sent["messages"])[1::2] == [("assistant", ["no"]), ("assistant", ["nor"])]

    def test_a_begun_answer_ends_in_a_word(self) -> None:
        """`final assistant content cannot end with trailing whitespace`."""
        assert shown(body(USER, assistant("So: "))["messages"])[1] == ("assistant", ["So:"])
        assert dropped(USER, assistant("So: ")) == ("messages",)
        assert dropped(USER, assistant("So:")) == ()

    def test_names_of_speakers_are_named_as_left_out(self) -> None:
        """A tool's is no more than its call says."""
        assert dropped({**USER, "name": "Ann"}) == ("name",)
        assert dropped(USER, calls_tool(), result(name="look_up"), tools=[LOOK_UP]) == ()

    def test_halves_of_surrogate_pairs_are_not_sent(self) -> None:
        """They are no text that can be encoded."""
        assert shown(body({"role": "user", "content": "a\ud800"})["messages"]) == [("user", ["a?"])]


class TestMedia:
    """Images and documents."""

    @pytest.mark.parametrize(
        ("url", "kind"),
        [
            (PNG, "image/png"),
            ("data:image/jpg;base64,AA==", "image/jpeg"),
            ("data:IMAGE/GIF;x=y;base64,AA==", "image/gif"),
        ],
    )
    def test_an_image_is_sent_by_its_media_type(self, url: str, kind: str) -> None:
        """`image/jpg` is none, though it is much used."""
        [block] = body(user({"type": "image_url", "image_url": {"url": url}}))["messages"][0]["content"]
        source = {"type": "base64", "media_type": kind, "data": url.partition(",")[2]}
        assert block == {"type": "image", "source": source}

    def test_the_detail_of_an_image_is_named(self) -> None:
        """There is no word for it."""
        part = {"type": "image_url", "image_url": {"url": PNG, "detail": "low"}}
        assert dropped(user(part)) == ("detail",)
        assert dropped(user({**part, "image_url": {"url": PNG, "detail": "auto"}})) == ()

    def test_a_pdf_is_a_document(self) -> None:
        """With its file's name as the title."""
        [block] = body(user(_file(PDF, "a.pdf")))["messages"][0]["content"]
        source = {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0="}
        assert block == {"type": "document", "source": source, "title": "a.pdf"}

    def test_a_text_file_is_a_document_of_text(self) -> None:
        """Whatever text it is."""
        data = base64.b64encode("für".encode()).decode()
        [block] = body(user(_file(f"data:text/csv;base64,{data}")))["messages"][0]["content"]
        assert block == {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "für"}}

    def test_an_image_that_came_as_a_file_is_an_image(self) -> None:
        """Its media type says what it is."""
        assert shown(body(user(_file(PNG)))["messages"]) == [("user", ["image"])]

    @pytest.mark.parametrize(
        "url",
        [
            "data:image/bmp;base64,AA==",
            "data:application/zip;base64,AA==",
            "data:text/plain;base64,not base64!",
            "data:text/plain;base64,IA==",
            "data:text/plain,plain",
            "https://example.com/a.pdf",
        ],
    )
    def test_what_cannot_be_read_is_objected_to(self, url: str) -> None:
        """Another model may, and the caller is told which part it is; nothing raises."""
        assert objected(USER, user(text("a"), _file(url))) == "messages.1.content.1.file"
        assert shown(body(user(text("a"), _file(url)))["messages"]) == [("user", ["a"])]
        assert objected(user({"type": "image_url", "image_url": {"url": "data:image/bmp;base64,AA=="}}))

    def test_results_of_tools_may_have_images_and_documents(self) -> None:
        """Other wires have no room for them."""
        content = [text("see"), {"type": "image_url", "image_url": {"url": PNG}}, _file(PDF), text(" ")]
        sent = body(USER, calls_tool(), result(content=content), tools=[LOOK_UP])
        [block] = sent["messages"][2]["content"]
        assert [inner["type"] for inner in block["content"]] == ["text", "image", "document"]


def _file(url: str, name: str = "") -> dict[str, Any]:
    return {"type": "file", "file": {"filename": name, "file_data": url}}


class TestToolHistory:
    """Calls and their results."""

    def test_a_call_and_its_result(self) -> None:
        """As blocks of the two turns."""
        sent = body(USER, calls_tool(), result(), tools=[LOOK_UP])
        assert sent["messages"][1:] == [
            {"role": "assistant", "content": [_use("toolu_1", {"q": "x"})]},
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
        assert turns[1]["content"] == [_use("toolu_1", sent)]

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


def _use(call_id: str, arguments: dict[str, Any]) -> dict[str, Any]:
    return {"type": "tool_use", "id": call_id, "name": "look_up", "input": arguments}


class TestTools:
    """What is offered, and what has to be called."""

    def test_a_tool_as_it_came(self) -> None:
        """Its schema is JSON Schema there, too."""
        function = LOOK_UP["function"]
        assert body(tools=[LOOK_UP])["tools"] == [
            {"name": "look_up", "description": "Looks it up.", "input_schema": function["parameters"]}
        ]

    @pytest.mark.parametrize(
        ("choice", "parallel", "sent"),
        [
            (None, None, None),
            (None, True, None),
            ("auto", None, {"type": "auto"}),
            (None, False, {"type": "auto", "disable_parallel_tool_use": True}),
            ("none", False, {"type": "none"}),
            ("required", False, {"type": "any", "disable_parallel_tool_use": True}),
            ({"type": "function", "function": {"name": "look_up"}}, None, {"type": "tool", "name": "look_up"}),
        ],
    )
    def test_the_choice(self, choice: Any, parallel: bool | None, sent: Any) -> None:
        """In Anthropic's words."""
        got = body(tools=[LOOK_UP], tool_choice=choice, parallel_tool_calls=parallel)
        assert got.get("tool_choice") == sent

    @pytest.mark.parametrize(("mode", "sent"), [("auto", None), ("required", {"type": "any"})])
    def test_allowed_tools_are_the_only_ones_offered(self, mode: str, sent: Any) -> None:
        """There is no other word for it."""
        other = {"type": "function", "function": {"name": "other"}}
        allowed = {"mode": mode, "tools": [{"type": "function", "function": {"name": "other"}}]}
        got = body(tools=[LOOK_UP, other], tool_choice={"type": "allowed_tools", "allowed_tools": allowed})
        assert [tool["name"] for tool in got["tools"]] == ["other"]
        assert got.get("tool_choice") == sent

    def test_a_choice_without_tools_is_left_out(self) -> None:
        """There is nothing to choose."""
        got = request(call(tool_choice="required", parallel_tool_calls=True, tools=[]), streams=False)
        assert ("tool_choice" in got.body, "tools" in got.body, got.dropped) == (False, False, ())

    @pytest.mark.parametrize(
        ("parameters", "sent"),
        [
            (None, {"type": "object", "properties": {}}),
            ({}, {"type": "object", "properties": {}}),
            (True, {"type": "object", "additionalProperties": True}),
            ({"properties": {"a": True}}, {"properties": {"a": True}, "type": "object"}),
            ({"type": ["object", "null"]}, {"type": "object"}),
            (
                {"type": "object", "properties": {"a": {"items": [{"type": "string"}], "additionalItems": False}}},
                {"type": "object", "properties": {"a": {"prefixItems": [{"type": "string"}], "items": False}}},
            ),
            (
                {"type": "object", "properties": {"a": {"items": [True]}, "e": {"enum": [{"items": []}]}}},
                {"type": "object", "properties": {"a": {"prefixItems": [True]}, "e": {"enum": [{"items": []}]}}},
            ),
            (
                {
                    "type": "object",
                    "properties": {
                        "a": {"minimum": 1, "exclusiveMinimum": True},
                        "b": {"maximum": 1, "exclusiveMaximum": False},
                        "c": {"exclusiveMinimum": True},
                    },
                },
                {"type": "object", "properties": {"a": {"exclusiveMinimum": 1}, "b": {"maximum": 1}, "c": {}}},
            ),
            (
                {"$ref": "#/$defs/A~1B", "$defs": {"A/B": {"type": "object", "properties": {"a": {"const": 1}}}}},
                {
                    "type": "object",
                    "properties": {"a": {"const": 1}},
                    "$defs": {"A/B": {"type": "object", "properties": {"a": {"const": 1}}}},
                },
            ),
        ],
    )
    def test_a_schema_is_an_objects_in_todays_draft(self, parameters: Any, sent: dict[str, Any]) -> None:
        """`input_schema.type: Field required`, `must match JSON Schema draft 2020-12`."""
        tool = {"type": "function", "function": {"name": "f", "parameters": parameters}}
        got = request(call(tools=[tool]), streams=False)
        assert got.body["tools"] == [{"name": "f", "input_schema": sent}]
        assert got.dropped == ()
        assert not objected(tools=[tool])

    def test_schemas_within_are_as_they_came(self) -> None:
        """Whatever Gemini would have made of them."""
        inner = {
            "k": {"oneOf": [{"const": "z"}, {"type": ["string", "null"], "enum": ["a", None]}], "discriminator": {}},
            "n": {"$ref": "#/$defs/N", "description": "d"},
            "t": True,
        }
        parameters = {"type": "object", "properties": inner, "$defs": {"N": {"items": {"$ref": "#/$defs/N"}}}}
        tool = {"type": "function", "function": {"name": "f", "parameters": parameters}}
        assert body(tools=[tool])["tools"][0]["input_schema"] == parameters

    @pytest.mark.parametrize(
        ("union", "required"), [("anyOf", ["kind"]), ("oneOf", ["kind"]), ("allOf", ["kind", "a", "b"])]
    )
    def test_a_union_at_the_top_becomes_one_object(self, union: str, required: list[str]) -> None:
        """`input_schema does not support oneOf, allOf, or anyOf at the top level`: the description tells of it."""
        first = {"type": "object", "properties": {"kind": {"const": "a"}, "a": {}}, "required": ["kind", "a"]}
        second = {"properties": {"kind": {"const": "b"}, "b": {}}, "required": ["kind", "b"]}
        branches = [{"$ref": "#/$defs/A"}, second]
        parameters = {union: branches, "$defs": {"A": first}, "description": "Two."}
        tool = {"type": "function", "function": {"name": "f", "parameters": parameters}}
        got = request(call(tools=[tool]), streams=False)
        schema = got.body["tools"][0]["input_schema"]
        both = "allOf" if union == "allOf" else "anyOf"
        assert schema["properties"] == {"kind": {both: [{"const": "a"}, {"const": "b"}]}, "a": {}, "b": {}}
        assert (schema["type"], schema["required"], union in schema) == ("object", required, False)
        assert schema["description"].startswith("Two.\n\nIt must match ")
        assert json.dumps(branches) in schema["description"]
        assert got.dropped == ("tools",)

    def test_alternatives_of_what_is_required_stay_in_the_description(self) -> None:
        """Each of them is a requirement only."""
        parameters = {"type": "object", "properties": {"a": {}}, "anyOf": [{"required": ["a"]}, {"type": "null"}]}
        tool = {"type": "function", "function": {"name": "f", "parameters": parameters}}
        [sent] = body(tools=[tool])["tools"]
        assert sent["input_schema"]["required"] == ["a"]
        none = {
            "type": "function",
            "function": {"name": "f", "parameters": {"anyOf": [{"required": ["x"]}, {"$ref": "#"}]}},
        }
        assert "required" not in body(tools=[none])["tools"][0]["input_schema"]

    def test_one_property_of_three_kinds(self) -> None:
        """Each kind is told once."""
        branches = [{"properties": {"k": {"const": value}}} for value in (1, 2, 3, 2, 3)] + [
            {"properties": {"k": True}}
        ]
        tool = {"type": "function", "function": {"name": "f", "parameters": {"oneOf": branches}}}
        schema = body(tools=[tool])["tools"][0]["input_schema"]
        assert schema["properties"]["k"] == {"anyOf": [{"const": 1}, {"const": 2}, {"const": 3}, True]}

    @pytest.mark.parametrize(
        ("parameters", "param"),
        [
            ({"type": "string"}, "tools.1.function.parameters"),
            ({"$ref": "#/$defs/A", "$defs": {"A": {"type": "array"}}}, "tools.1.function.parameters"),
            ({"type": "object", "properties": {"a b": {}}}, "tools.1.function.parameters"),
            ({"$ref": "#/a/0", "a": [{"type": "object"}]}, ""),
            ({"$ref": "#/a/9", "a": []}, ""),
            ({"$ref": "https://example.com"}, ""),
        ],
    )
    def test_arguments_that_are_no_object_are_objected_to(self, parameters: Any, param: str) -> None:
        """As are names of arguments that Anthropic refuses."""
        assert (
            objected(tools=[LOOK_UP, {"type": "function", "function": {"name": "f", "parameters": parameters}}])
            == param
        )

    def test_a_schema_of_any_depth_does_not_raise(self) -> None:
        """It is objected to."""
        deep: dict[str, Any] = {}
        for _ in range(300):
            deep = {"type": "object", "properties": {"a": deep}}
        tool = {"type": "function", "function": {"name": "f", "parameters": deep}}
        assert objected(tools=[tool]) == "tools.0.function.parameters"
        assert objected(response_format=_schema(deep)) == "response_format.json_schema.schema"

    def test_a_tool_is_offered_once_and_is_offered_if_chosen(self) -> None:
        """`Tool names must be unique`, `not found in provided tools`."""
        assert objected(tools=[LOOK_UP, LOOK_UP]) == "tools"
        named = {"type": "function", "function": {"name": "other"}}
        assert objected(tools=[LOOK_UP], tool_choice=named) == "tool_choice"
        assert objected(tool_choice=named) == ""

    def test_a_strict_tool_is_kept_to_its_schema(self) -> None:
        """What cannot be enforced is told instead."""
        parameters = {
            "type": "object",
            "properties": {"n": {"type": "integer", "minimum": 1}},
            "required": ["n"],
            "additionalProperties": False,
        }
        tool = {"type": "function", "function": {"name": "f", "parameters": parameters, "strict": True}}
        bare = {"type": "function", "function": {"name": "g", "strict": True}}
        got = request(call(tools=[tool, bare]), streams=False)
        assert [one["strict"] for one in got.body["tools"]] == [True, True]
        number = {"type": "integer", "description": "{minimum: 1}"}
        assert got.body["tools"][0]["input_schema"] == {**parameters, "properties": {"n": number}}
        assert got.dropped == ()

    @pytest.mark.parametrize(
        "tools",
        [
            [{"type": "object", "properties": {"a": {"$ref": "#"}}}],
            [{"anyOf": [{"type": "object", "properties": {}}]}],
            [{"type": "object", "properties": {}}] * 21,
            [{"type": "object", "properties": {str(n): {"type": "null"} for n in range(25)}}],
            [
                {
                    "type": "object",
                    "properties": {str(n): {"anyOf": [{"type": "null"}, {"type": "string"}]} for n in range(17)},
                    "required": [str(n) for n in range(17)],
                }
            ],
        ],
    )
    def test_what_is_too_much_to_enforce_is_offered_all_the_same(self, tools: list[dict[str, Any]]) -> None:
        """And named."""
        offered = [
            {"type": "function", "function": {"name": f"f{n}", "parameters": schema, "strict": True}}
            for n, schema in enumerate(tools)
        ]
        got = request(call(tools=offered), streams=False)
        assert not any("strict" in tool for tool in got.body["tools"])
        assert "strict" in got.dropped


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

    def test_thoughts_of_a_message_are_taken_as_well(self) -> None:
        """In LiteLLM's form; only what is signed, and nothing of other providers."""
        unsigned = {"type": "thinking", "thinking": "x", "signature": None}
        turn = calls_tool(thinking_blocks=[{**THOUGHT, "cache_control": None}, unsigned, {"type": ["x"]}, None])
        sent = body(USER, turn, result(), tools=[LOOK_UP], reasoning_effort="low")
        assert sent["messages"][1]["content"] == [THOUGHT, _use("toolu_1", {"q": "x"})]

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
        """`Thinking may not be enabled when tool_choice forces tool use.`"""
        got = request(call(tools=[LOOK_UP], tool_choice=choice, reasoning_effort="medium"), streams=False)
        assert ("thinking" in got.body, got.dropped) == (False, ("reasoning_effort",))

    def test_a_model_that_always_thinks_cannot_be_forced(self) -> None:
        """So another may."""
        rules = replace(ADAPTIVE, thinks="always", forces_tools_thinking=False)
        assert objected(rules=rules, tools=[LOOK_UP], tool_choice="required") == "tool_choice"
        assert objected(rules=rules, response_format={"type": "json_object"}) == "response_format"
        assert objected(rules=rules, tools=[LOOK_UP]) == ""
        assert objected(rules=replace(rules, forces_tools_thinking=True), response_format={"type": "json_object"}) == ""


class TestOptions:
    """The rest."""

    def test_options_in_anthropics_words(self) -> None:
        """What it has words for."""
        got = request(call(stop="END", top_k=5, temperature=1.5, safety_identifier="p:u", user="u"), streams=False)
        sent = {name: got.body.get(name) for name in ("stop_sequences", "top_k", "temperature", "metadata")}
        assert sent == {"stop_sequences": ["END"], "top_k": 5, "temperature": 1.0, "metadata": {"user_id": "p:u"}}
        assert got.dropped == ("temperature",)

    def test_stop_sequences_of_white_space_are_left_out(self) -> None:
        """`each stop sequence must contain non-whitespace`."""
        got = request(call(stop=["\n", "END"]), streams=False)
        assert (got.body["stop_sequences"], got.dropped) == (["END"], ("stop",))
        assert "stop_sequences" not in body(stop="\n")

    def test_what_has_no_word_is_named(self) -> None:
        """Not in silence, and not sent."""
        options = {"presence_penalty": 1, "seed": 1, "prompt_cache_key": "k", "service_tier": "flex", "store": True}
        got = request(call(**options), streams=False)
        assert (got.dropped, got.body.keys() & options.keys()) == (tuple(sorted(options)), set())

    def test_what_asks_for_nothing_is_not_named(self) -> None:
        """Nulls, and values that say what is so anyway."""
        nothing = {
            "frequency_penalty": 0,
            "logit_bias": None,
            "logprobs": False,
            "modalities": ["text"],
            "n": 1,
            "parallel_tool_calls": True,
            "response_format": {"type": "text"},
            "service_tier": "auto",
            "store": False,
            "top_logprobs": 0,
        }
        got = request(call(**nothing), streams=False)
        assert got.dropped == ()
        assert got.body.keys() == {"model", "max_tokens", "messages"}

    def test_only_the_system_speaks(self) -> None:
        """There is no turn to answer."""
        assert objected(system("a")) == "messages"
        assert objected(system("a"), assistant("")) == "messages"
        assert objected(system("a"), assistant(None, refusal="no")) == ""

    def test_a_begun_answer_where_the_model_takes_none(self) -> None:
        """It would be refused; one of nothing is none."""
        assert objected(USER, assistant("So"), rules=ADAPTIVE) == "messages"
        assert objected(USER, assistant(" "), rules=ADAPTIVE) == ""
        assert objected(USER, assistant("So")) == ""
        assert objected(USER, assistant("So"), response_format=_schema({"type": "null"})) == "response_format"
        assert objected(USER, assistant("So"), response_format={"type": "json_object"}) == "response_format"


class TestJson:
    """Answers in JSON."""

    def test_json_mode_is_a_tool_that_has_to_be_called(self) -> None:
        """Once, for the whole answer."""
        sent = body(response_format={"type": "json_object"})
        assert [tool["name"] for tool in sent["tools"]] == ["json_answer"]
        assert sent["tools"][0]["input_schema"] == {"type": "object", "additionalProperties": True}
        assert sent["tool_choice"] == {"type": "tool", "name": "json_answer", "disable_parallel_tool_use": True}

    @pytest.mark.parametrize(
        ("params", "names", "choice"),
        [
            ({}, ["look_up", "json_answer"], {"type": "any"}),
            (
                {"parallel_tool_calls": False},
                ["look_up", "json_answer"],
                {"type": "any", "disable_parallel_tool_use": True},
            ),
            (
                {"tool_choice": "none"},
                ["look_up", "json_answer"],
                {"type": "tool", "name": "json_answer", "disable_parallel_tool_use": True},
            ),
            ({"tool_choice": "required"}, ["look_up"], {"type": "any"}),
        ],
    )
    def test_json_mode_beside_tools(self, params: Any, names: list[str], choice: Any) -> None:
        """The model calls one of them, or answers."""
        sent = body(tools=[LOOK_UP], response_format={"type": "json_object"}, **params)
        assert ([tool["name"] for tool in sent["tools"]], sent["tool_choice"]) == (names, choice)

    def test_the_tool_has_a_name_of_its_own(self) -> None:
        """Whatever the caller's are called."""
        own = {"type": "function", "function": {"name": "json_answer"}}
        sent = body(tools=[own], response_format={"type": "json_object"})
        assert [tool["name"] for tool in sent["tools"]] == ["json_answer", "json_answer_"]

    def test_json_mode_wins_over_thinking(self) -> None:
        """Where a forced call does not go with it; named."""
        got = request(call(response_format={"type": "json_object"}, reasoning_effort="low"), streams=False)
        assert ("thinking" in got.body, got.dropped) == (False, ("reasoning_effort",))
        sent = body(rules=ADAPTIVE, response_format={"type": "json_object"}, reasoning_effort="low")
        assert sent["thinking"] == {"type": "adaptive"}

    def test_a_schema_is_held_to_by_structured_outputs(self) -> None:
        """Beside an effort."""
        schema = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}
        sent = body(rules=ADAPTIVE, response_format=_schema(schema), reasoning_effort="low")
        wanted = {"type": "json_schema", "schema": {**schema, "additionalProperties": False}}
        assert sent["output_config"] == {"effort": "low", "format": wanted}

    def test_a_schema_that_does_not_fit_is_objected_to(self) -> None:
        """With what it is that does not."""
        found = ANTHROPIC_CODEC.objection((USER,), {"response_format": _schema({"type": "object"})}, BY_BUDGET)
        assert found is not None
        assert found.param == "response_format.json_schema.schema"
        assert "properties that the schema does not name" in found.detail
        assert objected(response_format=_schema({"type": "null"})) == ""


def _schema(schema: Any) -> dict[str, Any]:
    return {"type": "json_schema", "json_schema": {"name": "a", "schema": schema}}


class TestCaching:
    """Breakpoints of the prompt cache."""

    MARK = {"type": "ephemeral"}
    HOUR = {"type": "ephemeral", "ttl": "1h"}

    def _marks(self, sent: Any) -> list[Any]:
        turns = [block for turn in sent["messages"] for block in turn["content"]]
        return [block.get("cache_control") for block in (*sent.get("tools", ()), *sent.get("system", ()), *turns)]

    def test_the_callers_are_carried(self) -> None:
        """On parts, messages and tools, with their lifetime."""
        tool = {**LOOK_UP, "cache_control": self.HOUR}
        inner = {"type": "function", "function": {"name": "g", "cache_control": self.HOUR}}
        messages = (
            {"role": "system", "content": [text("s", cache_control=self.HOUR)]},
            {**USER, "cache_control": self.MARK},
        )
        got = request(call(*messages, tools=[tool, inner]), streams=False)
        assert (self._marks(got.body), got.dropped) == ([self.HOUR, self.HOUR, self.HOUR, self.MARK], ())

    def test_within_a_result_it_is_the_results(self) -> None:
        """Blocks within take none; and one of an empty text is the part's before it."""
        content = [text("a", cache_control=self.HOUR), text("b", cache_control=self.MARK)]
        sent = body(USER, calls_tool(), result(content=content), tools=[LOOK_UP])
        [block] = sent["messages"][2]["content"]
        assert (block["cache_control"], block["content"]) == (self.MARK, [text("a"), text("b")])
        sent = body(user(text("", cache_control=self.MARK), text("a"), text(" ", cache_control=self.MARK)))
        assert sent["messages"][0]["content"] == [text("a", cache_control=self.MARK)]

    def test_at_most_four_are_kept_and_they_are_the_last(self) -> None:
        """And the cut is named."""
        got = request(call(user(*(text(str(n), cache_control=self.MARK) for n in range(6)))), streams=False)
        assert self._marks(got.body) == [None, None, *[self.MARK] * 4]
        assert got.dropped == ("cache_control",)

    def test_an_hour_does_not_come_after_five_minutes(self) -> None:
        """Anthropic refuses it."""
        got = request(call(user(text("a", cache_control=self.MARK), text("b", cache_control=self.HOUR))), streams=False)
        assert (self._marks(got.body), got.dropped) == ([self.MARK, self.MARK], ("cache_control",))

    @pytest.mark.parametrize("odd", [{"type": "forever"}, "yes", {"type": "ephemeral", "ttl": "2h"}, {**MARK, "x": 1}])
    def test_what_is_no_breakpoint_is_named(self, odd: Any) -> None:
        """It is left out, or brought to what it can be."""
        got = request(call(user(text("a", cache_control=odd))), streams=False)
        assert self._marks(got.body) in ([None], [self.MARK])
        assert got.dropped == ("cache_control",)

    def test_ours_are_where_the_conversation_will_go_on(self) -> None:
        """On tools, system and the last two turns of the user."""
        long = "x" * 4096 * 4
        tool = {"type": "function", "function": {"name": "f", "description": long}}
        made = call(system("s"), USER, assistant("a"), USER, assistant("b"), USER, tools=[LOOK_UP, tool])
        sent = request(replace(made, caches_prompt=True), streams=False)
        assert self._marks(sent.body) == [None, self.MARK, self.MARK, None, None, self.MARK, None, self.MARK]
        assert sent.dropped == ()
        assert self._marks(request(made, streams=False).body) == [None] * 8

    def test_the_caller_has_the_word(self) -> None:
        """Where it set one, ours are not added."""
        made = call(system("x" * 20000), {**USER, "cache_control": self.MARK}, tools=[LOOK_UP])
        assert self._marks(request(replace(made, caches_prompt=True), streams=False).body) == [None, None, self.MARK]

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
        book = _file(f"data:application/pdf;base64,{'A' * 40000}")
        made = call(USER, calls_tool(), result(content=[picture, book]), tools=[LOOK_UP])
        assert self._marks(request(replace(made, caches_prompt=True), streams=False).body)[-1] is None
        notes = _file(f"data:text/plain;base64,{'YWFh' * 6000}")
        made = call(USER, assistant("a"), user(notes))
        assert self._marks(request(replace(made, caches_prompt=True), streams=False).body)[-1] == self.MARK


_TEXTS = st.sampled_from(["", " ", "hello", "\n x ", "ü\ud800", "q"])
_MARKS = st.sampled_from(
    [{}, {"cache_control": {"type": "ephemeral"}}, {"cache_control": {"type": "ephemeral", "ttl": "1h"}}]
)
_PARTS = st.one_of(
    st.builds(lambda said, mark: text(said, **mark), _TEXTS, _MARKS),
    st.just({"type": "image_url", "image_url": {"url": PNG}}),
    st.just(_file(PDF, "a.pdf")),
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
_MESSAGES = st.lists(
    st.one_of(
        st.builds(
            lambda role, content: {"role": role, "content": content}, st.sampled_from(["system", "user"]), _CONTENT
        ),
        st.builds(
            lambda content, calls, blocks: assistant(content, tool_calls=calls, thinking_blocks=blocks),
            _CONTENT,
            _CALLS,
            st.sampled_from([None, [THOUGHT], [REDACTED]]),
        ),
        st.builds(result, _IDS, _CONTENT),
    ),
    max_size=8,
)
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
    assert all(role != after for role, after in zip(roles, roles[1:], strict=False))
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
