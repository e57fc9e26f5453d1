"""Answers on Anthropic's wire to callers: bodies, events and errors that are made here."""

import pytest

from gateway_core.api.anthropic.form import error_body
from gateway_core.domain.answer import Chunk, ProviderAnswer, ToolCall, ToolCallDelta, Usage
from gateway_core.wires.anthropic.inbound.answer import message_body
from gateway_core.wires.anthropic.inbound.events import MessagesWriter
from gateway_core.wires.anthropic.inbound.names import ToolNames, short_name
from gateway_core.wires.anthropic.inbound.usage import messages_usage

NAMES = ToolNames(["f" * 70])
USAGE = Usage(100, 20, 30, 40, cache_write_1h_tokens=10)
COUNTS = {
    "input_tokens": 30,
    "cache_creation_input_tokens": 40,
    "cache_read_input_tokens": 30,
    "cache_creation": {"ephemeral_5m_input_tokens": 30, "ephemeral_1h_input_tokens": 10},
    "output_tokens": 20,
}
OWN = "llm-gateway"


def body(**answer):
    """A whole answer's body, without its frame."""
    given = {"content": "", "tool_calls": (), "finish_reason": "stop", "usage": Usage(), **answer}
    made = message_body(ProviderAnswer(**given), USAGE, "m", "req_1", NAMES)
    assert (made.pop("id"), made.pop("type"), made.pop("role"), made.pop("model")) == (
        "msg_1",
        "message",
        "assistant",
        "m",
    )
    return made


@pytest.mark.parametrize(
    ("answer", "content", "reason"),
    [
        ({"content": "a"}, [{"type": "text", "text": "a"}], "end_turn"),
        ({"refusal": "no", "finish_reason": "content_filter"}, [{"type": "text", "text": "no"}], "refusal"),
        ({"finish_reason": "length"}, [], "max_tokens"),
        (
            {
                "reasoning": "hm",
                "tool_calls": (ToolCall("c", short_name("f" * 70), '{"q": 1}'),),
                "finish_reason": "tool_calls",
            },
            [
                {"type": "thinking", "thinking": "hm", "signature": OWN},
                {"type": "tool_use", "id": "c", "name": "f" * 70, "input": {"q": 1}},
            ],
            "tool_use",
        ),
        (
            {"tool_calls": (ToolCall("c", "g", '{"cut'),), "finish_reason": "length"},
            [{"type": "tool_use", "id": "c", "name": "g", "input": {"arguments": '{"cut'}}],
            "max_tokens",
        ),
    ],
)
def test_whole_answers(answer, content, reason):
    """In blocks, with what is billed."""
    assert body(**answer) == {"content": content, "stop_reason": reason, "stop_sequence": None, "usage": COUNTS}


def test_a_providers_own_answer_stays_as_it_is():
    """But for our id and model, and what is billed."""
    came = {
        "id": "x",
        "model": "y",
        "content": [{"type": "novel"}],
        "stop_reason": "novel",
        "usage": {"input_tokens": 1, "novel": 2},
    }
    made = body(forwarded=came)
    assert made == {"content": [{"type": "novel"}], "stop_reason": "novel", "usage": {"novel": 2, **COUNTS}}
    assert messages_usage(Usage(5, 1, 10)) == {**messages_usage(Usage(0, 1)), "cache_read_input_tokens": 10}


def written(*chunks, finish="stop"):
    """The events of a stream, the first two and the last two checked and left out."""
    writer = MessagesWriter("req_1", "m", NAMES)
    events = [event for chunk in chunks for event in writer.chunk(chunk)] + list(
        writer.end(finish, USAGE, cost_usd="1")
    )
    start, ping, *blocks, delta, stop = events
    assert (start["type"], start["message"]["id"], start["message"]["content"]) == ("message_start", "msg_1", [])
    assert (ping, stop) == ({"type": "ping"}, {"type": "message_stop"})
    assert delta["usage"] == {**COUNTS, "cost_usd": "1"}
    return blocks, delta["delta"]["stop_reason"]


def start(index, kind, **empty):
    return {"type": "content_block_start", "index": index, "content_block": {"type": kind, **empty}}


def grow(index, kind, **more):
    return {"type": "content_block_delta", "index": index, "delta": {"type": kind, **more}}


def stop(index):
    return {"type": "content_block_stop", "index": index}


def call(index, call_id="", name="", arguments=""):
    return Chunk(tool_calls=(ToolCallDelta(index, call_id, name, arguments),))


def test_blocks_follow_each_other():
    """Thoughts that are signed, then text, then calls by the caller's names."""
    blocks, reason = written(
        Chunk(reasoning="h"),
        Chunk(reasoning="m"),
        Chunk(text="a"),
        Chunk(refusal="b"),
        call(0, "c1", short_name("f" * 70)),
        call(0, arguments='{"q": '),
        call(0, arguments="1}"),
        call(1, "c2", "g", "{}"),
        finish="tool_calls",
    )
    assert blocks == [
        start(0, "thinking", thinking="", signature=""),
        grow(0, "thinking_delta", thinking="h"),
        grow(0, "thinking_delta", thinking="m"),
        grow(0, "signature_delta", signature=OWN),
        stop(0),
        start(1, "text", text=""),
        grow(1, "text_delta", text="a"),
        grow(1, "text_delta", text="b"),
        stop(1),
        start(2, "tool_use", id="c1", name="f" * 70, input={}),
        grow(2, "input_json_delta", partial_json='{"q": '),
        grow(2, "input_json_delta", partial_json="1}"),
        stop(2),
        start(3, "tool_use", id="c2", name="g", input={}),
        grow(3, "input_json_delta", partial_json="{}"),
        stop(3),
    ]
    assert reason == "tool_use"


@pytest.mark.parametrize(
    "chunks",
    [
        (call(0, "c0", "f", '{"a":'), call(1, "c1", "g", '{"b":'), call(0, arguments="1}"), call(1, arguments="2}")),
        (
            call(0, "c0", "f", '{"a":'),
            call(1, "c1", "g"),
            call(1, arguments='{"b":2}'),
            call(0, arguments="1}"),
            Chunk(text="t"),
        ),
        (call(0, "c0", "f", '{"a":'), call(1, "c1", "g", '{"b":2}'), call(2, "c2", "h", "{}"), call(0, arguments="1}")),
    ],
)
def test_calls_that_come_among_each_other(chunks):
    """Their blocks do not overlap, and nothing of them is lost."""
    blocks, _ = written(*chunks)
    is_open, told = None, {}
    for event in blocks:
        match event["type"]:
            case "content_block_start":
                assert is_open is None
                is_open = event["index"]
                told[is_open] = (event["content_block"].get("name"), "")
            case "content_block_delta":
                assert is_open == event["index"]
                name, said = told[is_open]
                told[is_open] = (name, said + event["delta"].get("partial_json", ""))
            case _:
                is_open = None
    assert is_open is None
    assert list(told) == list(range(len(told)))
    assert list(told.values())[:2] == [("f", '{"a":1}'), ("g", '{"b":2}')]


def test_an_empty_answer_is_one():
    """With a beginning and an end."""
    assert written() == ([], "end_turn")


def test_a_providers_own_events_go_on():
    """But for our id and model; the end waits until it is settled, with what is billed."""
    writer = MessagesWriter("req_1", "m", NAMES)
    begun = {"type": "message_start", "message": {"id": "x", "model": "y", "usage": {"input_tokens": 1}}}
    ends = (
        {"type": "message_delta", "delta": {"stop_reason": "pause_turn"}, "usage": {"novel": 1}},
        {"type": "message_stop"},
    )
    told = [*writer.chunk(Chunk(text="a", forwarded=(begun, {"type": "novel"}))), *writer.chunk(Chunk(forwarded=ends))]
    first, second = told
    assert (first["message"]["id"], first["message"]["model"], first["message"]["usage"]) == (
        "msg_1",
        "m",
        {"input_tokens": 1},
    )
    assert second == {"type": "novel"}
    delta, last = writer.end("stop", USAGE, cost_usd="1")
    assert delta == {**ends[0], "usage": {"novel": 1, **COUNTS, "cost_usd": "1"}}
    assert last == {"type": "message_stop"}
    other = MessagesWriter("req_1", "m", NAMES)
    list(other.chunk(Chunk(text="a", forwarded=(begun,))))
    list(other.chunk(Chunk(forwarded=ends[:1])))
    assert [event["type"] for event in other.end("stop", USAGE)] == ["message_delta", "message_stop"]


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (400, "invalid_request", "invalid_request_error"),
        (401, "unauthenticated", "authentication_error"),
        (402, "budget_exceeded", "billing_error"),
        (403, "forbidden", "permission_error"),
        (404, "unknown_model", "not_found_error"),
        (405, "method_not_allowed", "invalid_request_error"),
        (413, "body_too_large", "request_too_large"),
        (429, "rate_limited", "rate_limit_error"),
        (500, "internal_error", "api_error"),
        (502, "provider_error", "api_error"),
        (503, "store_unavailable", "api_error"),
        (503, "overloaded", "overloaded_error"),
        (503, "no_deployment_available", "overloaded_error"),
        (504, "deadline_exceeded", "timeout_error"),
    ],
)
def test_errors(status, code, kind):
    """By Anthropic's types; our own members come along."""
    told = {"code": code, "message": "No.", "type": "x", "param": "p", "request_id": "r", "attempts": []}
    error = {"type": kind, "message": "No.", "code": code, "param": "p", "attempts": []}
    assert error_body(status, told) == {"type": "error", "error": error, "request_id": "r"}


def test_a_prompt_that_is_too_long_says_so():
    """In the words that Claude Code looks for, once."""
    told = {"code": "context_length_exceeded", "message": "Too much.", "request_id": "r"}
    made = error_body(400, told)
    assert made["error"]["message"] == "prompt is too long: Too much."
    assert error_body(400, {**told, "message": made["error"]["message"]})["error"] == made["error"]
