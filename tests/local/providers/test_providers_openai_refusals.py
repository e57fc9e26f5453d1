"""What OpenAI refuses of keys, bodies, models and paths, in its own words."""

from __future__ import annotations

import openai
import pytest

from tests.local.providers.at_openai import USER, chat
from tests.local.providers.refusals import error


@pytest.mark.parametrize(
    ("headers", "code", "text"),
    [
        ({}, None, "You didn't provide an API key."),
        ({"authorization": "Basic abc"}, None, "You didn't provide an API key."),
        (
            {"authorization": "Bearer sk-proj-invalid-key"},
            "invalid_api_key",
            "Incorrect API key provided: sk-proj-************-key.",
        ),
    ],
)
def test_credentials_are_checked(sim, headers, code, text):
    """A key is required, and a wrong one is shown masked."""
    path, body = sim.request("openai")
    answer = error(sim.http.post(sim.base("openai") + path, json=body, headers=headers), 401)
    assert answer["message"].startswith(text)
    assert (answer["type"], answer["param"], answer["code"]) == ("invalid_request_error", None, code)


def test_the_official_client_types_the_errors(client, sim):
    """The SDK recognises key, model and parameter errors."""
    with pytest.raises(openai.NotFoundError, match="does not exist"):
        client.chat.completions.create(model="claude-opus-4-5", messages=USER)
    with pytest.raises(openai.BadRequestError, match="max_completion_tokens"):
        client.chat.completions.create(model="gpt-5.1", messages=USER, max_tokens=5)
    bad = openai.OpenAI(api_key="invalid", base_url=sim.base("openai"), max_retries=0)
    with bad, pytest.raises(openai.AuthenticationError):
        bad.models.list()


@pytest.mark.parametrize(
    ("fields", "param", "code", "text"),
    [
        ({"model": None}, None, None, "you must provide a model parameter"),
        ({"foo": 1}, None, None, "Unrecognized request argument supplied: foo"),
        ({"messages": None}, "messages", "missing_required_parameter", "Missing required parameter: 'messages'."),
        ({"messages": "x"}, "messages", "invalid_type", "Invalid type for 'messages'"),
        ({"messages": []}, "messages", "empty_array", "Invalid 'messages': empty array."),
        ({"messages": ["x"]}, "messages[0]", "invalid_type", "Invalid type for 'messages[0]'"),
        (
            {"messages": [{"content": "x"}]},
            "messages[0].role",
            "missing_required_parameter",
            "Missing required parameter",
        ),
        (
            {"messages": [{"role": "model", "content": "x"}]},
            "messages[0].role",
            "invalid_value",
            "Invalid value: 'model'. Supported values are: 'system',",
        ),
        (
            {"messages": [{"role": "user", "content": None}]},
            "messages[0].content",
            None,
            "Invalid value for 'content': expected a string, got null.",
        ),
        (
            {"messages": [{"role": "user", "content": [{"type": "image"}]}]},
            "messages[0].content[0].type",
            "invalid_value",
            "Invalid value: 'image'.",
        ),
        (
            {"temperature": 3},
            "temperature",
            "decimal_above_max_value",
            "Invalid 'temperature': decimal above maximum value. Expected a value <= 2, but got 3 instead.",
        ),
        ({"temperature": "hot"}, "temperature", "invalid_type", "Invalid type for 'temperature'"),
        (
            {"model": "gpt-5-mini", "temperature": 0.2},
            "temperature",
            "unsupported_value",
            "Unsupported value: 'temperature' does not support 0.2 with this model. Only the default (1) value is",
        ),
        ({"reasoning_effort": "low", "temperature": 0.2}, "temperature", "unsupported_value", "Unsupported value"),
        (
            {"max_tokens": 5},
            "max_tokens",
            "unsupported_parameter",
            "Unsupported parameter: 'max_tokens' is not supported with this model.",
        ),
        (
            {"max_completion_tokens": 0},
            "max_completion_tokens",
            "integer_below_min_value",
            "Invalid 'max_completion_tokens': integer below minimum value.",
        ),
        ({"n": 129}, "n", "integer_above_max_value", "Invalid 'n'"),
        ({"response_format": {"type": "json_object"}}, "messages", None, "'messages' must contain the word 'json'"),
        (
            {"response_format": {"type": "json_schema"}},
            "response_format.json_schema",
            "missing_required_parameter",
            "Missing",
        ),
        (
            {
                "response_format": {
                    "type": "json_schema",
                    "json_schema": {"name": "x", "strict": True, "schema": {"type": "object"}},
                }
            },
            "response_format",
            None,
            "Invalid schema for response_format 'x'",
        ),
        (
            {"tools": [{"type": "function"}]},
            "tools[0].function",
            "missing_required_parameter",
            "Missing required parameter: 'tools[0].function'.",
        ),
        ({"tools": 5}, None, None, "Invalid request."),
    ],
)
def test_bodies_are_checked(sim, fields, param, code, text):
    """Odd bodies get OpenAI's own words, parameter and code."""
    answer = error(chat(sim, **fields))
    assert answer["message"].startswith(text)
    assert (answer["type"], answer["param"], answer["code"]) == ("invalid_request_error", param, code)


def test_codex_is_not_a_chat_model(sim):
    """Responses-only models say where to find them."""
    answer = error(chat(sim, model="gpt-5.3-codex"), 404)
    assert answer["message"] == "This model is only supported in v1/responses and not in v1/chat/completions."
    assert answer["param"] == "model"


def test_a_body_that_is_no_json_object(sim):
    """Garbage and lists are refused as such."""
    url = sim.base("openai") + "/chat/completions"
    for content in (b"{", b"[]", b""):
        answer = error(sim.http.post(url, content=content, headers={"authorization": "Bearer k"}))
        assert answer["message"].startswith("We could not parse the JSON body of your request.")


def test_an_unknown_path_is_not_found(sim):
    """A path that does not exist is refused in the provider's shape."""
    answer = error(sim.http.post(sim.base("openai") + "/images", json={}), 404)
    assert answer["message"] == "Invalid URL (POST /v1/images)"
