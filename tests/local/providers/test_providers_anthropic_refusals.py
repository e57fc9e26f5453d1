"""What Anthropic refuses of keys, bodies, models and paths, in its own words."""

from __future__ import annotations

import pytest

from tests.local.providers.at_anthropic import USER, message, problem


@pytest.mark.parametrize(
    ("headers", "status", "kind", "text"),
    [
        ({}, 401, "authentication_error", "x-api-key header is required"),
        (
            {"x-api-key": "an-invalid-key", "anthropic-version": "2023-06-01"},
            401,
            "authentication_error",
            "invalid x-api-key",
        ),
        ({"x-api-key": "k"}, 400, "invalid_request_error", "anthropic-version: header is required"),
    ],
)
def test_credentials_are_checked(sim, headers, status, kind, text):
    """Key and version headers are required."""
    path, body = sim.request("anthropic")
    response = sim.http.post(sim.base("anthropic") + path, json=body, headers=headers)
    assert response.status_code == status
    answer = response.json()
    assert answer["type"] == "error"
    assert answer["error"] == {"type": kind, "message": text}
    assert answer["request_id"] == response.headers["request-id"]


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"frequency_penalty": 1}, "frequency_penalty: Extra inputs are not permitted"),
        ({"max_tokens": None}, "max_tokens: Field required"),
        ({"max_tokens": 0}, "max_tokens: Input should be greater than or equal to 1"),
        ({"temperature": 1.5}, "temperature: range: 0..1"),
        ({"messages": "hi"}, "messages: Input should be a valid list"),
        ({"messages": []}, "messages: at least one message is required"),
        ({"messages": ["hi"]}, "messages.0: Input should be a valid dictionary or object to extract fields from"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "messages.0.role: Input should be 'user' or 'assistant'"),
        ({"messages": [{"role": "user"}]}, "messages.0.content: Field required"),
        (
            {"messages": [{"role": "user", "content": [{"type": "text", "text": ""}]}]},
            "messages: text content blocks must be non-empty",
        ),
        ({"thinking": {"type": "enabled"}}, "thinking.enabled.budget_tokens: Field required"),
        (
            {"messages": [{"role": "user", "content": "[[words=x]]"}]},
            "simulator directive: invalid literal for int() with base 10: 'x'",
        ),
        ({"tools": [{"input_schema": {}}]}, "tools.0.custom.name: Field required"),
        ({"tools": "all"}, "Invalid request"),
    ],
)
def test_bodies_are_checked(sim, fields, text):
    """Odd bodies get Anthropic's own words."""
    assert problem(message(sim, **fields)) == text


@pytest.mark.parametrize(
    ("fields", "part"),
    [
        ({"messages": [{"role": "system", "content": "x"}]}, "role 'system' is not supported on this model"),
        ({"messages": [{"role": "user", "content": ""}]}, "must have non-empty content"),
        (
            {"messages": [{"role": "user", "content": [{"type": "image_url"}]}]},
            "Input tag 'image_url' found using 'type'",
        ),
        ({"thinking": {"type": "enabled", "budget_tokens": 5}}, "greater than or equal to 1024"),
        ({"thinking": {"type": "enabled", "budget_tokens": 2000}}, "must be greater than `thinking.budget_tokens`"),
        (
            {"thinking": {"type": "enabled", "budget_tokens": 1024}, "max_tokens": 2000, "temperature": 0.5},
            "may only be set to 1",
        ),
    ],
)
def test_longer_complaints(sim, fields, part):
    """Complaints that carry an explanation carry it."""
    assert part in problem(message(sim, **fields))


@pytest.mark.parametrize(
    ("model", "fields", "text"),
    [
        ("claude-opus-4-5", {"temperature": 0.5, "top_p": 0.5}, "`temperature` and `top_p` cannot both be specified"),
        ("claude-opus-4-8", {"temperature": 0.5}, "`temperature` is deprecated for this model."),
        ("claude-haiku-5-5", {"top_k": 5}, "`top_k` is deprecated for this model."),
        (
            "claude-opus-4-6",
            {"messages": [*USER, {"role": "assistant", "content": "x"}]},
            "This model does not support",
        ),
        ("claude-opus-4-5", {"temperature": 0.5, "top_k": 5}, None),
        ("claude-opus-4-5", {"messages": [*USER, {"role": "assistant", "content": "x"}]}, None),
        ("claude-sonnet-4-20250514", {"temperature": 0.5, "top_p": 0.5}, None),
        ("claude-3-5-haiku-20241022", {"temperature": 0.5, "top_p": 0.5}, None),
        ("claude-opus-4-8", {"temperature": 1}, None),
    ],
)
def test_parameters_depend_on_the_model(sim, model, fields, text):
    """Sampling parameters and prefilled answers went away, model by model."""
    response = message(sim, model=model, **fields)
    assert response.json().get("error", {}).get("message", "")[: len(text or "")] == (text or "")
    assert response.status_code == (400 if text else 200)


def test_an_unknown_model_is_not_found(sim):
    """Only Claude models exist here."""
    response = message(sim, model="gpt-5.1")
    assert (response.status_code, response.json()["error"]) == (
        404,
        {"type": "not_found_error", "message": "model: gpt-5.1"},
    )


def test_a_body_that_is_no_json(sim):
    """Garbage is refused as such."""
    url = sim.base("anthropic") + "/v1/messages"
    response = sim.http.post(url, content=b"{", headers={"x-api-key": "k", "anthropic-version": "2023-06-01"})
    assert problem(response).startswith("The request body is not valid JSON")


def test_an_unknown_path_is_not_found(sim):
    """A path that does not exist is refused in the provider's shape."""
    response = sim.http.get(sim.base("anthropic") + "/v1/nothing")
    assert (response.status_code, response.json()["error"]["type"]) == (404, "not_found_error")
