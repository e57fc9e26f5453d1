"""How long answers may get on the wires of agents, whose clients ask for what their favourite model gives."""

import pytest

from tests.functions.messages import ask as messages
from tests.functions.messages import message, text
from tests.functions.upstream import AGENTS_CAP, ASKED, whole

MOST = 8192
"""What the models of these tests write at most."""


@pytest.mark.parametrize("name", ["claude", "mixed"])
async def test_messages_are_brought_into_the_models_range(door, name):
    """And told so, whether the name is a model's or a group's; a budget of thinking stays below."""
    answers = {"claude": message(text("Hi.")), "mixed": whole({"content": "Hi."})}
    door.answers(answers[name])
    thinking = {"type": "enabled", "budget_tokens": 31_999}
    answer = await messages(door, name, max_tokens=128_000, thinking=thinking)
    assert answer.status_code == 200, answer.text
    assert door.body.get("max_tokens", door.body.get("max_completion_tokens")) == MOST
    assert "max_tokens" in answer.headers["x-gateway-dropped"].split(", ")
    assert door.body.get("thinking", {"budget_tokens": 0})["budget_tokens"] < MOST
    door.answers(answers[name])
    assert "max_tokens" not in (await messages(door, name, max_tokens=MOST)).headers.get("x-gateway-dropped", "")


async def test_responses_are_brought_into_the_models_range(door):
    """By the field's own name there; chat completions rule the model out as ever."""
    door.answers(whole({"content": "Hi."}))
    answer = await door.respond("deep", max_output_tokens=128_000)
    assert (door.body["max_tokens"], answer.headers["x-gateway-dropped"]) == (MOST, "max_output_tokens")
    body = {"model": "deep", "messages": ASKED, "max_completion_tokens": 128_000}
    refused = await door.http.post("/v1/chat/completions", json=body)
    assert (refused.status_code, refused.json()["error"]["param"]) == (400, "max_tokens")


async def test_responses_without_a_limit(door):
    """The agents' default holds, within the model's limit, and names nothing; a 402 says what would fit."""
    door.answers(whole({"content": "Hi."}))
    answer = await door.respond("deep")
    assert (door.body["max_tokens"], "x-gateway-dropped" in answer.headers) == (AGENTS_CAP, False)
    await door.world.budget(day_nano=10_000_000)
    refused = await door.respond("deep")
    assert refused.status_code == 402
    assert "Set max_output_tokens to " in refused.json()["error"]["message"]
