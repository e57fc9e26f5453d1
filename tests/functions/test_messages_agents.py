"""What Claude Code says on `/v1/messages` beside the documented fields: as it came to Claude, in words to others."""

import pytest

from tests.functions.messages import ask as messages
from tests.functions.messages import message, text
from tests.functions.upstream import ASKED, whole

SCHEMA = {"type": "object", "properties": {}}
NAME = "mcp__gw__list_models"
FOUND = [
    *ASKED,
    {"role": "assistant", "content": [{"type": "tool_use", "id": "t1", "name": "ToolSearch", "input": {}}]},
    {
        "role": "user",
        "content": [
            {
                "type": "tool_result",
                "tool_use_id": "t1",
                "content": [
                    {"type": "tool_reference", "tool_name": NAME},
                    {"type": "tool_reference", "tool_name": "b", "cache_control": {"type": "ephemeral"}},
                ],
            }
        ],
    },
]
TOOLS = [
    {"name": "ToolSearch", "input_schema": SCHEMA},
    {"name": NAME, "input_schema": SCHEMA, "defer_loading": True},
]


async def test_tools_that_a_search_has_found(door):
    """References go to Claude as they came; others read what is loaded, and have had the tool all along."""
    door.answers(message(text("Hi.")))
    answer = await messages(door, messages=FOUND, tools=TOOLS)
    assert answer.status_code == 200, answer.text
    assert (door.body["messages"], door.body["tools"]) == (FOUND, TOOLS)
    assert "x-gateway-dropped" not in answer.headers
    door.answers(whole({"content": "Hi."}))
    answer = await messages(door, "gpt", messages=FOUND, tools=TOOLS)
    said = door.body["messages"][-1]["content"]
    assert [part["text"] for part in said] == [f"Loaded: {NAME}\n\n", "Loaded: b"]
    assert [tool["function"]["name"] for tool in door.body["tools"]] == ["ToolSearch", NAME]
    assert answer.headers["x-gateway-dropped"] == "cache_control, defer_loading"


@pytest.mark.parametrize("block", [{}, {"tool_name": ""}, {"tool_name": "a", "novel": 1}])
async def test_a_reference_names_a_tool(door, block):
    """It stands in results alone."""
    odd = [
        *FOUND[:2],
        {"role": "user", "content": [{**FOUND[2]["content"][0], "content": [{"type": "tool_reference", **block}]}]},
    ]
    answer = await messages(door, messages=odd)
    assert answer.json()["error"]["param"].startswith("messages.2.content.0.content.0.")
    astray = [{"role": "user", "content": [{"type": "tool_reference", "tool_name": "a"}]}]
    assert (await messages(door, messages=astray)).json()["error"]["param"] == "messages.0.content.0"
