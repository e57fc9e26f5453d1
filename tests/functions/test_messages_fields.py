"""Fields of `/v1/messages`: what is refused, with the field and the reason, and what goes on to Anthropic."""

import pytest

from tests.functions.messages import ask as messages
from tests.functions.messages import message, text
from tests.functions.upstream import ASKED

TOOLS = [{"name": "look_up", "description": "d", "input_schema": {"type": "object", "properties": {}}}]
CLOSED = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"], "additionalProperties": False}
PNG = {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}


def in_user(block):
    return {"messages": [{"role": "user", "content": [block]}]}


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"max_tokens": None}, "max_tokens"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "developer", "content": "x"}]}, "messages.0"),
        ({"messages": [{"role": "user"}]}, "messages.0.content"),
        (in_user({"type": "novel"}), "messages.0.content.0"),
        (in_user({"type": "text", "text": "a", "novel": 1}), "messages.0.content.0.novel"),
        (
            in_user({"type": "image", "source": {**PNG, "media_type": "image/tiff"}}),
            "messages.0.content.0.source.media_type",
        ),
        (
            in_user({"type": "image", "source": {"type": "url", "url": "https://a.example"}}),
            "messages.0.content.0.source.url",
        ),
        (
            in_user({"type": "document", "source": {"type": "file", "file_id": "f"}}),
            "messages.0.content.0.source.file_id",
        ),
        (in_user({"type": "image", "source": {**PNG, "data": "no!"}}), "messages.0.content.0.source.data"),
        ({"temperature": 1.5}, "temperature"),
        ({"novel": 1}, "novel"),
        ({"tools": [{"name": "a b", "input_schema": {"type": "object"}}]}, "tools.0.name"),
        ({"tools": [{"name": "f", "input_schema": {}}]}, "tools.0.input_schema"),
        ({"tools": [{"type": "web_search_20250305", "name": "web_search"}]}, "tools.0.type"),
        ({"tools": [{"type": "code_execution_20250825", "name": "x"}]}, "tools.0.type"),
        ({"tool_choice": {"type": "any"}}, "tool_choice"),
        ({"thinking": {"type": "enabled"}}, "thinking.budget_tokens"),
        ({"thinking": {"type": "enabled", "budget_tokens": 5}}, "thinking.budget_tokens"),
        ({"output_config": {"effort": "huge"}}, "output_config.effort"),
        ({"context_management": {"edits": [{"type": "compact_20260112"}]}}, "context_management"),
        ({"container": "c"}, "container"),
        ({"mcp_servers": [{"type": "url", "url": "https://a.example"}]}, "mcp_servers"),
        ({"inference_geo": "us"}, "inference_geo"),
        ({"speed": "fast"}, "speed"),
        ({"fallbacks": [{"model": "m"}]}, "fallbacks"),
        ({"metadata": {"user_id": "u" * 513}}, "metadata.user_id"),
        ({"metadata": {"name": "u"}}, "metadata.name"),
        ({"system": [{"type": "text", "text": "a", "cache_control": {"type": "ephemeral"}}] * 5}, "cache_control"),
        ({"service_tier": "priority"}, "service_tier"),
    ],
)
async def test_what_is_refused(door, body, param):
    """400 with the field, whatever the reason; nothing is sent."""
    answer = await messages(door, **body)
    error = answer.json()["error"]
    assert (answer.status_code, error["type"], error["param"]) == (400, "invalid_request_error", param), answer.text
    assert error["message"].startswith(f"{param}: ")
    assert door.network.sent == []


@pytest.mark.parametrize(
    "body",
    [
        {
            "container": None,
            "mcp_servers": [],
            "inference_geo": "global",
            "speed": "standard",
            "service_tier": "standard_only",
        },
        {"system": [text("a", cache_control={"type": "ephemeral", "ttl": "1h"})], "thinking": {"type": "disabled"}},
        {
            "tools": [
                *TOOLS,
                {"type": "text_editor_20250728", "name": "str_replace_based_edit_tool", "max_characters": 9},
            ],
            "tool_choice": {"type": "auto"},
        },
        {
            "messages": [
                *ASKED,
                {
                    "role": "assistant",
                    "content": [{"type": "server_tool_use", "id": "s", "name": "x", "input": {}}, text("a")],
                },
                *ASKED,
            ]
        },
        in_user(
            {
                "type": "search_result",
                "source": "u",
                "title": "t",
                "content": [text("x")],
                "citations": {"enabled": True},
            }
        ),
        in_user(
            {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0="}}
        ),
        {"output_format": {"type": "json_schema", "schema": CLOSED}, "top_p": 1, "stop_sequences": []},
    ],
)
async def test_what_is_documented_is_taken(door, body):
    """And goes on to Anthropic unchanged."""
    door.answers(message(text("Hi.")))
    answer = await messages(door, **body)
    assert answer.status_code == 200, answer.text
    silent = {name: None for name in ("container", "mcp_servers", "speed") if name in body}
    assert {name: door.body.get(name) for name in body} == {**body, **silent}


async def test_a_header_that_comes_twice_is_one_list(door):
    """And a tool of Anthropic's own may be the one to be called, beside others."""
    door.answers(message(text("Hi.")))
    headers = [("anthropic-beta", "pdfs-2024-09-25"), ("anthropic-beta", "claude-code-20250219")]
    tools = [*TOOLS, {"type": "bash_20250124", "name": "bash"}]
    asked = {"model": "claude", "max_tokens": 9, "messages": ASKED, "tools": tools}
    choice = {"type": "tool", "name": "bash"}
    answer = await door.http.post("/v1/messages", json={**asked, "tool_choice": choice}, headers=headers)
    assert (answer.status_code, door.body["tool_choice"]) == (200, choice)
    sent = {name.lower(): value for name, value in door.network.sent[-1].headers.items()}
    assert sent["anthropic-beta"] == "pdfs-2024-09-25,claude-code-20250219"
