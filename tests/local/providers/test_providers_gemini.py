"""Gemini's wire format, against expectations written by hand from its documentation."""

from __future__ import annotations

import json

import pytest

from tests.local.providers.refusals import error

PATH = "/models/gemini-2.5-pro"
USER = [{"role": "user", "parts": [{"text": "hello world"}]}]
DECLARED = [
    {
        "functionDeclarations": [
            {"name": "get_weather", "parameters": {"type": "OBJECT", "properties": {"city": {"type": "STRING"}}}}
        ]
    }
]


def generate(sim, method="generateContent", **fields):
    return sim.post("gemini", f"{PATH}:{method}", {"contents": USER} | fields)


def user(text):
    return [{"role": "user", "parts": [{"text": text}]}]


def test_content_is_generated(sim):
    """Thoughts and cached tokens are counted apart; the prompt count includes what was cached."""
    body = generate(sim, contents=user("hello [[reasoning=2]] [[cached=3]]")).json()
    assert body.pop("responseId")
    assert body == {
        "candidates": [
            {
                "content": {"parts": [{"text": "gemini-2.5-pro heard: hello"}], "role": "model"},
                "index": 0,
                "finishReason": "STOP",
            }
        ],
        "usageMetadata": {
            "promptTokenCount": 8,
            "candidatesTokenCount": 4,
            "totalTokenCount": 14,
            "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 8}],
            "cachedContentTokenCount": 3,
            "cacheTokensDetails": [{"modality": "TEXT", "tokenCount": 3}],
            "thoughtsTokenCount": 2,
        },
        "modelVersion": "gemini-2.5-pro",
    }


def test_a_stream_grows_its_usage(sim):
    """Each event is a response; only the last has a finish reason, and there is no [DONE]."""
    response = sim.chat("gemini", "[[words=2]]", stream=True)
    assert response.text.endswith("\r\n\r\n")
    events = [json.loads(line[6:]) for line in response.text.splitlines() if line]
    assert [event["candidates"][0]["content"]["parts"][0]["text"] for event in events] == ["alpha", " beta", ""]
    assert [event["usageMetadata"]["candidatesTokenCount"] for event in events] == [1, 2, 2]
    assert [event["candidates"][0].get("finishReason") for event in events] == [None, None, "STOP"]
    assert len({event["responseId"] for event in events}) == 1


def test_thoughts_are_shown_on_request(sim):
    """With includeThoughts, parts marked as thought come first, whole and streamed."""
    config = {"generationConfig": {"thinkingConfig": {"includeThoughts": True, "thinkingBudget": 128}}}
    parts = generate(sim, **config).json()["candidates"][0]["content"]["parts"]
    assert [part.get("thought", False) for part in parts] == [True, False]
    text = generate(sim, "streamGenerateContent?alt=sse", **config).text
    assert text.count('"thought":true') == 12
    hidden = generate(sim, generationConfig={"thinkingConfig": {"thinkingBudget": 1000}}).json()
    assert hidden["usageMetadata"]["thoughtsTokenCount"] == 12
    assert len(hidden["candidates"][0]["content"]["parts"]) == 1


def test_hidden_thoughts_count_in_a_stream(sim):
    """Thoughts that are not shown are in the usage of the first chunk already."""
    text = generate(sim, "streamGenerateContent?alt=sse", contents=user("[[reasoning=5]] [[words=1]]")).text
    assert text.count('"thoughtsTokenCount":5') == 2


def test_a_function_is_called(sim):
    """Calls are parts with arguments as an object, whole and streamed."""
    mode = {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["get_weather"]}}
    candidate = generate(sim, tools=DECLARED, toolConfig=mode).json()["candidates"][0]
    assert candidate["content"]["parts"][0]["functionCall"] == {"name": "get_weather", "args": {"city": "text"}}
    assert candidate["finishReason"] == "STOP"
    assert (
        '"functionCall"'
        in generate(sim, "streamGenerateContent?alt=sse", tools=DECLARED, contents=user("[[tool]]")).text
    )


def test_functions_are_not_called_unasked(sim):
    """Mode NONE, mode AUTO without a marker, and a history with the result give text."""
    history = [*user("[[tool]]"), {"role": "model", "parts": [{"functionCall": {"name": "get_weather", "args": {}}}]}]
    history += [{"role": "user", "parts": [{"functionResponse": {"name": "get_weather", "response": {"sky": "blue"}}}]}]
    for fields in (
        {"contents": user("[[tool]]"), "toolConfig": {"functionCallingConfig": {"mode": "NONE"}}},
        {"toolConfig": {"functionCallingConfig": {"mode": "AUTO"}}},
        {"contents": history},
    ):
        assert "text" in generate(sim, tools=DECLARED, **fields).json()["candidates"][0]["content"]["parts"][0]


@pytest.mark.parametrize(
    ("config", "answer"),
    [
        (
            {
                "responseMimeType": "application/json",
                "responseSchema": {"type": "OBJECT", "properties": {"n": {"type": "INTEGER"}}},
            },
            {"n": 1},
        ),
        (
            {
                "response_mime_type": "application/json",
                "responseJsonSchema": {"type": "array", "items": {"type": "integer"}},
            },
            [1],
        ),
        ({"responseMimeType": "application/json"}, {"answer": "hello world"}),
    ],
)
def test_structured_output_fits_its_schema(sim, config, answer):
    """Response schemas in both spellings are obeyed."""
    parts = generate(sim, generationConfig=config).json()["candidates"][0]["content"]["parts"]
    assert json.loads(parts[0]["text"]) == answer


def test_limit_and_stop(sim):
    """The output limit ends with MAX_TOKENS, a stop sequence with STOP."""
    limited = generate(sim, generationConfig={"maxOutputTokens": 1}).json()
    assert (limited["candidates"][0]["finishReason"], limited["usageMetadata"]["candidatesTokenCount"]) == (
        "MAX_TOKENS",
        1,
    )
    stopped = generate(sim, generationConfig={"stopSequences": ["heard"]}).json()["candidates"][0]
    assert (stopped["finishReason"], stopped["content"]["parts"][0]["text"]) == ("STOP", "gemini-2.5-pro ")


def test_images_and_system_count_as_input(sim):
    """An image counts 258 tokens, the system instruction its own."""
    parts = [{"inline_data": {"mime_type": "image/png", "data": "AA=="}}, {"text": "what"}]
    system = {"parts": [{"text": "be brief"}]}
    body = generate(sim, contents=[{"parts": parts}], system_instruction=system).json()
    assert body["usageMetadata"]["promptTokenCount"] == 258 + 1 + 3 + 2


def test_tokens_are_counted_without_an_answer(sim):
    """CountTokens takes the contents, or a whole request."""
    plain = generate(sim, "countTokens").json()
    inner = {"generateContentRequest": {"model": "models/gemini-2.5-pro", "contents": USER}}
    assert plain == sim.post("gemini", f"{PATH}:countTokens", inner).json()
    assert plain == {"totalTokens": 5, "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 5}]}


def test_embeddings(sim):
    """One or many, of the wanted size, and the same text the same vector."""
    path = "/models/gemini-embedding-001"
    request = {"content": {"parts": [{"text": "hi"}]}, "outputDimensionality": 4}
    one = sim.post("gemini", f"{path}:embedContent", request).json()["embedding"]["values"]
    many = sim.post("gemini", f"{path}:batchEmbedContents", {"requests": [request, request]}).json()["embeddings"]
    assert len(one) == 4
    assert many == [{"values": one}] * 2
    assert sim.control.counts("gemini", "gemini-embedding-001")["input_tokens"] == 3
    answer = error(sim.post("gemini", f"{path}:batchEmbedContents", {"requests": []}))
    assert answer["message"] == "* EmbedContentRequest.content: content is not specified\n"


def test_models_are_listed(sim):
    """Names carry their prefix, and say what they are for. The key may stand in the query."""
    models = sim.http.get(sim.base("gemini") + "/models", params={"key": "k"}).json()["models"]
    assert models[0]["name"] == "models/gemini-3.1-pro-preview"
    assert models[-1]["supportedGenerationMethods"] == ["embedContent", "countTokens"]


def test_credentials_are_checked(sim):
    """A missing key is a 403 here and a wrong one a 400, as at Google."""
    path, body = sim.request("gemini")
    missing = error(sim.http.post(sim.base("gemini") + path, json=body), 403)
    assert missing["status"] == "PERMISSION_DENIED"
    assert missing["message"].startswith("Method doesn't allow unregistered callers")
    wrong = error(sim.post("gemini", path, body, **{"x-goog-api-key": "invalid"}))
    assert (wrong["status"], wrong["message"]) == (
        "INVALID_ARGUMENT",
        "API key not valid. Please pass a valid API key.",
    )
    assert wrong["details"][0]["reason"] == "API_KEY_INVALID"


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"messages": []}, 'Invalid JSON payload received. Unknown name "messages": Cannot find field.'),
        ({"contents": []}, "* GenerateContentRequest.contents: contents is not specified\n"),
        ({"contents": ["x"]}, "Invalid value at 'contents[0]'"),
        ({"contents": [{"role": "assistant", "parts": [{"text": "x"}]}]}, "Please use a valid role: user, model."),
        (
            {"contents": [{"role": "user", "parts": []}]},
            "* GenerateContentRequest.contents[0].parts: contents.parts must not be empty.\n",
        ),
        ({"generationConfig": "hot"}, "Request contains an invalid argument."),
    ],
)
def test_bodies_are_checked(sim, fields, text):
    """Odd bodies get Gemini's own words."""
    answer = error(generate(sim, **fields))
    assert answer["message"].startswith(text)
    assert (answer["code"], answer["status"]) == (400, "INVALID_ARGUMENT")


def test_an_unknown_model_is_not_found(sim):
    """The model of the path has to be one of Google's."""
    answer = error(sim.post("gemini", "/models/gpt-5.1:generateContent", {"contents": USER}), 404)
    assert answer["message"].startswith("models/gpt-5.1 is not found for API version v1beta")
    assert answer["status"] == "NOT_FOUND"
