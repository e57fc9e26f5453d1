"""The forms that streams may take, read by a reader of the standard, and streams without usage."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.providers.model import Frame
from local.providers.quirks import reworded, reworded_frames
from local.providers.sse import FORMS, formed
from tests.local.providers.conftest import PROVIDERS


def dispatched(stream):
    """The events' data of a stream, as WHATWG HTML 9.2.6 has it: written from the standard, not from the simulator."""
    text = stream.decode().removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    events, data = [], []
    for line in text.split("\n"):
        if not line:
            if data and "\n".join(data):
                events.append("\n".join(data))
            data = []
            continue
        name, _, value = line.partition(":")
        if name == "data":
            data.append(value.removeprefix(" "))
    return events


def said(sim, provider, directive):
    """Raw bytes of a stream with fixed words."""
    return sim.chat(provider, f"[[words=3]]{directive}", stream=True).content


def meant(events):
    """Decoded events without pings and identifiers."""
    decoded = [json.loads(event) if event.startswith("{") else event for event in events]
    return [event for event in decoded if event not in ({}, {"type": "ping"})]


def without_names(events):
    """Answers differ in what names them, and in nothing else."""
    named = ("id", "responseId", "created")
    kept = []
    for event in events:
        body = event if isinstance(event, dict) else {"text": event}
        body = {name: value for name, value in body.items() if name not in named}
        if isinstance(body.get("message"), dict):
            body["message"] = {name: value for name, value in body["message"].items() if name != "id"}
        kept.append(body)
    return kept


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("form", [*FORMS, "bom,multiline,cr,comments,empty,ids", "nospace,crlf,blank,ping"])
def test_every_form_means_the_same(sim, provider, form):
    """A reader of the standard finds the events of a plain stream in each of them."""
    plain = said(sim, provider, "")
    sim.control.answer(provider, sse=form)
    odd = said(sim, provider, "")
    assert odd != plain
    assert without_names(meant(dispatched(odd))) == without_names(meant(dispatched(plain)))


@pytest.mark.parametrize(
    ("form", "mark"),
    [
        ("bom", b"\xef\xbb\xbfdata: {"),
        ("multiline", b'data: {\ndata:  "id": '),
        ("nospace", b'data:{"id":'),
        ("empty", b"data:\n\ndata: {"),
        ("blank", b"data: \n\ndata: {"),
        ("ping", b"event: ping\ndata: {}\n\ndata: {"),
        ("comments", b": a comment between events\n\n: a comment within an event\ndata: {"),
        ("ids", b"id: 1\nretry: 1000\ndata: {"),
        ("cr", b"\r\rdata: {"),
        ("crlf", b"\r\n\r\ndata: {"),
    ],
)
def test_what_the_forms_look_like(sim, form, mark):
    """Byte by byte."""
    assert mark in said(sim, "openai", f"[[sse={form}]]")


def test_a_fault_can_ask_for_a_form(sim):
    """For every stream of a provider, until it is healed."""
    sim.control.answer("deepseek", sse="cr")
    assert b"\n" not in said(sim, "deepseek", "")
    sim.control.heal()
    assert b"\r" not in said(sim, "deepseek", "")


def test_an_unknown_form_is_told(sim):
    """In the prompt and in a fault."""
    answer = sim.chat("openai", "[[sse=lf]]")
    assert answer.json()["error"]["message"].startswith("simulator directive: sse takes bom, multiline, nospace,")
    posted = sim.http.post(sim.root + "/__faults", json={"provider": "openai", "kind": "answer", "sse": ["cr", "lf"]})
    assert (posted.status_code, posted.json()["error"][-7:]) == (422, " not lf")


@given(st.dictionaries(st.text(), st.text()), st.sets(st.sampled_from(FORMS)), st.booleans())
def test_no_text_is_lost(body, forms, first):
    """Whatever the data, and however the forms are combined."""
    data = json.dumps({"body": body}, ensure_ascii=False)
    event = b"event: x\ndata: " + data.encode(errors="replace") + b"\n\n"
    found = [found for found in dispatched(formed(event, forms, first=first)) if found != "{}"]
    assert [json.loads(one) for one in found] == [json.loads(data.encode(errors="replace"))]


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_stream_without_usage(sim, provider):
    """No event tells tokens, the end is told all the same, and the simulator has counted."""
    asked = "[[words=3]] [[no_usage]]"
    path, body = sim.request(provider, asked, stream=True)
    body |= {"stream_options": {"include_usage": True}} if provider == "openai" else {}
    text = sim.post(provider, path, body).text
    assert [
        name for name in ("usage", "prompt_tokens", "output_tokens", "promptTokenCount") if f'"{name}"' in text
    ] == []
    ends = {"anthropic": "message_stop", "gemini": '"finishReason":"STOP"'}
    assert ends.get(provider, "[DONE]") in text
    assert sim.control.calls()["totals"]["output_tokens"] == 3


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_whole_answer_without_usage(sim, provider):
    """What was said is there, what it cost is not."""
    body = sim.chat(provider, "[[words=3]] [[no_usage]]").json()
    assert not {"usage", "usageMetadata"} & body.keys()
    assert "alpha beta gamma" in json.dumps(body)


def test_rewording_leaves_the_original_as_it_was():
    """Bodies are shared; every kind of wording makes a new one."""
    body = {"choices": [{"message": {"content": "a"}}], "usage": {}, "message": {"usage": 1, "id": "x"}}
    kept = json.loads(json.dumps(body))
    assert reworded(body, {"no_usage", "parts"}) == {
        "choices": [{"message": {"content": [{"type": "text", "text": "a"}]}}],
        "message": {"id": "x"},
    }
    assert body == kept
    assert reworded(body, set()) is body


def test_tokens_of_events_that_are_left_out_count_with_the_next():
    """Nothing that was generated is lost to the count."""
    frames = [
        Frame(b'data: {"type":"response.function_call_arguments.delta"}\n\n', 3),
        Frame(b'data: {"type":"response.function_call_arguments.done"}\n\n', 0),
        Frame(b"data: [DONE]\n\n", 0),
    ]
    assert [frame.tokens for frame in reworded_frames(frames, {"done_only"})] == [3, 0]
    assert list(reworded_frames(frames, set())) == frames
