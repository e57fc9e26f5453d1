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


TURN = {"role": "system", "content": [], "output_config": {"effort": "low"}}
PER_TURN, UPDATES = "per-turn-control-2026-07-01", "thinking-display-updates-2026-08-18"
ADAPTIVE = {"type": "adaptive", "display": "updates"}


def dropped(answer):
    """What the answer names."""
    assert answer.status_code == 200, answer.text
    return answer.headers.get("x-gateway-dropped", "").split(", ")


@pytest.mark.parametrize(
    "history", [[*ASKED, TURN], [TURN, *ASKED], [{**TURN, "output_config": {"effort": "max"}}, *ASKED, TURN]]
)
@pytest.mark.parametrize("own", [None, "high"])
async def test_the_effort_of_a_turn(door, history, own):
    """The last counts for a request that has none; the message itself goes to nobody."""
    config = {"output_config": {"effort": own}} if own else {}
    door.answers(message(text("Hi.")))
    assert "messages.output_config" in dropped(await messages(door, messages=history, **config))
    assert (door.body["messages"], door.body["output_config"]) == (ASKED, {"effort": own or "low"})
    door.answers(whole({"content": "Hi."}))
    assert "messages.output_config" in dropped(await messages(door, "gpt", messages=history, **config))
    assert (door.body["messages"], door.body["reasoning_effort"]) == (ASKED, own or "low")


async def test_a_message_with_an_effort_keeps_its_text(door):
    """An object of nothing says nothing; what the gateway does not know is refused."""
    door.answers(message(text("Hi.")))
    said = {"role": "system", "content": "Be brief.", "output_config": {"effort": None}}
    assert dropped(await messages(door, messages=[*ASKED, said])) == [""]
    assert "Be brief." in str(door.body["messages"])
    assert "output_config" not in str(door.body)
    odd = {**TURN, "output_config": {"effort": "huge"}}
    refused = await messages(door, messages=[*ASKED, odd])
    assert refused.json()["error"]["param"] == "messages.1.output_config.effort"
    alone = await messages(door, "gpt", messages=[TURN])
    assert (alone.status_code, alone.json()["error"]["param"]) == (400, "messages")


async def test_updates_of_thinking(door):
    """They go where their beta goes, and are left out and named elsewhere."""
    door.answers(message(text("Hi.")))
    assert dropped(await messages(door, thinking=ADAPTIVE, headers={"anthropic-beta": UPDATES})) == [""]
    assert door.body["thinking"] == ADAPTIVE
    door.answers(message(text("Hi.")))
    assert dropped(await messages(door, thinking=ADAPTIVE)) == ["thinking.display"]
    assert door.body["thinking"] == {"type": "adaptive"}
    door.answers(whole({"content": "Hi."}))
    assert "thinking.display" in dropped(await messages(door, "gpt", thinking=ADAPTIVE))


@pytest.mark.parametrize(
    ("body", "param", "name"),
    [
        ({"novel": 1}, "novel", "novel"),
        ({"a, b": 1}, "a, b", "body"),
        ({"thinking": {"type": "adaptive", "novel": 1}}, "thinking.novel", "thinking.novel"),
        ({"thinking": {"type": "adaptive", "display": "novel"}}, "thinking.display", "thinking.display"),
        ({"thinking": {"type": "novel"}}, "thinking", "thinking"),
        ({"output_config": {"effort": "novel"}}, "output_config.effort", "output_config.effort"),
        ({"output_config": {"novel": 1}}, "output_config.novel", "output_config.novel"),
        ({"messages": [{**ASKED[0], "novel": 1}]}, "messages.0.novel", "messages.novel"),
        (
            {"messages": [*ASKED, {**TURN, "output_config": {"novel": 1}}]},
            "messages.1.output_config.novel",
            "messages.output_config.novel",
        ),
    ],
)
async def test_what_comes_under_an_unknown_beta(door, body, param, name):
    """It is left out and named, wherever it goes; without such a beta it is refused."""
    for model, given in (("claude", message(text("Hi."))), ("gpt", whole({"content": "Hi."}))):
        door.answers(given)
        assert name in dropped(await messages(door, model, headers={"anthropic-beta": f"novel-1,{UPDATES}"}, **body))
        assert "novel" not in str(door.body)
    for betas in ({}, {"anthropic-beta": f"{UPDATES}, effort-2025-11-24"}):
        refused = await messages(door, headers=betas, **body)
        assert (refused.status_code, refused.json()["error"]["param"]) == (400, param)


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"speed": "fast"}, "speed"),
        ({"container": "c"}, "container"),
        ({"thinking": {"type": 1}}, "thinking"),
        ({"thinking": {"type": "enabled"}}, "thinking.budget_tokens"),
        ({"messages": ["a"]}, "messages.0"),
        ({"messages": [{"role": "novel"}]}, "messages.0"),
        ({"output_config": 1}, "output_config"),
    ],
)
async def test_what_no_beta_excuses(door, body, param):
    """What the gateway refuses for a reason, and what is wrong."""
    refused = await messages(door, headers={"anthropic-beta": PER_TURN}, **body)
    assert (refused.status_code, refused.json()["error"]["param"]) == (400, param)
