"""What of a provider's stream on OpenAI's chat wire reaches the caller: its events, but none that is not true yet."""

import json

import pytest

from gateway_core.http1 import ConnectionBroken
from tests.functions.upstream import ASKED, DONE, USAGE, piece, sse, usage_event, whole

ROLE = piece({"role": "assistant", "content": "", "refusal": None})
STOP = piece({}, "stop")


def named(event, request_id):
    """The event under our id and the model's name."""
    return {**event, "id": request_id, "model": "gpt"}


async def test_events_come_as_they_are(door):
    """With our id and the model's name, log probabilities and what nobody knows; no usage that nobody wants."""
    said = piece({"content": "Hi"}, obfuscation="xy")
    said["choices"][0]["logprobs"] = {"content": [{"token": "Hi", "logprob": -0.5}]}
    came = [ROLE, said, piece({"content": "."}, novel={"a": 1}), STOP]
    door.streams(sse(*came), sse(usage_event()), DONE)
    *events, done = await door.events(logprobs=True)
    request_id = events[0]["id"]
    assert request_id.startswith("chatcmpl-")
    assert events == [named(event, request_id) for event in came]
    assert done == "[DONE]"


async def test_usage_comes_where_it_is_wanted(door):
    """At the end, with the cost; before that it is null, as at OpenAI."""
    door.streams(sse(ROLE, piece({"content": "Hi"}), STOP, usage_event(novel_tokens=1)), DONE)
    *events, last, done = await door.events(stream_options={"include_usage": True})
    assert [event["usage"] for event in events] == [None] * 3
    assert (last["choices"], last["usage"]["cost_usd"], last["usage"]["novel_tokens"]) == ([], "0.000017", 1)
    assert USAGE.items() <= last["usage"].items()
    frames = [{name: event[name] for name in event if name not in ("choices", "usage")} for event in (*events, last)]
    assert frames == [frames[0]] * 4
    assert (frames[0]["model"], frames[0]["service_tier"], done) == ("gpt", "default", "[DONE]")


async def test_usage_beside_a_choice_is_withheld_too(door):
    """DeepSeek reports it with the finish; its event goes on without."""
    door.streams(sse(ROLE, piece({"content": "Hi"}), {**STOP, "usage": USAGE}), DONE)
    *events, _done = await door.events("deep")
    assert ["usage" in event for event in events] == [False] * 3
    assert events[-1]["choices"][0]["finish_reason"] == "stop"
    (record,) = await door.world.records()
    assert (record.input_tokens, record.output_tokens) == (11, 3)


async def test_nothing_is_seen_of_a_candidate_that_says_nothing(door):
    """Its role is held back until there is content: the next one begins anew, translated or forwarded."""
    start = {"type": "message_start", "message": {"model": "m", "usage": {"input_tokens": 5, "output_tokens": 1}}}
    block = {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}
    delta = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hi."}}
    stop = {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 2}}
    door.streams(sse(ROLE), ConnectionBroken("cut"))
    door.streams(sse(start, block, delta, {"type": "content_block_stop", "index": 0}, stop, {"type": "message_stop"}))
    *events, done = await door.events("mixed")
    assert {event["model"] for event in events} == {"claude"}
    assert [event["choices"][0]["delta"] for event in events] == [{"role": "assistant", "content": "Hi."}, {}]
    assert done == "[DONE]"
    door.streams(sse(ROLE), ConnectionBroken("cut"))
    door.streams(sse(ROLE, piece({"content": "Hello."}), STOP), DONE)
    *events, _done = await door.events("openai")
    assert [event["model"] for event in events] == ["deep"] * 3
    assert [event["choices"][0]["delta"].get("role") for event in events] == ["assistant", None, None]


@pytest.mark.parametrize(
    "broken",
    [
        [sse(ROLE, piece({"content": "Hi"}), STOP), ConnectionBroken("cut")],
        [sse(ROLE, piece({"content": "Hi"}), STOP, usage_event()), ConnectionBroken("cut")],
        [sse(ROLE, piece({"content": "Hi"}, "stop")), ConnectionBroken("cut")],
        [sse(ROLE, piece({"content": "Hi"}), STOP, {"error": {"message": "secret", "type": "server_error"}})],
        [sse(ROLE, piece({"content": "Hi"}), STOP), b"data: nonsense\n\n", DONE],
    ],
    ids=["after finish", "after usage", "with the finish", "an error", "nonsense"],
)
async def test_a_cut_stream_looks_like_one(door, broken):
    """What was said, then an error: no finish, no `[DONE]`, though the provider had said the former."""
    door.streams(*broken)
    *events, error = await door.events(stream_options={"include_usage": True})
    assert "".join(event["choices"][0]["delta"].get("content") or "" for event in events) == "Hi"
    assert {event["choices"][0]["finish_reason"] for event in events} == {None}
    assert error["error"]["code"] == "provider_error"
    assert "secret" not in json.dumps(error)


async def test_each_choice_has_its_finish(door):
    """Held back until all is sound, in their order; the text of all is charged."""
    door.streams(
        sse(
            ROLE,
            piece({"role": "assistant", "content": ""}, index=1),
            piece({"content": "One."}),
            piece({}, "stop"),
            piece({"content": "Two."}, index=1),
            piece({}, "length", index=1),
            usage_event(),
        ),
        DONE,
    )
    *events, _done = await door.events(n=2)
    said = [(event["choices"][0]["index"], event["choices"][0]["delta"].get("content")) for event in events]
    assert said == [(0, ""), (1, ""), (0, "One."), (1, "Two."), (0, None), (1, None)]
    assert [event["choices"][0]["finish_reason"] for event in events] == [None] * 4 + ["stop", "length"]


async def test_a_finish_beside_content_comes_apart(door):
    """The content at once with its log probabilities, the finish once the stream is sound."""
    last = piece({"content": "Hi"}, "stop")
    last["choices"][0]["logprobs"] = {"content": []}
    door.streams(sse(ROLE, last), DONE)
    _role, said, finish, _done = await door.events()
    assert (said["choices"][0]["delta"], said["choices"][0]["finish_reason"]) == ({"content": "Hi"}, None)
    assert said["choices"][0]["logprobs"] == {"content": []}
    assert finish["choices"] == [{"index": 0, "delta": {}, "finish_reason": "stop", "logprobs": None}]


async def test_a_content_in_parts_is_a_text(door):
    """OpenAI's clients know texts alone; thoughts go where clients look for them."""
    thought = [{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}]
    door.streams(
        sse(ROLE, piece({"content": thought}), piece({"content": [{"type": "text", "text": "Hi"}]}), STOP), DONE
    )
    events = (await door.events("own"))[:-1]
    assert [event["choices"][0]["delta"] for event in events[1:3]] == [
        {"content": "", "reasoning_content": "hm"},
        {"content": "Hi"},
    ]


async def test_a_refusal_stays_one(door):
    """On OpenAI's wire; it is content, so nobody else is asked after it."""
    door.streams(sse(ROLE, piece({"refusal": "I must "}), piece({"refusal": "not."}), STOP), DONE)
    events = (await door.events("openai"))[:-1]
    assert [event["choices"][0]["delta"].get("refusal") for event in events] == [None, "I must ", "not.", None]
    assert len(door.network.sent) == 1


@pytest.mark.parametrize(
    "empty",
    [[ROLE, STOP], [piece({"role": "assistant", "content": ""}, "stop")]],
    ids=["two events", "one event"],
)
async def test_an_empty_answer_is_one(door, empty):
    """With its role, a finish and an end."""
    door.streams(sse(*empty, usage_event()), DONE)
    *events, done = await door.events()
    assert [event["choices"][0]["finish_reason"] for event in events][-1] == "stop"
    roles = [event["choices"][0]["delta"].get("role") for event in events]
    assert (roles[0], done) == ("assistant", "[DONE]")


async def test_a_call_without_arguments_gets_an_object(door):
    """At the end, before the finish; a custom call's input is no JSON."""
    bare = {"index": 0, "id": "c1", "type": "function", "function": {"name": "f", "arguments": ""}}
    full = {"index": 1, "id": "c2", "type": "function", "function": {"name": "g", "arguments": "{}"}}
    custom = {"index": 2, "id": "c3", "type": "custom", "custom": {"name": "run", "input": ""}}
    calls = [piece({"tool_calls": [one]}) for one in (bare, full, custom)]
    door.streams(sse(ROLE, *calls, piece({}, "tool_calls")), DONE)
    *events, added, finish, _done = await door.events()
    assert len(events) == 4
    assert added["choices"][0]["delta"] == {"tool_calls": [{"index": 0, "function": {"arguments": "{}"}}]}
    assert finish["choices"][0]["finish_reason"] == "tool_calls"


async def test_deepseeks_reasoning_travels_in_the_id_of_a_call(door):
    """Shown as it comes, and carried in the first call's id; it comes back as DeepSeek wants it."""
    call = {"index": 0, "id": "c1", "type": "function", "function": {"name": "f", "arguments": ""}}
    second = {"index": 1, "id": "c2", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    rest = {"index": 0, "function": {"arguments": "{}"}}
    door.streams(
        sse(
            ROLE,
            piece({"reasoning_content": "I need "}),
            piece({"reasoning_content": "f."}),
            *(piece({"tool_calls": [one]}) for one in (call, rest, second)),
            piece({}, "tool_calls"),
        ),
        DONE,
    )
    events = [event["choices"][0]["delta"] for event in (await door.events("deep"))[:-1]]
    assert [event.get("reasoning_content") for event in events[1:3]] == ["I need ", "f."]
    ids = [made["id"] for event in events for made in event.get("tool_calls", []) if "id" in made]
    assert ids[0].startswith("c1__thought__d.")
    assert ids[1:] == ["c2"]
    calls = [{"id": one, "type": "function", "function": {"name": "f", "arguments": "{}"}} for one in ids]
    results = [{"role": "tool", "tool_call_id": one, "content": "1"} for one in ids]
    door.answers(whole({"content": "Done."}))
    answer = await door.ask("deep", messages=[*ASKED, {"role": "assistant", "tool_calls": calls}, *results])
    assert answer.status_code == 200, answer.text
    _asked, made, *told = door.body["messages"]
    assert (made["reasoning_content"], [one["id"] for one in made["tool_calls"]]) == ("I need f.", ["c1", "c2"])
    assert [one["tool_call_id"] for one in told] == ["c1", "c2"]


async def test_sound_is_content(door):
    """What no field of ours holds goes on all the same, and begins the answer."""
    sound = piece({"audio": {"id": "a1", "data": "AAAA"}})
    door.streams(sse(ROLE, sound, STOP), DONE)
    events = await door.events("openai", modalities=["text", "audio"], audio={"voice": "ash", "format": "pcm16"})
    assert events[1]["choices"] == sound["choices"]


async def test_what_no_client_can_be_sent_is_mended(door):
    """Halves of characters, and numbers that are none."""
    raw = sse(ROLE, piece({"content": "x"}, novel=1), STOP)
    door.streams(raw.replace(b'"x"', b'"a\\ud83d"').replace(b'"novel": 1', b'"novel": [NaN, "\\udc00"]'), DONE)
    _role, said, _stop, done = await door.events()
    assert (said["choices"][0]["delta"]["content"], said["novel"], done) == ("a?", [None, "?"], "[DONE]")


async def test_what_was_dropped_is_named_in_the_head(door):
    """Before the first event."""
    door.streams(sse(ROLE, piece({"content": "Hi"}), STOP), DONE)
    answer = await door.ask(stream=True, top_k=5)
    assert answer.headers["x-gateway-dropped"] == "top_k"


async def test_what_a_server_leaves_out_of_its_frames_is_there(door):
    """The object's kind and its date: clients of OpenAI's have types for them."""
    bare = {"choices": [{"index": 0, "delta": {"content": "Hi"}, "finish_reason": None}]}
    door.streams(sse(bare, {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}), DONE)
    *events, _done = await door.events()
    assert {event["object"] for event in events} == {"chat.completion.chunk"}
    assert all(isinstance(event["created"], int) for event in events)


@pytest.mark.parametrize("rest", [(DONE,), (sse(STOP),), (sse(piece({}, "")), DONE)])
async def test_either_word_alone_is_an_end(door, rest):
    """Servers leave out `[DONE]` behind the finish reason, or that before it; the answer is whole."""
    door.streams(sse(ROLE, piece({"content": "Hi"})), *rest)
    *events, done = await door.events()
    assert done == "[DONE]"
    assert events[-1]["choices"][0]["finish_reason"] == "stop"
