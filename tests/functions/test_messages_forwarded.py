"""Messages to Anthropic: what goes there and what comes back is the provider's own, but for what is ours."""

import json

import pytest

from gateway_core.http1 import ConnectionBroken
from tests.functions.messages import ask as messages
from tests.functions.messages import begun, block, ended, events, message, said, text
from tests.functions.upstream import ASKED, sse, whole

NOVEL = {"type": "novel_tool_result", "content": {"a": 1.50}}


async def test_the_body_goes_on_as_it_came(door):
    """In its order, with its numbers; ours are name, cap and who asks. Headers by a list of those that are allowed."""
    door.answers(message(text("Hi.")))
    raw = (
        '{"system": "s", "temperature": 1.0, "max_tokens": 50, "model": "claude", "top_k": 5,'
        ' "metadata": {"user_id": "u"}, "messages": [{"content": "q", "role": "user"}], "stream": false}'
    )
    headers = {"anthropic-version": "2023-06-01", "anthropic-beta": "claude-code-20250219,files-api-2025-04-14"}
    answer = await door.http.post("/v1/messages", content=raw, headers={**headers, "x-claude-code-session-id": "ses-1"})
    assert answer.status_code == 200, answer.text
    request = door.network.sent[-1]
    assert request.content.decode() == (
        '{"system":"s","temperature":1.0,"max_tokens":50,"model":"claude-upstream","top_k":5,'
        '"metadata":{"user_id":"alpha:u"},"messages":[{"content":"q","role":"user"}]}'
    )
    sent = {name.lower(): value for name, value in request.headers.items()}
    assert (sent["anthropic-version"], sent["anthropic-beta"]) == ("2023-06-01", "claude-code-20250219")
    assert (sent["x-api-key"], "x-claude-code-session-id" in sent) == ("sk-anthropic", False)
    assert answer.headers["x-gateway-dropped"] == "anthropic-beta:files-api-2025-04-14"
    (record,) = await door.world.records()
    assert (record.session_id, record.user_id, record.model) == ("ses-1", "", "claude")


async def test_an_answer_comes_as_it_is(door):
    """With our id, model and headers; what nobody has heard of yet as well."""
    came = message(
        {"type": "thinking", "thinking": "hm", "signature": "sig"},
        text("Hi.", citations=[{"type": "char_location"}]),
        {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {}},
        NOVEL,
        stop="tool_use",
        novelty=[None],
    )
    came["usage"] = {"input_tokens": 1, "cache_read_input_tokens": 10, "output_tokens": 3, "novel": 7}
    door.answers(came)
    answer = await messages(door, tools=[{"name": "f", "input_schema": {"type": "object"}}])
    request_id = answer.headers["request-id"]
    assert request_id == answer.headers["x-request-id"] == answer.headers["x-gateway-request-id"]
    body = answer.json()
    usage = body.pop("usage")
    ours = {"id": f"msg_{request_id.removeprefix('req_')}", "model": "claude"}
    assert body == {name: value for name, value in {**came, **ours}.items() if name != "usage"}
    assert {**came["usage"], "cache_creation_input_tokens": 0}.items() <= usage.items()
    assert (answer.headers["x-gateway-model"], answer.headers["x-gateway-cost-usd"]) == ("claude", "0.000008")


async def test_events_come_as_they_are(door):
    """Signatures, pings and what nobody knows in their place; the cost is in the last usage."""
    came = [
        *begun(),
        *block(
            0,
            {"type": "thinking", "thinking": "", "signature": ""},
            {"type": "thinking_delta", "thinking": "hm"},
            {"type": "signature_delta", "signature": "sig"},
        ),
        *said(1, "Hi", "."),
        *block(2, NOVEL),
        *block(
            3,
            {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {}},
            {"type": "input_json_delta", "partial_json": "{}"},
        ),
        *ended("tool_use", novel=1),
    ]
    door.streams(sse(*came))
    start, *rest, delta, stop = await events(door, tools=[{"name": "f", "input_schema": {"type": "object"}}])
    assert (start["message"]["model"], start["message"]["id"][:4]) == ("claude", "msg_")
    assert start["message"]["usage"] == came[0]["message"]["usage"]
    assert rest == came[1:-2]
    assert (delta["delta"], stop) == (came[-2]["delta"], came[-1])
    assert {"input_tokens": 11, "output_tokens": 3, "novel": 1, "cost_usd": "0.000017"}.items() <= delta[
        "usage"
    ].items()


async def test_an_empty_answer_is_one(door):
    """Whole and in events; and it may come back."""
    door.answers(message())
    assert (await messages(door)).json()["content"] == []
    door.streams(sse(*begun(), *ended()))
    assert [event["type"] for event in await events(door)] == ["message_start", "ping", "message_delta", "message_stop"]
    door.answers(message(text("Yes.")))
    answer = await messages(door, messages=[*ASKED, {"role": "assistant", "content": []}, *ASKED])
    assert (answer.status_code, door.body["messages"]) == (200, ASKED * 2)


@pytest.mark.parametrize(
    "broken",
    [
        [sse(*begun(), *said(0, "Hi")), ConnectionBroken("cut")],
        [sse(*begun(), *said(0, "Hi"), ended()[0]), ConnectionBroken("cut")],
        [sse(*begun(), *said(0, "Hi"), {"type": "error", "error": {"type": "overloaded_error", "message": "secret"}})],
    ],
    ids=["in the answer", "before the last word", "an error"],
)
async def test_a_cut_stream_looks_like_one(door, broken):
    """What was said, then an error in the wire's form: no `message_delta`, no `message_stop`. It is charged once."""
    door.streams(*broken)
    *told, error = await events(door)
    assert {"message_delta", "message_stop"}.isdisjoint(event["type"] for event in told)
    assert (error["type"], error["error"]["type"]) == ("error", "api_error")
    assert error["error"]["attempts"][0]["outcome"] == "failed"
    assert "secret" not in json.dumps(error)
    (record,) = await door.world.records()
    assert (record.error_code, record.output_tokens > 0, record.estimated_nano > 0) == ("provider_error", True, True)


async def test_nothing_is_seen_of_a_candidate_that_says_nothing(door):
    """The next one begins anew, on its own wire."""
    door.streams(sse(*begun()), ConnectionBroken("cut"))
    chunk = {"index": 0, "delta": {"content": "Hello."}, "finish_reason": None}
    stop = {"index": 0, "delta": {}, "finish_reason": "stop"}
    door.streams(sse({"choices": [chunk]}, {"choices": [stop]}), b"data: [DONE]\n\n")
    start, *_, last = await events(door, "narrow")
    assert (start["message"]["model"], last["type"]) == ("own", "message_stop")


async def test_errors_are_ours(door):
    """A provider's error body never goes on; the next candidate takes over."""
    door.answers({"type": "error", "error": {"type": "api_error", "message": "secret sk-anthropic"}}, 500)
    door.answers(whole({"content": "Hi."}))
    answer = await messages(door, "narrow")
    assert (answer.json()["content"], answer.headers["x-gateway-attempts"]) == ([text("Hi.")], "2")
    door.answers({"type": "error", "error": {"type": "invalid_request_error", "message": "secret: Hello."}}, 400)
    refused = await messages(door)
    assert (refused.status_code, refused.json()["error"]["type"]) == (400, "invalid_request_error")
    assert "secret" not in refused.text


async def test_halves_of_characters_are_mended(door):
    """An answer that is paid for is no 500."""
    raw = json.dumps(message(text("x"))).replace('"x"', '"a\\ud83d"')
    door.answers(raw.encode())
    assert (await messages(door)).json()["content"] == [text("a?")]
    door.streams(sse(*begun(), *said(0, "x"), *ended()).replace(b'"x"', b'"a\\ud83d"'))
    assert "a?" in [event["delta"]["text"] for event in await events(door) if event["type"] == "content_block_delta"]
