"""What users of gateways reported of options, formats and parts: what the provider gets of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.wires.asking import (
    CITY,
    CLAUDES,
    EVERY_MODEL,
    HI,
    LOOK_UP,
    PING,
    PROVIDERS,
    STREAMED,
    Q,
    answer,
    body,
    chat,
    complete,
)
from tests.wires.case import PDF, WAV, call, calling, image, result, system, text, tool, user
from tests.wires.gateway import Lab


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with Lab("native", tmp_path_factory.mktemp("cases")) as made:
        yield made


class TestRulesOfModels:
    """F3 and F12."""

    def test_our_own_default_gives_way(self, lab: Lab) -> None:
        """`top_p` alone works on Claude: nobody asked for a temperature."""
        sent = body(complete(lab, [HI], top_p=0.9))
        assert (sent["top_p"], "temperature" in sent) == (0.9, False)

    @CLAUDES
    @pytest.mark.parametrize(
        ("options", "named", "sent"),
        [
            ({"temperature": 0.5, "top_p": 0.9}, ("top_p",), {"temperature": 0.5}),
            ({"temperature": 1.5}, ("temperature",), {"temperature": 1}),
            ({"stop": ["\n"]}, ("stop",), {}),
            ({"stop": ["\n", "x"]}, ("stop",), {"stop_sequences": ["x"]}),
            ({"parallel_tool_calls": True, "tool_choice": "auto"}, (), {}),
        ],
    )
    def test_claudes(self, lab: Lab, model: str, options: Any, named: Any, sent: Any) -> None:
        """What is not taken is named, and the request served."""
        heard = chat(lab, model, [HI], **options)
        options_sent = {"temperature", "top_p", "stop_sequences", "tool_choice"}
        assert {name: value for name, value in body(heard).items() if name in options_sent} == sent
        assert heard.told.dropped == named

    def test_a_forced_call_while_thinking(self, lab: Lab) -> None:
        """The call wins."""
        heard = chat(lab, "claude-opus-4.5", [HI], reasoning_effort="medium", tool_choice="required", tools=[LOOK_UP])
        assert (body(heard).get("thinking"), heard.told.dropped) == (None, ("reasoning_effort",))
        assert [one.name for one in heard.told.calls] == ["look_up"]

    def test_top_p_while_thinking(self, lab: Lab) -> None:
        """From 0.95 on only."""
        heard = chat(lab, "claude-opus-4.5", [HI], reasoning_effort="medium", top_p=0.5)
        assert ("top_p" in body(heard), heard.told.dropped) == (False, ("top_p",))

    @pytest.mark.parametrize(
        ("model", "effort", "named"),
        [
            ("codex-max", "xhigh", ()),
            ("gpt-5.1-mini", "xhigh", ()),
            ("gpt-5.1", "xhigh", ("reasoning_effort",)),
            ("codex-max", "none", ("reasoning_effort",)),
            ("gemini-3-pro", "none", ("reasoning_effort",)),
            ("deepseek-v3.2", "max", ()),
            ("deepseek-v3.2", "minimal", ("reasoning_effort",)),
        ],
    )
    def test_efforts(self, lab: Lab, model: str, effort: str, named: tuple[str, ...]) -> None:
        """Taken where the model knows it, else the nearest, which is said."""
        assert answer(chat(lab, model, [HI], reasoning_effort=effort)).dropped == named


class TestJson:
    """F6, F7 and F9."""

    @CLAUDES
    @STREAMED
    def test_json_mode_on_claude(self, lab: Lab, model: str, *, streamed: bool) -> None:
        """The answer is JSON."""
        wanted = {"type": "json_object"}
        told = answer(chat(lab, model, [user("give json")], response_format=wanted, streamed=streamed))
        assert told.text.startswith("{")
        assert (told.finish, told.calls) == ("stop", [])

    def test_with_require(self, lab: Lab) -> None:
        """A capability that the catalog names is there."""
        wanted = {"type": "json_object"}
        heard = complete(lab, [user("give json")], model="claude-opus-4.5", response_format=wanted, require=["json"])
        assert (answer(heard).text[0], heard.told.dropped) == ("{", ())

    @pytest.mark.parametrize(
        "schema",
        [
            {"enum": ["a", "b"]},
            {"const": "z"},
            {"type": "string", "const": "z"},
            {"type": "integer", "enum": [1, 2]},
            {"type": ["string", "null"], "enum": ["a", None]},
            {"oneOf": [{"type": "string"}, {"type": "integer"}], "discriminator": {"propertyName": "k"}},
            {"type": "array", "items": {"$ref": "#/properties/h"}},
            {"$ref": "#/$defs/A", "description": "d"},
            True,
            {"type": "array", "items": True},
        ],
        ids=str,
    )
    def test_schemas_of_tools_get_to_gemini(self, lab: Lab, schema: Any) -> None:
        """As they came."""
        parameters = {
            "type": "object",
            "properties": {"k": schema, "h": {"type": "string"}},
            "$defs": {"A": {"type": "object", "properties": {"a": {"$ref": "#/$defs/A"}}}},
        }
        (sent,) = chat(lab, "gemini-3-pro", [HI], tools=[tool("f", parameters)]).sent
        assert sent.tools == {"f": parameters}

    def test_a_recursive_answer(self, lab: Lab) -> None:
        """Claude cannot be held to one: alone it says so, in a group the next model answers."""
        node = {"type": "object", "properties": {"n": {"$ref": "#/$defs/N"}}, "additionalProperties": False}
        schema = {"$ref": "#/$defs/N", "$defs": {"N": node}}
        wanted = {"type": "json_schema", "json_schema": {"name": "tree", "schema": schema}}
        alone = chat(lab, "claude-opus-4.5", [HI], response_format=wanted).told
        assert alone.error
        assert (alone.status, alone.error["param"]) == (400, "response_format.json_schema.schema")
        grouped = complete(lab, [HI], response_format=wanted).told
        assert grouped.attempts
        assert [(one["outcome"], one["error_code"]) for one in grouped.attempts] == [
            ("skipped", "unsupported"),
            ("ok", None),
        ]

    @pytest.mark.parametrize(
        ("model", "options", "named"),
        [
            (
                "gemini-3-pro",
                {"presence_penalty": 0.5, "frequency_penalty": 0.5},
                {"presence_penalty", "frequency_penalty"},
            ),
            ("gemini-3-pro", {"tools": [PING], "parallel_tool_calls": False}, {"parallel_tool_calls"}),
            ("deepseek-v3.2", {"reasoning_effort": "medium"}, {"reasoning_effort"}),
            ("codex-max", {"stop": ["x"], "seed": 1, "temperature": 0.5}, {"stop", "seed", "temperature"}),
        ],
    )
    def test_what_vanished_is_named(self, lab: Lab, model: str, options: Any, named: set[str]) -> None:
        """In the header of OpenAI's wire and in our own answer."""
        assert set(answer(chat(lab, model, [HI], **options)).dropped) == named
        own = lab.ask(PROVIDERS[model], "/v1/complete", {"messages": [HI], "model": model, **options})
        assert set(answer(own).dropped) == named

    @STREAMED
    @pytest.mark.parametrize("model", ["gpt-5.1", "codex-max"])
    def test_a_refusal_is_one(self, lab: Lab, model: str, *, streamed: bool) -> None:
        """Apart from content, so that nobody reads it as JSON."""
        told = answer(chat(lab, model, [user("[[refusal=I must not.]]")], streamed=streamed))
        assert (told.refusal, told.text) == ("I must not.", "")
        own = lab.ask("openai", "/v1/complete", {"messages": [user("[[refusal=I must not.]]")], "model": model})
        assert answer(own).text == "I must not."


class TestWhatOpenAIDocuments:
    """F10."""

    @pytest.mark.parametrize("model", ["gpt-5.1", "claude-opus-4.5", "gemini-3-pro", "codex-max"])
    def test_a_pdf(self, lab: Lab, model: str) -> None:
        """As OpenAI's `file` part."""
        file = {"filename": "a.pdf", "file_data": f"data:application/pdf;base64,{PDF}"}
        heard = chat(lab, model, [user([text("sum up"), {"type": "file", "file": file}])])
        assert PDF in str(body(heard))

    def test_sound(self, lab: Lab) -> None:
        """Gemini hears, others are ruled out."""
        asks = [user([text("?"), {"type": "input_audio", "input_audio": {"data": WAV, "format": "wav"}}])]
        assert WAV in str(body(chat(lab, "gemini-3-pro", asks)))
        told = chat(lab, "gpt-5.1", asks).told
        assert told.error
        assert (told.status, told.error["param"]) == (400, "messages.0.content.1")

    @EVERY_MODEL
    def test_the_name_of_a_tool_on_its_result(self, lab: Lab, model: str) -> None:
        """Frameworks send it at every second turn."""
        history = [Q, calling(call("look_up", "{}")), result("call_1", "r", name="look_up")]
        assert answer(chat(lab, model, history, tools=[LOOK_UP])).finish == "stop"

    @pytest.mark.parametrize(
        ("options", "field"),
        [
            ({"n": 2}, "n"),
            ({"logprobs": True, "top_logprobs": 2}, "logprobs"),
            ({"logit_bias": {"5": 1}}, "logit_bias"),
            ({"tools": [{"type": "custom", "custom": {"name": "run"}}]}, "tools"),
            ({"functions": [{"name": "f", "parameters": CITY}]}, "functions"),
            ({"service_tier": "flex"}, "service_tier"),
            ({"prompt_cache_retention": "24h"}, "prompt_cache_retention"),
        ],
    )
    def test_an_option_goes_along(self, lab: Lab, options: dict[str, Any], field: str) -> None:
        """On the wire that has it; nulls say nothing."""
        sent = body(chat(lab, "gpt-5.1", [HI], **options))
        assert sent[field] == options[field]
        assert answer(chat(lab, "gpt-5.1", [HI], **dict.fromkeys(options))).finish == "stop"

    def test_allowed_tools(self, lab: Lab) -> None:
        """Where the wire has no word for it, no other is offered."""
        named = {"type": "function", "function": {"name": "ping"}}
        choice = {"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": [named]}}
        for model in PROVIDERS:
            told = answer(chat(lab, model, [HI], tools=[LOOK_UP, PING], tool_choice=choice))
            assert {one.name for one in told.calls} <= {"ping"}

    def test_who_asks_is_told_to_openai(self, lab: Lab) -> None:
        """With the project in front, so that projects share nothing."""
        sent = body(chat(lab, "gpt-5.1", [HI], prompt_cache_key="k", safety_identifier="s"))
        assert {sent["prompt_cache_key"].endswith("k"), sent["safety_identifier"].endswith("s")} == {True}

    def test_cache_control(self, lab: Lab) -> None:
        """Gets to Claude, and is named elsewhere."""
        asks = [user([text("long", cache_control={"type": "ephemeral"})])]
        heard = chat(lab, "claude-opus-4.5", asks)
        assert body(heard)["messages"][0]["content"][0]["cache_control"] == {"type": "ephemeral"}
        assert answer(chat(lab, "gpt-5.1", asks)).dropped == ("cache_control",)

    @pytest.mark.parametrize(
        ("model", "works"), [("claude-opus-4.5", True), ("gemini-3-pro", True), ("codex-max", True), ("gpt-5.1", False)]
    )
    def test_an_image_of_a_tool(self, lab: Lab, model: str, *, works: bool) -> None:
        """Where the wire takes it."""
        history = [Q, calling(call("look_up", "{}")), result("call_1", [text("see"), image()])]
        told = chat(lab, model, history, tools=[LOOK_UP]).told
        assert (told.status == 200) == works
        assert works or (told.error or {})["param"] == "messages.2.content.1"

    @EVERY_MODEL
    def test_what_other_gateways_leave_in_a_history(self, lab: Lab, model: str) -> None:
        """It goes back to nobody who refuses it."""
        left = {
            "reasoning": "Hm.",
            "reasoning_details": [{}],
            "provider_specific_fields": {"x": 1},
            "thinking_blocks": [],
            "id": "m1",
        }
        made = {**call("look_up", "{}"), "extra_content": {"google": {}}, "index": 0}
        history = [Q, calling(made, **left), result("call_1", "r")]
        assert answer(chat(lab, model, history, tools=[LOOK_UP])).finish == "stop"

    def test_a_system_message_alone(self, lab: Lab) -> None:
        """Claude needs a turn: in a group the next model answers."""
        told = complete(lab, [system("Say hello.")]).told
        assert told.attempts
        assert [one["outcome"] for one in told.attempts] == ["skipped", "ok"]
