"""Options and tools in Gemini's words."""

from __future__ import annotations

import json

import pytest

from gateway_core.domain.model_rules import ModelRules
from gateway_core.wires.gemini.codec import GEMINI_CODEC
from tests.unit.wires.gemini_calls import (
    BUDGETS,
    HI,
    LEVELS,
    SINCE_3,
    call_with,
    called,
    calling,
    config,
    requested,
    result,
    sent,
    tool,
    user,
)

SCHEMAS = [
    {"enum": ["a", "b"]},
    {"const": "z"},
    {"type": "integer", "enum": [1, 2]},
    {"type": ["string", "null"], "enum": ["a", None]},
    {"oneOf": [{"type": "string"}, {"type": "object"}], "discriminator": {"propertyName": "kind"}},
    {"$ref": "#/$defs/A", "description": "d"},
    {"type": "array", "items": {"$ref": "#/properties/h"}},
    {"type": "array", "items": True},
    {"$ref": "#"},
    True,
]


@pytest.mark.parametrize(
    ("model", "streams", "path"),
    [
        (SINCE_3, False, f"/models/{SINCE_3}:generateContent"),
        (SINCE_3, True, f"/models/{SINCE_3}:streamGenerateContent?alt=sse"),
        ("../x?key=1#a b", False, "/models/..%2Fx%3Fkey%3D1%23a%20b:generateContent"),
    ],
)
def test_the_model_is_named_in_the_path_and_nothing_else_can_be(model, streams, path):
    """Operators and callers name models."""
    assert requested(call_with(model=model), streams=streams).path == path


def test_a_plain_question_is_no_more_than_that():
    """Neither safety settings nor a temperature that nobody asked for."""
    made = sent()
    assert made.body == {
        "contents": [{"role": "user", "parts": [{"text": "hi"}]}],
        "generationConfig": {"maxOutputTokens": 50_000},
    }
    assert (made.dropped, made.headers) == ((), ())


@pytest.mark.parametrize(
    ("params", "said", "dropped"),
    [
        (
            {"temperature": 0.5, "top_p": 0.9, "top_k": 40, "presence_penalty": 1, "frequency_penalty": -1, "seed": 7},
            {
                "temperature": 0.5,
                "topP": 0.9,
                "topK": 40,
                "presencePenalty": 1,
                "frequencyPenalty": -1,
                "seed": 7,
            },
            (),
        ),
        ({"temperature": None, "seed": None, "stop": None, "response_format": None}, {}, ()),
        ({"seed": 2**31}, {"seed": 0}, ("seed",)),
        ({"seed": -(2**31) - 1}, {"seed": 2**31 - 1}, ("seed",)),
        ({"stop": "END"}, {"stopSequences": ["END"]}, ()),
        ({"stop": ["\n", "b"]}, {"stopSequences": ["\n", "b"]}, ()),
        ({"stop": list("abcdef")}, {"stopSequences": list("abcde")}, ("stop",)),
        ({"stop": [""]}, {}, ("stop",)),
        ({"response_format": {"type": "text"}}, {}, ()),
        ({"response_format": {"type": "json_object"}}, {"responseMimeType": "application/json"}, ()),
        (
            {"response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": {"$ref": "#"}}}},
            {"responseMimeType": "application/json", "responseJsonSchema": {"$ref": "#"}},
            (),
        ),
        (
            {"response_format": {"type": "json_schema", "json_schema": {"name": "n"}}},
            {"responseMimeType": "application/json"},
            (),
        ),
        (
            {
                "n": 1,
                "service_tier": "auto",
                "store": False,
                "logprobs": False,
                "modalities": ["text"],
                "parallel_tool_calls": True,
                "logit_bias": {},
            },
            {},
            (),
        ),
        (
            {
                "user": "u",
                "verbosity": "low",
                "prediction": {"type": "content", "content": "x"},
                "service_tier": "flex",
                "store": True,
                "top_logprobs": 2,
            },
            {},
            ("prediction", "service_tier", "store", "top_logprobs", "user", "verbosity"),
        ),
    ],
)
def test_an_option_is_said_or_named(params, said, dropped):
    """What asks for nothing is neither."""
    assert config(params) == (said, dropped)


def test_what_the_model_refuses_is_left_out_by_its_rules():
    """Penalties, since Gemini 3."""
    rules = ModelRules(refuses=frozenset({"presence_penalty"}), most_temperature=1.0, most_stops=1)
    asked = {"presence_penalty": 1, "temperature": 1.5, "stop": ["a", "b"]}
    assert config(asked, rules) == (
        {"temperature": 1.0, "stopSequences": ["a"]},
        ("presence_penalty", "stop", "temperature"),
    )


@pytest.mark.parametrize("schema", SCHEMAS)
def test_a_schema_goes_as_it_came(schema):
    """`parametersJsonSchema` takes all of JSON Schema, recursion and `true` too."""
    parameters = {
        "type": "object",
        "properties": {"k": schema, "h": {"type": "object"}},
        "$defs": {"A": {"type": "string"}},
    }
    made = sent(tools=[tool("f", description="d", parameters=parameters)])
    assert made.body["tools"] == [
        {"functionDeclarations": [{"name": "f", "description": "d", "parametersJsonSchema": parameters}]}
    ]
    assert made.dropped == ()


@pytest.mark.parametrize("parameters", [{}, {"parameters": None}, {"parameters": {}}])
def test_a_function_without_parameters_has_no_schema(parameters):
    """Gemini's word for none is to leave it out."""
    made = sent(tools=[tool("ping", description=None, strict=None, **parameters)])
    assert made.body["tools"] == [{"functionDeclarations": [{"name": "ping"}]}]
    assert "toolConfig" not in made.body


def allowed(mode, *names):
    return {"type": "allowed_tools", "allowed_tools": {"mode": mode, "tools": [tool(name) for name in names]}}


@pytest.mark.parametrize(
    ("choice", "strict", "mode", "names"),
    [
        ("none", None, "NONE", None),
        ("auto", None, "AUTO", None),
        ("auto", True, "VALIDATED", None),
        (None, True, "VALIDATED", None),
        ("required", True, "ANY", None),
        ({"type": "function", "function": {"name": "a"}}, None, "ANY", ["a"]),
        (allowed("required", "a"), None, "ANY", ["a"]),
    ],
)
def test_how_tools_may_be_called(choice, strict, mode, names):
    """ANY and VALIDATED hold the arguments to the schemas, which is what `strict` asks for."""
    made = sent(tools=[tool("a", strict=strict), tool("b")], tool_choice=choice)
    expected = {"mode": mode} | ({"allowedFunctionNames": names} if names else {})
    assert made.body["toolConfig"] == {"functionCallingConfig": expected}
    assert [f["name"] for f in made.body["tools"][0]["functionDeclarations"]] == ["a", "b"]
    assert made.dropped == ()


def test_tools_that_may_be_called_or_not_are_the_only_ones_offered():
    """`allowedFunctionNames` restricts a call that has to be."""
    made = sent(tools=[tool("a"), tool("b")], tool_choice=allowed("auto", "b"))
    assert made.body["tools"] == [{"functionDeclarations": [{"name": "b"}]}]
    assert made.body["toolConfig"] == {"functionCallingConfig": {"mode": "AUTO"}}
    assert "tools" not in sent(tools=[tool("a")], tool_choice=allowed("auto", "b")).body


@pytest.mark.parametrize(
    ("params", "dropped"),
    [
        ({"tool_choice": "auto", "parallel_tool_calls": False}, ()),
        ({"tool_choice": "required", "tools": []}, ("tool_choice",)),
        ({"tools": [tool()], "parallel_tool_calls": False}, ("parallel_tool_calls",)),
        ({"tools": [{**tool(), "cache_control": {"type": "ephemeral"}}]}, ("cache_control",)),
    ],
)
def test_what_tools_lose_is_named(params, dropped):
    """Without tools there is nothing to choose from, and only a call that was to be forced is missed."""
    made = sent(**params)
    assert made.dropped == dropped
    assert ("tools" in made.body) == bool(params.get("tools"))


PDF = {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,AAAA"}}
BOTH = called(calling("a"), calling("b"))
JSON_MODE = {"response_format": {"type": "json_object"}}


def image(kind):
    return user(
        [{"type": "text", "text": "see"}, {"type": "image_url", "image_url": {"url": f"data:{kind};base64,AAAA"}}]
    )


@pytest.mark.parametrize(
    ("messages", "params", "rules", "param"),
    [
        (HI, {}, LEVELS, None),
        (HI, {"tools": [tool("_a"), tool("b-1")]}, LEVELS, None),
        (HI, {"tools": [tool("a"), tool("3d")]}, LEVELS, "tools.1.function.name"),
        (HI, {"tools": [tool("-a")]}, LEVELS, "tools.0.function.name"),
        (HI, {"tools": [tool("a"), tool("b"), tool("a")]}, LEVELS, "tools.2"),
        (HI, {"tools": [tool()], **JSON_MODE}, LEVELS, None),
        (HI, JSON_MODE, BUDGETS, None),
        (HI, {"tools": [tool()], "response_format": {"type": "text"}}, BUDGETS, None),
        (HI, {"tools": [tool()], **JSON_MODE}, BUDGETS, "response_format"),
        ((*HI, image("image/jpg")), {}, LEVELS, None),
        ((*HI, image("image/webp")), {}, LEVELS, None),
        ((*HI, image("image/gif")), {}, LEVELS, "messages.1.content.1"),
        ((user([PDF, {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}}]),), {}, LEVELS, None),
        (
            (user([{**PDF, "file": {"file_data": "data:application/msword;base64,AAAA"}}]),),
            {},
            LEVELS,
            "messages.0.content.0",
        ),
        ((user([{**PDF, "file": {"file_data": "data:text/csv;base64,AAAA"}}]),), {}, LEVELS, None),
        ((user([{**PDF, "file": {"file_data": "data:;base64,AAAA"}}]),), {}, LEVELS, "messages.0.content.0"),
        ((*HI, BOTH, result("a__thought__S", "1")), {}, LEVELS, "messages.1.tool_calls"),
        ((*HI, BOTH, result("b", "2"), result("a", "1")), {}, LEVELS, None),
        ((*HI, BOTH, *HI), {}, LEVELS, None),
        ((*HI, BOTH, BOTH, result("a", "1"), result("b", "2")), {}, LEVELS, "messages.1.tool_calls"),
        ((*HI, BOTH, result("a", "1"), BOTH, result("b", "2"), result("a", "1")), {}, LEVELS, "messages.1.tool_calls"),
        (
            (*HI, called(calling("a"), calling("a")), result("a", "1"), result("x", "2")),
            {},
            LEVELS,
            "messages.1.tool_calls",
        ),
    ],
)
def test_what_gemini_refuses_is_told_before_it_is_asked(messages, params, rules, param):
    """Others in the group may take it; the sentence goes on from the model's name."""
    found = GEMINI_CODEC.objection(messages, params, rules)
    assert (found.param if found else None) == param
    assert found is None or param in found.detail


def test_what_the_wire_has_no_way_to_say():
    """It would change the answer."""
    assert GEMINI_CODEC.cannot == {"audio", "custom_tools", "functions", "logit_bias", "logprobs", "n"}


def test_the_callers_json_is_left_as_it_is():
    """The next candidate is sent it, too."""
    parameters = {"type": "object", "properties": {"a": True}}
    messages, params = (user([{"type": "text", "text": "q"}]),), {"tools": [tool(parameters=parameters)], "stop": ["a"]}
    before = json.dumps([messages, params])
    requested(call_with(messages, params), streams=True)
    assert json.dumps([messages, params]) == before
