"""Streams on OpenAI's chat wire: what is read of each event, and which go on to callers on the same wire, and when."""

from __future__ import annotations

import pytest

from gateway_core.domain.answer import Chunk, ToolCallDelta
from gateway_core.wires.openai_chat.codec import OPENAI_CHAT_CODEC
from gateway_core.wires.openai_chat.history import REASONING_MARK
from gateway_core.wires.signed_ids import carried
from tests.unit.wires.openai_calls import chat_call, event, forwarded, read

ROLE = event({"role": "assistant", "content": ""})
STOP = event({}, "stop")
USAGE = {"id": "up-1", "choices": [], "usage": {"prompt_tokens": 1}}
FORWARDS = {"body": {}}


def call(index, call_id="", name="", arguments="", **more):
    """A piece of a call."""
    head = {"id": call_id, "type": "function"} if call_id else {}
    function = {"arguments": arguments} | ({"name": name} if name else {})
    return event({"tool_calls": [{"index": index, **head, "function": function}]}, **more)


@pytest.mark.parametrize(
    ("came", "chunk"),
    [
        (event({"content": "a"}), Chunk("a")),
        (
            event({"content": [{"type": "text", "text": "a"}, {"type": "thinking", "thinking": "hm"}]}),
            Chunk("a", reasoning="hm"),
        ),
        (event({"reasoning_content": "hm"}), Chunk(reasoning="hm")),
        (event({"reasoning": "hm"}), Chunk(reasoning="hm")),
        (event({"refusal": "No."}), Chunk(refusal="No.")),
        (event({"audio": {"id": "s"}}), Chunk(other=True)),
        (event({"audio": {"transcript": "Hi."}}), Chunk(other=True, beside="Hi.")),
        (event({"audio": {"data": "AAAA"}}), Chunk(other=True, sound_tokens=1)),
        (event({"function_call": {"name": "f", "arguments": "{}"}}), Chunk(other=True, beside="f{}")),
        (event({"function_call": {"name": None, "arguments": 5}}), Chunk(other=True)),
        (event({"content": "b", "reasoning": "hm"}, index=1), Chunk(beside="bhm")),
        (event({"audio": {"data": "AAAA"}}, index=1), Chunk(other=True, sound_tokens=1)),
        (
            event({"refusal": "No.", "tool_calls": [{"function": {"name": "f", "arguments": "{}"}}, "x"]}, index=1),
            Chunk(beside="No.f{}"),
        ),
        (event({"tool_calls": [{"custom": {"name": "f", "input": "x"}}]}, index=1), Chunk(beside="fx")),
        (call(0, "c1", "f", "{"), Chunk(tool_calls=(ToolCallDelta(0, "c1", "f", "{"),))),
        (ROLE, Chunk()),
        (STOP, Chunk()),
        (USAGE, Chunk()),
        ({}, Chunk()),
        ({"choices": [{"delta": None}, None]}, Chunk()),
    ],
)
def test_what_an_event_says(came, chunk):
    """Of several choices the first is the answer, the others are beside it, so that they are paid for."""
    assert read(came)[0] == chunk


@pytest.mark.parametrize(("form", "tokens"), [("pcm16", [1, 0, 1, 0]), ("mp3", [3, 2, 2, 2])])
def test_sound_counts_by_its_length(form, tokens):
    """All of it together: 48,000 bytes a second of pcm16 are 20 tokens, and 8,000 of what is packed."""
    reader = OPENAI_CHAT_CODEC.reader(chat_call(params={"audio": {"voice": "alloy", "format": form}}))
    piece = event({"audio": {"data": "A" * 1200}})
    assert [reader.chunk(piece).sound_tokens for _ in range(4)] == tokens


@pytest.mark.parametrize("content", [5, [5], [{"type": "novel"}]])
def test_what_is_no_text_is_an_error(content):
    """Never a wrong answer."""
    with pytest.raises(TypeError):
        read(event({"content": content}))


def test_a_call_in_pieces():
    """Its id and name once; `called` tells that there is one."""
    reader = OPENAI_CHAT_CODEC.reader(chat_call())
    assert not reader.called
    pieces = [reader.chunk(one).tool_calls for one in (call(0, "c1", "f"), call(0, "c1", "f"), call(0, arguments="{}"))]
    assert pieces == [(ToolCallDelta(0, "c1", "f"),), (), (ToolCallDelta(0, arguments="{}"),)]
    assert (reader.called, reader.last()) == (True, Chunk())


def test_calls_without_arguments_get_an_object_at_the_end():
    """Each of them; a custom call's input is no JSON."""
    custom = event({"tool_calls": [{"index": 2, "id": "c3", "type": "custom", "custom": {"name": "run", "input": ""}}]})
    last = read(call(0, "c1", "f"), call(1, "c2", "g", "{}"), custom, call(3, "c4", "h"))[-1]
    assert last.tool_calls == (ToolCallDelta(0, arguments="{}"), ToolCallDelta(3, arguments="{}"))


def test_reasoning_goes_into_the_id_of_the_first_call():
    """Where it is wanted back; a later piece and a second call keep theirs."""
    events = (
        event({"reasoning_content": "I need "}),
        event({"reasoning_content": "f."}),
        event({"tool_calls": []}),
        event({"tool_calls": [{"index": 0, "function": {"name": "f"}}]}),
    )
    (unnamed,) = read(*events, provider="deepseek")[3].tool_calls
    assert carried(unnamed.id, REASONING_MARK) == "I need f."
    events = (*events[:3], call(0, "c1", "f", "{}"), call(1, "c2", "g", "{}"), event({"reasoning_content": "more"}))
    chunks = read(*events, provider="deepseek")
    (first,), (second,) = chunks[3].tool_calls, chunks[4].tool_calls
    assert (carried(first.id, REASONING_MARK), second.id) == ("I need f.", "c2")
    assert read(*events)[3].tool_calls[0].id == "c1"
    assert read(call(0, "c1", "f", "{}"), provider="deepseek")[0].tool_calls[0].id == "c1"


def test_nothing_goes_on_before_there_is_content():
    """Then all of it, in order."""
    role, said, more, last = read(ROLE, event({"content": "a"}), event({"content": "b"}), **FORWARDS)
    assert (role.forwarded, forwarded([last])) == ((), [({}, "stop")])
    assert forwarded([said]) == [({"role": "assistant", "content": ""}, None), ({"content": "a"}, None)]
    assert forwarded([more]) == [({"content": "b"}, None)]


def test_nothing_goes_on_for_a_caller_on_another_wire():
    """They have the chunks."""
    assert [chunk.forwarded for chunk in read(ROLE, event({"content": "a"}), call(0, "c", "f"), STOP, USAGE)] == [
        ()
    ] * 6


def test_a_finish_goes_on_at_the_sound_end():
    """And the usage behind it; what came in between keeps its place."""
    chunks = read(event({"content": "a"}), event({"x": 1}), STOP, USAGE, event({"y": 1}), **FORWARDS)
    assert forwarded(chunks[:-1]) == [({"content": "a"}, None)]
    assert forwarded(chunks[-1:]) == [({"x": 1}, None), ({"y": 1}, None), ({}, "stop"), ("usage", {"prompt_tokens": 1})]


def test_a_finish_beside_content_is_split_off():
    """With its probabilities staying beside the content; usage in the same event goes behind."""
    came = event({"content": "a"}, "stop", usage={"prompt_tokens": 1}, service_tier="flex")
    came["choices"][0]["logprobs"] = {"content": []}
    said, last = read(came, **FORWARDS)
    ((open_,), (finish, usage)) = said.forwarded, last.forwarded
    choice = {"index": 0, "delta": {"content": "a"}, "finish_reason": None, "logprobs": {"content": []}}
    assert open_ == {**{name: came[name] for name in came if name != "usage"}, "choices": [choice]}
    assert finish["choices"] == [{"index": 0, "delta": {}, "finish_reason": "stop", "logprobs": None}]
    assert (usage["usage"], usage["choices"], usage["service_tier"]) == ({"prompt_tokens": 1}, [], "flex")


def test_an_answer_in_one_empty_event_keeps_its_role():
    """Nothing was said, so the finish has it."""
    chunks = read(event({"role": "assistant", "content": ""}, "stop"), **FORWARDS)
    assert forwarded(chunks) == [({"role": "assistant", "content": ""}, "stop")]


def test_choices_that_end_at_different_times():
    """One may go on after another's finish, also in the same event."""
    both = event({"content": "a"})
    both["choices"].append({"index": 1, "delta": {"role": "assistant"}, "finish_reason": "stop"})
    said, more, last = read(both, event({"content": "b"}, "length"), **FORWARDS)
    assert [(one["index"], one["finish_reason"]) for one in said.forwarded[0]["choices"]] == [(0, None), (1, None)]
    assert more.forwarded[0]["choices"][0]["delta"] == {"content": "b"}
    assert [(one["choices"][0]["index"], one["choices"][0]["finish_reason"]) for one in last.forwarded] == [
        (1, "stop"),
        (0, "length"),
    ]


def test_arguments_that_were_missing_go_on_before_the_finish():
    """In an event like the others."""
    last = read(call(0, "c1", "f"), event({}, "tool_calls"), **FORWARDS)[-1]
    missing, finish = last.forwarded
    assert missing["choices"][0]["delta"] == {"tool_calls": [{"index": 0, "function": {"arguments": "{}"}}]}
    assert (missing["id"], finish["choices"][0]["finish_reason"]) == ("up-1", "tool_calls")


def test_what_goes_on_can_be_sent():
    """Texts are texts, and signed ids are in the events too."""
    (gone,) = read(event({"content": [{"type": "text", "text": "a\ud83d"}]}), **FORWARDS)[0].forwarded
    assert gone["choices"][0]["delta"] == {"content": "a?"}
    chunks = read(event({"reasoning_content": "hm"}), call(0, "c1", "f", "{}"), provider="deepseek", **FORWARDS)
    (made,) = chunks[1].forwarded[0]["choices"][0]["delta"]["tool_calls"]
    assert made["id"] == chunks[1].tool_calls[0].id != "c1"


@pytest.mark.parametrize("usage", [None, [], 5, {}])
def test_usage_that_is_none_does_not_go_on(usage):
    """It is left out of each event, for the end."""
    chunks = read(event({"content": "a"}, usage=usage), {**USAGE, "usage": usage}, **FORWARDS)
    gone = [one for chunk in chunks for one in chunk.forwarded]
    assert [("usage" in one, bool(one["choices"])) for one in gone] == [(False, True), (False, False), (False, True)]


def test_an_event_without_choices_goes_on_with_the_others():
    """Such as a first one about filters."""
    filters = {"id": "", "choices": [], "prompt_filter_results": []}
    _first, said, _last = read(filters, event({"content": "a"}), **FORWARDS)
    assert said.forwarded[0] == filters


def test_a_stream_without_a_finish_gets_one():
    """Some servers leave it out, or empty, before their last word; calls are an end of their own."""
    assert forwarded(read(event({"content": "a"}), event({}, ""), **FORWARDS)[-1:]) == [({}, None), ({}, "stop")]
    assert forwarded(read(call(0, "c1", "f", "{}"), **FORWARDS)[-1:]) == [({}, "tool_calls")]


def test_clients_read_openais_words_for_an_end():
    """Those of the servers behind others are put into them."""
    for told, word in (("end_turn", "stop"), ("MAX_TOKENS", "length"), ("tool_use", "tool_calls"), (7, None)):
        (last,) = read(event({"content": "a"}, told), **FORWARDS)[-1].forwarded
        assert last["choices"][0]["finish_reason"] == (word or "stop")


def test_a_message_counts_as_a_delta():
    """Where a server streams what it would say whole; beside a delta it does not."""
    came = {"id": "up-1", "choices": [{"index": 0, "message": {"content": "a"}, "finish_reason": "stop"}]}
    both = {
        "id": "up-1",
        "choices": [{"index": 1, "delta": {"content": "b"}, "message": {"content": "c"}}, *came["choices"]],
    }
    assert [chunk.text for chunk in read(came)] == ["a", ""]
    assert [(chunk.text, chunk.beside) for chunk in read(both)] == [("a", "b"), ("", "")]


def pieces(chunks):
    """The pieces of calls that go on."""
    gone = (one["choices"][0]["delta"] for chunk in chunks for one in chunk.forwarded)
    return [
        (one["index"], one.get("id"), one["function"]["arguments"])
        for delta in gone
        for one in delta.get("tool_calls", ())
    ]


@pytest.mark.parametrize(
    ("numbers", "ids"), [((None, None), ("c1", "c2")), ((0, 0), ("c1", "c2")), ((1, 2), ("c1", "c2"))]
)
def test_calls_go_on_numbered(numbers, ids):
    """Clients put them together by their numbers."""
    made = [
        {"index": n, "id": i, "function": {"name": "f", "arguments": "{}"}} for n, i in zip(numbers, ids, strict=True)
    ]
    assert pieces(read(event({"tool_calls": made}), **FORWARDS)) == [(0, "c1", "{}"), (1, "c2", "{}")]


def test_a_call_goes_on_with_an_id_and_a_text():
    """Clients answer it by the one, and read the other as JSON."""
    nameless = event({"tool_calls": [{"index": 0, "function": {"name": "f", "arguments": {"q": "é"}}}]})
    (first,), (again,) = (pieces(read(nameless, **FORWARDS)) for _ in range(2))
    assert first == again
    assert (first[0], first[1][:5], first[2]) == (0, "call_", '{"q": "é"}')
    number = event({"tool_calls": [{"index": 0, "id": 7, "type": None, "function": {"name": "f", "arguments": {}}}]})
    assert pieces(read(number, **FORWARDS)) == [(0, "7", ""), (0, None, "{}")]


def test_a_piece_that_says_nothing_new_goes_on_with_its_call():
    """Some servers repeat a call's id and name."""
    again = {"index": 0, "id": "c1", "function": {"name": "f", "arguments": ""}}
    chunks = read(call(0, "c1", "f", "{}"), event({"tool_calls": [again]}), **FORWARDS)
    assert pieces(chunks) == [(0, "c1", "{}"), (0, "c1", "")]


def test_calls_of_other_choices_go_on_as_they_came():
    """Only the first is the answer that we read."""
    odd = {"id": "c9", "function": {"name": "f", "arguments": "{}"}}
    came = event({"tool_calls": [odd]}, index=1)
    (gone,) = read(came, **FORWARDS)[0].forwarded
    assert gone["choices"][0]["delta"] == {"tool_calls": [odd]}


def test_calls_without_ids_and_numbers_are_told_apart():
    """By the name that the next begins with, behind arguments that are whole: as Gemini's OpenAI endpoint sent them."""
    made = [{"index": 0, "id": "", "function": {"name": "f", "arguments": text}} for text in ('{"q"', ":1}", '{"q":2}')]
    chunks = read(*(event({"tool_calls": [one]}) for one in made), **FORWARDS)
    assert [(number, text) for number, _, text in pieces(chunks)] == [(0, '{"q"'), (0, ":1}"), (1, '{"q":2}')]
    first, _, second = (name for _, name, _ in pieces(chunks))
    assert first != second


def test_a_name_may_come_behind_the_arguments():
    """Then there are some."""
    late = {"index": 0, "function": {"name": "f"}}
    early = {"index": 0, "id": "c1", "function": {"arguments": "{}"}}
    chunks = read(event({"tool_calls": [early]}), event({"tool_calls": [late]}), **FORWARDS)
    assert [piece for chunk in chunks for piece in chunk.tool_calls] == [
        ToolCallDelta(0, "c1", "", "{}"),
        ToolCallDelta(0, "", "f"),
    ]


def test_a_role_that_is_none_does_not_go_on():
    """Clients know one."""
    chunks = read(event({"role": "", "content": "a"}), **FORWARDS)
    assert forwarded(chunks)[0] == ({"content": "a"}, None)
