"""What Gemini refuses of contents and tools, of the documentation of 2026-11-29."""

from __future__ import annotations

import pytest

from tests.local.providers.at_gemini import CALLED, DECLARED, RESPONSE, USER, declaring, generate, parameters
from tests.local.providers.refusals import error

API = "type.googleapis.com/google.ai.generativelanguage.v1beta"
PLACE = "tools[0].function_declarations[0].parameters"


@pytest.mark.parametrize(
    ("fields", "name", "at"),
    [
        ({"generationConfig": {"topQ": 1}}, "topQ", "generation_config"),
        ({"generation_config": {"thinking_config": {"effort": 1}}}, "effort", "generation_config.thinking_config"),
        ({"contents": [USER | {"name": "x"}]}, "name", "contents[0]"),
        ({"contents": [{"parts": [{"type": "text", "text": "x"}]}]}, "type", "contents[0].parts[0]"),
        ({"tools": [{"type": "function"}]}, "type", "tools[0]"),
        (declaring(strict=True), "strict", "tools[0].function_declarations[0]"),
        (parameters(k={"const": "z"}), "const", f"{PLACE}.properties[0].value"),
        (parameters(k={"oneOf": []}), "oneOf", f"{PLACE}.properties[0].value"),
        (parameters(k={"anyOf": [{"$ref": "#"}]}), "$ref", f"{PLACE}.properties[0].value.any_of[0]"),
        (parameters(k={"items": {"$defs": {}}}), "$defs", f"{PLACE}.properties[0].value.items"),
        (declaring(parameters={"additionalProperties": False}), "additionalProperties", PLACE),
        ({"generationConfig": {"responseSchema": {"$schema": "x"}}}, "$schema", "generation_config.response_schema"),
        ({"toolConfig": {"functionCallingConfig": {"tool": "f"}}}, "tool", "tool_config.function_calling_config"),
    ],
)
def test_unknown_names_are_told_with_their_place(sim, fields, name, at):
    """In the message, and as violations in the details."""
    found = error(generate(sim, **fields))
    problem = f"Invalid JSON payload received. Unknown name \"{name}\" at '{at}': Cannot find field."
    assert found["message"] == problem
    assert found["details"] == [
        {
            "@type": "type.googleapis.com/google.rpc.BadRequest",
            "fieldViolations": [{"field": at, "description": problem}],
        }
    ]


def test_all_unknown_names_are_told(sim):
    """One line for each; a type may not be a list."""
    found = error(generate(sim, **parameters(a={"const": 1}, b={"type": ["string", "null"]}), foo=1))
    assert found["message"].splitlines() == [
        f"Invalid JSON payload received. Unknown name \"const\" at '{PLACE}.properties[0].value': Cannot find field.",
        (
            f"Invalid JSON payload received. Unknown name \"type\" at '{PLACE}.properties[1].value': Proto field is "
            f"not repeating, cannot start list."
        ),
        'Invalid JSON payload received. Unknown name "foo": Cannot find field.',
    ]
    assert found["details"][0]["fieldViolations"][2] == {"description": found["message"].splitlines()[2]}


def test_a_json_schema_may_say_anything(sim):
    """ParametersJsonSchema is not looked into, responseJsonSchema neither."""
    schema = {
        "type": "object",
        "properties": {"k": {"oneOf": [{"const": 1}, {"$ref": "#/$defs/x"}]}, "any": True},
        "$defs": {"x": {"type": ["string", "null"]}},
        "additionalProperties": False,
    }
    for name in ("parametersJsonSchema", "parameters_json_schema"):
        assert generate(sim, **declaring(**{name: schema})).status_code == 200
    config = {"responseMimeType": "application/json", "responseJsonSchema": schema}
    assert generate(sim, generationConfig=config).status_code == 200


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        (
            declaring(name="get weather"),
            "* GenerateContentRequest.tools[0].function_declarations[0].name: [FIELD_INVALID]",
        ),
        (
            declaring(parameters={"type": "OBJECT"}, parametersJsonSchema={"type": "object"}),
            "* GenerateContentRequest.tools[0].function_declarations[0]: parameters and parameters_json_schema are",
        ),
        (
            declaring(parametersJsonSchema=True),
            "* GenerateContentRequest.tools[0].function_declarations[0].parameters_js",
        ),
        (declaring(parameters=True), f"Invalid value at '{PLACE}' ({API}.Schema), true"),
        (parameters(k={"type": "date"}), f"Invalid value at '{PLACE}.properties[k].type' ({API}.Type), \"date\""),
        (
            parameters(k={"type": "STRING", "enum": ["a", 1]}),
            f"Invalid value at '{PLACE}.properties[k].enum[1]' (TYPE_STRING), 1",
        ),
        (
            parameters(k={"type": "STRING", "enum": [""]}),
            f"* GenerateContentRequest.{PLACE}.properties[k].enum[0]: cannot be empty",
        ),
        (
            parameters(k={"type": "INTEGER", "enum": ["1"]}),
            f"* GenerateContentRequest.{PLACE}.properties[k].enum: only allowed for STRING type",
        ),
        (parameters(k={"type": "ARRAY"}), f"* GenerateContentRequest.{PLACE}.properties[k].items: missing field."),
        (
            parameters(k={"type": "ARRAY", "items": {"anyOf": [{"type": "x"}]}}),
            f"Invalid value at '{PLACE}.properties[k].items.any_of[0].type'",
        ),
        (
            declaring(parameters={"type": "OBJECT", "properties": {}, "required": ["k"]}),
            f"* GenerateContentRequest.{PLACE}.required[0]: property is not defined",
        ),
        ({"tools": DECLARED * 2}, "Duplicate function declaration found: f"),
        (
            {"toolConfig": {"functionCallingConfig": {"mode": "ANY"}}},
            "Function calling config is set without function_declarations.",
        ),
        (
            {"tools": DECLARED, "toolConfig": {"functionCallingConfig": {"mode": "auto"}}},
            f"Invalid value at 'tool_config.function_calling_config.mode' ({API}.FunctionCallingConfig.Mode), \"auto\"",
        ),
        (
            {"tools": DECLARED, "toolConfig": {"functionCallingConfig": {"allowedFunctionNames": ["f"]}}},
            "* GenerateContentRequest.tool_config.function_calling_config.allowed_function_names: should be set only",
        ),
        (
            {
                "tools": DECLARED,
                "toolConfig": {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["g"]}},
            },
            "* GenerateContentRequest.tool_config.function_calling_config.allowed_function_names: g is not a declared",
        ),
        ({"systemInstruction": "be brief"}, f"Invalid value at 'system_instruction' ({API}.Content), \"be brief\""),
        (
            {"systemInstruction": {"parts": []}},
            "* GenerateContentRequest.system_instruction.parts: contents.parts must",
        ),
        (
            {"systemInstruction": {"parts": [{"inlineData": {}}]}},
            "* GenerateContentRequest.system_instruction.parts[0]: only text is supported.",
        ),
    ],
)
def test_tools_and_instructions_are_checked(sim, fields, text):
    """Names, schemas in OpenAPI's subset, modes."""
    assert error(generate(sim, **fields))["message"].startswith(text)


@pytest.mark.parametrize(
    ("contents", "text"),
    [
        (
            [{"parts": [{}]}],
            "* GenerateContentRequest.contents[0].parts[0].data: required oneof field 'data' must have",
        ),
        ([{"parts": [{"text": ""}]}], "* GenerateContentRequest.contents[0].parts[0].data: required oneof"),
        (
            [{"parts": [{"inlineData": {"mimeType": "image/tiff", "data": "AA=="}}]}],
            "Unsupported MIME type: image/tiff",
        ),
        (
            [{"parts": [{"inlineData": {"mimeType": "application/pdf", "data": "no!"}}]}],
            "Invalid value at 'contents[0].parts[0].inline_data.data' (TYPE_BYTES), Base64 decoding failed for \"no!\"",
        ),
        (
            [USER, {"role": "model", "parts": [{"functionCall": {"args": {}}}]}],
            "* GenerateContentRequest.contents[1].parts[0].function_call.name: Name cannot be empty.",
        ),
        (
            [{"role": "model", "parts": [CALLED]}, RESPONSE],
            "Please ensure that function call turn comes immediately after",
        ),
        ([USER, RESPONSE], "Please ensure that function response turn comes immediately after a function call turn."),
        (
            [USER, {"role": "model", "parts": [CALLED, CALLED]}, RESPONSE],
            "Please ensure that the number of function response parts is equal to the number of function call parts",
        ),
    ],
)
def test_contents_are_checked(sim, contents, text):
    """Parts that say nothing, files, and calls with their responses."""
    assert error(generate(sim, contents=contents))["message"].startswith(text)


@pytest.mark.parametrize("kind", ["application/pdf", "audio/wav", "audio/mp3", "image/png", "text/plain", "video/mp4"])
def test_files_are_taken(sim, kind):
    """Documents, sound, images and text in the request."""
    parts = [{"inlineData": {"mimeType": kind, "data": "AA=="}}, {"text": "what"}]
    assert generate(sim, contents=[{"role": "user", "parts": parts}]).status_code == 200
