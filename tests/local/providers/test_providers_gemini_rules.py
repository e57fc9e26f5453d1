"""What Gemini refuses of contents, tools and config, and its signatures, of the documentation of 2026-11-29."""

from __future__ import annotations

import pytest

USER = {"role": "user", "parts": [{"text": "hello"}]}
CALLED = {"functionCall": {"name": "f", "args": {"a": 1}}}
RESPONSE = {"role": "user", "parts": [{"functionResponse": {"name": "f", "response": {"sky": "blue"}}}]}
DECLARED = [{"functionDeclarations": [{"name": "f"}]}]
PRO = "gemini-3.1-pro-preview"
API = "type.googleapis.com/google.ai.generativelanguage.v1beta"


def generate(sim, model="gemini-2.5-pro", method="generateContent", **fields):
    return sim.post("gemini", f"/models/{model}:{method}", {"contents": [USER]} | fields)


def error(response, status=400):
    assert response.status_code == status, response.text
    return response.json()["error"]


def declaring(**fields):
    return {"tools": [{"functionDeclarations": [{"name": "f"} | fields]}]}


def parameters(**properties):
    return declaring(parameters={"type": "OBJECT", "properties": properties})


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


@pytest.mark.parametrize(
    ("model", "config", "text"),
    [
        ("gemini-2.5-pro", {"presencePenalty": 0.2}, "Penalty is not enabled for this model"),
        ("gemini-3.8-flash", {"frequency_penalty": 1}, "Penalty is not enabled for this model"),
        ("gemini-2.5-pro", {"frequencyPenalty": 0}, None),
        ("gemini-2.0-flash", {"frequencyPenalty": 1}, None),
        ("gemini-2.5-pro", {"temperature": 2.5}, "* GenerateContentRequest.generation_config.temperature: 2.5 is not"),
        ("gemini-2.5-pro", {"maxOutputTokens": 0}, "* GenerateContentRequest.generation_config.max_output_tokens"),
        (
            "gemini-2.5-pro",
            {"stopSequences": list("abcdef")},
            "* GenerateContentRequest.generation_config.stop_sequences",
        ),
        (
            "gemini-2.5-pro",
            {"thinkingConfig": {"thinkingLevel": "low"}},
            "Thinking level is not supported for this model.",
        ),
        ("gemini-2.5-pro", {"thinkingConfig": {"thinkingBudget": 0}}, "Budget 0 is invalid. This model only works in"),
        ("gemini-2.5-pro", {"thinkingConfig": {"thinkingBudget": 100}}, "The thinking budget 100 is invalid. Please"),
        ("gemini-2.5-pro", {"thinkingConfig": {"thinkingBudget": -1}}, None),
        ("gemini-2.5-flash", {"thinkingConfig": {"thinkingBudget": 0}}, None),
        ("gemini-2.5-flash-lite", {"thinkingConfig": {"thinkingBudget": 100}}, "The thinking budget 100 is invalid."),
        ("gemini-2.5-flash-lite", {"thinkingConfig": {"thinkingBudget": 0}}, None),
        (
            PRO,
            {"thinkingConfig": {"thinkingBudget": 100, "thinkingLevel": "low"}},
            "You can only set only one of thinking budget and thinking level.",
        ),
        (PRO, {"thinkingConfig": {"thinkingBudget": 100}}, None),
        (
            PRO,
            {"thinkingConfig": {"thinkingLevel": "MINIMAL"}},
            "Thinking level MINIMAL is not supported for this model.",
        ),
        (PRO, {"thinkingConfig": {"thinkingLevel": "medium"}}, None),
        ("gemini-3-pro-preview", {"thinkingConfig": {"thinkingLevel": "medium"}}, "Thinking level MEDIUM is not"),
        ("gemini-3-flash-preview", {"thinkingConfig": {"thinkingLevel": "minimal"}}, None),
        (
            "gemini-2.5-pro",
            {"responseMimeType": "text/html"},
            "* GenerateContentRequest.generation_config.response_mime",
        ),
        (
            "gemini-2.5-pro",
            {"responseSchema": {"type": "OBJECT"}},
            "* GenerateContentRequest.generation_config.response_s",
        ),
        (
            "gemini-2.5-pro",
            {"responseJsonSchema": {}},
            "* GenerateContentRequest.generation_config.response_json_schema",
        ),
        (
            "gemini-2.5-pro",
            {"responseMimeType": "application/json", "responseSchema": {}, "responseJsonSchema": {}},
            "* GenerateContentRequest.generation_config.response_schema: must be omitted when response_json_schema",
        ),
        (
            "gemini-2.5-pro",
            {"responseMimeType": "application/json", "responseSchema": {"type": "ARRAY"}},
            "* GenerateContentRequest.generation_config.response_schema.items: missing field.",
        ),
    ],
)
def test_the_config_depends_on_the_model(sim, model, config, text):
    """Penalties, budgets, levels and formats."""
    answer = generate(sim, model, generationConfig=config)
    assert answer.json().get("error", {}).get("message", "").startswith(text or "")
    assert answer.status_code == (400 if text else 200)


def test_tools_and_json_together_are_for_gemini_3(sim):
    """Earlier models take one of them."""
    config = {"responseMimeType": "application/json"}
    found = error(generate(sim, tools=DECLARED, generationConfig=config))
    assert found["message"] == "Function calling with a response mime type: 'application/json' is unsupported"
    assert generate(sim, PRO, tools=DECLARED, generationConfig=config).status_code == 200


def history(*parts, before=USER):
    responses = {"role": "user", "parts": RESPONSE["parts"] * len(parts)}
    return [before, {"role": "model", "parts": list(parts)}, responses]


def test_a_signature_goes_back_with_its_call(sim):
    """As it came. Without it Gemini 3 refuses the turn, and says which call; 2.5 does not look."""
    asked = {"role": "user", "parts": [{"text": "[[tool]]"}]}
    part = generate(sim, PRO, contents=[asked], tools=DECLARED).json()["candidates"][0]["content"]["parts"][0]
    assert generate(sim, PRO, contents=history(part, before=asked), tools=DECLARED).status_code == 200
    found = error(generate(sim, PRO, contents=history(CALLED)))
    assert found["message"].startswith("Function call is missing a thought_signature in functionCall parts.")
    assert "function call `default_api:f` , position 2." in found["message"]
    assert generate(sim, contents=history(CALLED)).status_code == 200


@pytest.mark.parametrize("name", ["thoughtSignature", "thought_signature"])
@pytest.mark.parametrize(
    "dummy",
    [
        "skip_thought_signature_validator",
        "context_engineering_is_the_way_to_go",
        "c2tpcF90aG91Z2h0X3NpZ25hdHVyZV92YWxpZGF0b3I=",
    ],
)
def test_dummies_stand_for_a_signature(sim, dummy, name):
    """As documented for histories that another model wrote, as text or as bytes in base64."""
    assert generate(sim, PRO, contents=history(CALLED | {name: dummy})).status_code == 200


def test_a_forged_signature(sim):
    """Neither a dummy nor what came with a call of this function."""
    assert error(generate(sim, PRO, contents=history(CALLED | {"thoughtSignature": "AAAA"})))["message"] == (
        "Corrupted thought signature."
    )


def test_parallel_calls_share_a_signature_and_old_turns_need_none(sim):
    """The first call of a step carries it; what was before the user's last words is not looked at."""
    tools = [{"functionDeclarations": [{"name": "f"}, {"name": "g"}]}]
    asked = {"role": "user", "parts": [{"text": "[[tool=f,g]]"}]}
    parts = generate(sim, PRO, contents=[asked], tools=tools).json()["candidates"][0]["content"]["parts"]
    assert [sorted(part) for part in parts] == [["functionCall", "thoughtSignature"], ["functionCall"]]
    assert generate(sim, PRO, contents=history(*parts, before=asked), tools=tools).status_code == 200
    over = [*history(CALLED), {"role": "model", "parts": [{"text": "Blue."}]}, USER]
    assert generate(sim, PRO, contents=over).status_code == 200
    loop = [*history(parts[0], before=asked), *history(CALLED)[1:]]
    assert "position 4" in error(generate(sim, PRO, contents=loop))["message"]


def test_a_call_without_arguments_has_no_args(sim):
    """For a function without parameters, and for any by directive, whole and streamed."""
    asked = {"contents": [{"role": "user", "parts": [{"text": "[[tool]]"}]}], "tools": DECLARED}
    part = generate(sim, **asked).json()["candidates"][0]["content"]["parts"][0]
    assert part["functionCall"] == {"name": "f"}
    assert '"functionCall":{"name":"f"}' in generate(sim, method="streamGenerateContent?alt=sse", **asked).text
    directed = {"contents": [{"role": "user", "parts": [{"text": "[[tool]] [[no_args]]"}]}]}
    answer = generate(sim, **directed, **parameters(k={"type": "STRING"})).json()
    assert answer["candidates"][0]["content"]["parts"][0]["functionCall"] == {"name": "f"}


def test_an_empty_answer_has_no_parts(sim):
    """Whole and streamed."""
    contents = [{"role": "user", "parts": [{"text": "[[say=]]"}]}]
    candidate = generate(sim, contents=contents).json()["candidates"][0]
    assert (candidate["content"], candidate["finishReason"]) == ({"role": "model"}, "STOP")
    text = generate(sim, method="streamGenerateContent?alt=sse", contents=contents).text
    assert '"parts"' not in text


def test_an_answer_without_usage(sim):
    """Nothing tells the tokens, whole and streamed."""
    contents = [{"role": "user", "parts": [{"text": "[[no_usage]]"}]}]
    assert "usageMetadata" not in generate(sim, contents=contents).json()
    assert "usageMetadata" not in generate(sim, method="streamGenerateContent?alt=sse", contents=contents).text


def test_refusals_and_pauses_are_ordinary_ends(sim):
    """Gemini has no field for them."""
    for directive in ("[[refusal=No.]]", "[[pause_turn]] [[say=No.]]"):
        contents = [{"role": "user", "parts": [{"text": directive}]}]
        candidate = generate(sim, contents=contents).json()["candidates"][0]
        assert (candidate["content"]["parts"], candidate["finishReason"]) == ([{"text": "No."}], "STOP")
