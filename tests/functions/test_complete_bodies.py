"""POST /v1/complete: everything that is wrong with a body is told by its field, before anybody is called."""

from typing import get_args

import pytest

from gateway_core.domain.chat import Requirement
from tests.functions.completions import HELLO, post

PNG = "data:image/png;base64,iVBORw0KGgo="


@pytest.mark.parametrize(
    ("raw", "param"),
    [
        (b"", "body"),
        (b"{", "body"),
        (b"[]", "body"),
        (b'"text"', "body"),
        (b"\xff\xfe", "body"),
        (b'{"messages": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "body"),
        (b'{"messages": ' + b"[" * 200 + b"]" * 200 + b"}", "messages"),
        (b'{"temperature": NaN}', "temperature"),
        (b'{"temperature": 1e999}', "temperature"),
        (b'{"messages": [{"content": "\\ud800"}]}', "messages.0.content"),
        (b'{"\\ud800": 1}', "body"),
        (b'{"a": ' + b"1" * 5000 + b"}", "body"),
    ],
)
async def test_a_body_that_is_not_strict_json(client, world, raw, param):
    """400 that names where, and nobody is called."""
    answer = await post(client, raw)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["param"]) == (400, "invalid_request", param)
    assert world.provider.calls == []


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"messages": []}, "messages"),
        ({"messages": "hi"}, "messages"),
        ({"messages": [{"role": "user", "content": None}]}, "messages.0.content"),
        ({"messages": [{"role": "tool", "content": "1"}]}, "messages.0.tool_call_id"),
        ({"messages": [{"role": "user", "content": [{"type": "text", "text": "", "x": 1}]}]}, "messages.0.content.0.x"),
        ({"messages": [{"role": "robot", "content": "hi"}]}, "messages.0"),
        ({"messages": [{"content": "hi"}]}, "messages.0"),
        ({"messages": [{"role": "user"}]}, "messages.0.content"),
        ({"messages": [{"role": "user", "content": [{"type": "text"}]}]}, "messages.0.content.0.text"),
        (
            {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}]},
            "messages.0.content.0.image_url.url",
        ),
        ({"messages": [{"role": "user", "content": "hi", "secret": 1}]}, "messages.0.secret"),
        ({"tools": [{"type": "function", "function": {"name": "a b"}}]}, "tools.0.function.name"),
        ({"tools": [{"type": "function", "function": {"name": "a"}, "x": 1}]}, "tools.0.x"),
        ({"tools": [{"type": "custom", "custom": {"name": "run"}}]}, "tools"),
        ({"tools": [{"type": "function", "function": {"name": "a", "x": 1}}]}, "tools.0.function.x"),
        ({"tools": [{"type": "function", "function": {}}]}, "tools.0.function.name"),
        ({"tools": [{"type": "function"}]}, "tools.0.function"),
        ({"tool_choice": {"type": "function", "function": {}}}, "tool_choice.function.name"),
        ({"tool_choice": {"type": "function"}}, "tool_choice.function"),
        (
            {"tool_choice": {"type": "allowed_tools", "allowed_tools": {"mode": "auto"}}},
            "tool_choice.allowed_tools.tools",
        ),
        ({"response_format": {"type": "json_schema", "json_schema": {}}}, "response_format.json_schema.name"),
        (
            {"messages": [{"role": "assistant", "tool_calls": [{"type": "function", "function": {"name": "f"}}]}]},
            "messages.0.tool_calls.0.id",
        ),
        (
            {"messages": [{"role": "assistant", "tool_calls": [{"id": "c", "type": "function", "function": {}}]}]},
            "messages.0.tool_calls.0.function.name",
        ),
        ({"messages": [{"role": "user", "content": [{"type": "file", "file": {}}]}]}, "messages.0.content.0.file"),
        (
            {"messages": [{"role": "user", "content": [{"type": "text", "text": "a", "cache_control": {}}]}]},
            "messages.0.content.0.cache_control.type",
        ),
        ({"max_tokens": -1}, "max_tokens"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_tokens": 10**12}, "max_tokens"),
        ({"max_tokens": "4096"}, "max_tokens"),
        ({"max_tokens": True}, "max_tokens"),
        ({"temperature": 3}, "temperature"),
        ({"timeout_s": 0}, "timeout_s"),
        ({"timeout_s": 291}, "timeout_s"),
        ({"api_base": ""}, "api_base"),
        ({"api_key": "sk-x"}, "api_key"),
        ({"n": 2}, "n"),
        ({"stream": True}, "stream"),
        ({"routing": "random"}, "routing"),
        ({"project_id": "Not A Project"}, "project_id"),
        ({"agent_id": "a\nb"}, "agent_id"),
        ({"require": ["telepathy"]}, "require.0"),
    ],
)
async def test_a_body_against_the_schema(client, world, change, param):
    """422 that names the field, and nobody is called or charged."""
    answer = await post(client, {**HELLO, **change})
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (422, "invalid_request")
    assert error["param"] == param
    assert param.split(".")[0] in error["message"]
    assert world.provider.calls == []
    assert await world.spent() == (0, 0)


async def test_a_file_that_a_provider_keeps_is_not_offered(client):
    """It would belong to whoever guesses its id: 400, and what to send."""
    part = {"type": "file", "file": {"file_id": "f"}}
    answer = await client.post("/v1/complete", json={"messages": [{"role": "user", "content": [part]}]})
    error = answer.json()["error"]
    assert (answer.status_code, error["param"]) == (400, "messages.0.content.0.file.file_id")
    assert "file_data" in error["message"]


async def test_what_can_be_required_is_listed(client):
    """A wrong requirement is answered with the right ones."""
    message = (await post(client, {**HELLO, "require": ["vision", "telepathy"]})).json()["error"]["message"]
    assert message.startswith("require.1: ")
    assert all(f"'{name}'" in message for name in get_args(Requirement))


async def test_images_must_be_sent_not_pointed_to(client):
    """The gateway fetches no URL of a client's."""
    part = {"type": "image_url", "image_url": {"url": "http://169.254.169.254/latest"}}
    answer = await post(client, {"messages": [{"role": "user", "content": [part]}]})
    assert answer.status_code == 422
    assert "data: URL" in answer.json()["error"]["message"]


async def test_the_value_at_fault_is_not_echoed(client):
    """An error message never quotes a prompt."""
    answer = await post(client, {"messages": [{"role": "robot", "content": "my secret plan"}]})
    assert "secret plan" not in answer.text


@pytest.mark.parametrize(("change", "param"), [({"model_group": "nope"}, "model_group"), ({"model": "nope"}, "model")])
async def test_unknown_names_are_404(client, change, param):
    """The error names the field and where to look."""
    answer = await post(client, {**HELLO, **change})
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["param"]) == (404, "unknown_model", param)
    assert "/v1/models" in error["message"]


async def test_a_body_over_the_limit_is_413(client, world):
    """6 MB are refused before they are parsed."""
    answer = await post(client, b'{"messages": "' + b"x" * 6_000_000 + b'"}')
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "body_too_large")
    assert world.provider.calls == []
