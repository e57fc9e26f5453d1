"""/v1/messages on other wires, and what it refuses: by Anthropic's types, naming the field."""

import json

import pytest

from tests.functions.messages import ask as messages
from tests.functions.messages import events, message, text
from tests.functions.upstream import ASKED, DONE, piece, sse, usage_event, whole

TOOLS = [{"name": "look_up", "description": "d", "input_schema": {"type": "object", "properties": {}}}]
CALL = {"id": "call_1", "type": "function", "function": {"name": "look_up", "arguments": '{"q": 1}'}}


async def test_another_wire_is_asked_in_its_own_words(door):
    """A conversation with tools, thoughts and a late word of the system, there and back."""
    history = [
        {"role": "user", "content": [text("q", cache_control={"type": "ephemeral"})]},
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": "hm", "signature": "sig"},
                {"type": "tool_use", "id": "toolu_1", "name": "look_up", "input": {"q": 1}},
            ],
        },
        {
            "role": "user",
            "content": [{"type": "tool_result", "tool_use_id": "toolu_1", "content": "no", "is_error": True}],
        },
        {"role": "system", "content": "Be brief."},
    ]
    door.answers(whole({"content": "Hi.", "tool_calls": [CALL]}, "tool_calls"))
    answer = await messages(
        door, "gpt", messages=history, system="s", tools=TOOLS, thinking={"type": "adaptive"},
        output_config={"effort": "high"}, stop_sequences=["x"], metadata={"user_id": "u" * 200},
        context_management={"edits": [{"type": "clear_tool_uses_20250919"}]},
    )  # fmt: skip
    assert answer.status_code == 200, answer.text
    assert door.body["messages"] == [
        {"role": "system", "content": "s"},
        {"role": "user", "content": [text("q")]},
        {"role": "assistant", "content": None, "tool_calls": [{**CALL, "id": "toolu_1"}]},
        {"role": "tool", "tool_call_id": "toolu_1", "content": "Error: no"},
        {"role": "system", "content": "Be brief."},
    ]
    assert (door.body["reasoning_effort"], door.body["stop"], door.body["max_completion_tokens"]) == ("high", ["x"], 50)
    assert (door.body["safety_identifier"][:6], len(door.body["safety_identifier"])) == ("alpha:", 64)
    assert answer.headers["x-gateway-dropped"] == "cache_control, context_management, thinking_blocks"
    body = answer.json()
    assert (body["model"], body["stop_reason"]) == ("gpt", "tool_use")
    assert body["content"] == [text("Hi."), {"type": "tool_use", "id": "call_1", "name": "look_up", "input": {"q": 1}}]


async def test_a_stream_of_another_wire(door):
    """In Anthropic's events, settled before its end."""
    call = {"index": 0, "id": "call_1", "type": "function", "function": {"name": "look_up", "arguments": "{}"}}
    came = [piece({"content": "Hi"}), piece({"tool_calls": [call]}), piece({}, "tool_calls"), usage_event()]
    door.streams(sse(*came), DONE)
    told = await events(door, "gpt", tools=TOOLS)
    assert [event["type"] for event in told] == [
        *("message_start", "ping"),
        *("content_block_start", "content_block_delta", "content_block_stop") * 2,
        *("message_delta", "message_stop"),
    ]
    assert told[-2]["usage"]["cost_usd"] == "0.000017"


async def test_what_was_dropped_is_named_in_the_head(door):
    """By the caller's own names, on a stream as well."""
    door.streams(sse(piece({"content": "Hi"}), piece({}, "stop")), DONE)
    answer = await messages(
        door,
        "gpt",
        stream=True,
        top_k=5,
        output_config={"format": {"type": "json_schema", "schema": {"type": "object", "properties": {"a": {}}}}},
    )
    assert answer.headers["x-gateway-dropped"] == "output_config.format, top_k"


async def test_who_cannot_is_passed_over(door):
    """With the caller's own path where nobody can."""
    bash = [{"type": "bash_20250124", "name": "bash"}]
    door.answers(message(text("Hi.")))
    assert (await messages(door, "mixed", tools=bash)).headers["x-gateway-model"] == "claude"
    assert door.body["tools"] == bash
    refused = await messages(door, "gpt", tools=bash)
    assert (refused.status_code, refused.json()["error"]["param"]) == (400, "tools.0")
    history = [
        {"role": "user", "content": "a"},
        {"role": "assistant", "content": [{"type": "tool_use", "id": "t", "name": "f", "input": {}}]},
    ]
    alone = await messages(door, messages=[*history, *ASKED], system="s")
    assert (alone.status_code, alone.json()["error"]["param"]) == (400, "messages.1")
    assert "(messages.1)" in alone.json()["error"]["message"]


@pytest.mark.parametrize(
    ("method", "path", "key", "status", "kind"),
    [
        ("POST", "/v1/messages", "", 401, "authentication_error"),
        ("POST", "/v1/messages", "gk_alpha_wrong", 401, "authentication_error"),
        ("GET", "/v1/messages", None, 405, "invalid_request_error"),
        ("POST", "/v1/messages/batches", None, 404, "not_found_error"),
    ],
)
async def test_errors_before_a_route(door, method, path, key, status, kind):
    """They have the wire's form and the request's id, too."""
    headers = {} if key is None else {"authorization": f"Bearer {key}" if key else ""}
    answer = await door.http.request(method, path, headers=headers, json={})
    body = answer.json()
    assert (answer.status_code, body["type"], body["error"]["type"]) == (status, "error", kind)
    assert answer.headers["request-id"] == answer.headers["x-request-id"] == body["request_id"]


async def test_bodies_that_are_none(door):
    """Not JSON, too long, members that come twice."""
    limit = door.world.settings.body_limit
    for raw, status, kind in (
        (b"{", 400, "invalid_request_error"),
        (b'{"max_tokens": 1, "max_tokens": 2}', 400, "invalid_request_error"),
        (b" " * (limit + 1), 413, "request_too_large"),
    ):
        answer = await door.http.post("/v1/messages", content=raw)
        assert (answer.status_code, answer.json()["error"]["type"]) == (status, kind)


async def test_an_unknown_model_is_not_found(door):
    """404, with close names."""
    answer = await messages(door, "claud")
    assert (answer.status_code, answer.json()["error"]["type"]) == (404, "not_found_error")
    assert "Did you mean claude" in answer.json()["error"]["message"]


async def test_money_that_is_not_there(door):
    """402 as `billing_error`, with the limit that would fit; a document holds all that the model reads."""
    await door.world.budget(day_nano=50_000_000)
    pdf = {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0="}}
    result = {"type": "tool_result", "tool_use_id": "t", "content": [pdf]}
    use = {"role": "assistant", "content": [{"type": "tool_use", "id": "t", "name": "f", "input": {}}]}
    answer = await messages(door, messages=[*ASKED, use, {"role": "user", "content": [result]}])
    assert (answer.status_code, answer.json()["error"]["type"]) == (402, "billing_error")
    many = await messages(
        door,
        messages=[
            *ASKED,
            {
                "role": "assistant",
                "content": [{"type": "server_tool_use", "id": "s", "name": "x", "input": {"a": "x" * 60_000}}],
            },
            *ASKED,
        ],
    )
    assert many.status_code == 402
    door.answers(message(text("Hi.")))
    assert (await messages(door)).status_code == 200


async def test_limits_of_the_provider(door):
    """429 with the time to wait, and none of the provider's own headers."""
    door.answers({"type": "error", "error": {"type": "rate_limit_error", "message": "slow"}}, 429)
    answer = await messages(door)
    assert (answer.status_code, answer.json()["error"]["type"]) == (429, "rate_limit_error")
    assert int(answer.headers["retry-after"]) >= 1
    assert not [name for name in answer.headers if name.startswith("anthropic-")]


async def test_two_keys_are_none(door):
    """One of them is somebody else's; the same twice is one."""
    key = door.http.headers["authorization"].removeprefix("Bearer ")
    refused = await messages(door, headers={"x-api-key": "gk_alpha_other"})
    assert (refused.status_code, refused.json()["error"]["type"]) == (401, "authentication_error")
    door.answers(message(text("Hi.")))
    assert (await messages(door, headers={"x-api-key": key})).status_code == 200
    del door.http.headers["authorization"]
    door.answers(message(text("Hi.")))
    assert (await messages(door, headers={"x-api-key": key})).status_code == 200


async def test_whom_it_counts_for(door):
    """By headers; Anthropic's `metadata.user_id` is nobody of ours."""
    door.answers(message(text("Hi.")))
    await messages(
        door, headers={"x-agent-id": "bot", "x-project-id": "alpha"}, metadata={"user_id": json.dumps({"d": 1})}
    )
    (record,) = await door.world.records()
    assert (record.project_id, record.agent_id, record.user_id) == ("alpha", "bot", "")
    assert (await messages(door, headers={"x-project-id": "beta"})).status_code == 403


@pytest.mark.parametrize(
    ("name", "fault", "param"),
    [
        ("claude", "messages.1.content.0.text: no", "messages.1.content.0.text"),
        ("claude", "output_config.effort: no", "output_config.effort"),
        ("gpt", "messages[2].content", "messages.1"),
    ],
)
async def test_what_a_provider_finds_fault_with(door, name, fault, param):
    """Anthropic counts messages as the caller does, who others are sent with `system` before them."""
    error = {"type": "invalid_request_error", "message": fault, "param": fault}
    door.answers({"type": "error", "error": error}, 400)
    answer = await messages(door, name, system="s", messages=[*ASKED, {"role": "assistant", "content": "a"}, *ASKED])
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)
