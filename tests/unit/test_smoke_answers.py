"""How scripts/smoke.sh judges what it gets: streams by their times, answers by their fields."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts.smoke_answers import GAP_MS, LEAST_ARRIVALS, arrivals, body, explain, get, lumped, read_stream, unlike

KEY = "gk_alpha_secret"


@given(st.integers(0, 5000), st.lists(st.integers(0, GAP_MS - 1), max_size=80))
def test_what_comes_at_once_is_a_lump(first, gaps):
    """However long it took: a buffer gives all events away when the answer ends."""
    times = [first]
    for gap in gaps:
        times.append(times[-1] + gap)
    assert arrivals(times) == [len(times)]
    assert "holds events back" in lumped(times)


@given(st.lists(st.integers(GAP_MS, 2000), min_size=LEAST_ARRIVALS - 1, max_size=80))
def test_what_comes_one_by_one_is_no_lump(gaps):
    """At any pace."""
    times = [300]
    for gap in gaps:
        times.append(times[-1] + gap)
    assert arrivals(times) == [1] * len(times)
    assert lumped(times) == ""


@given(st.integers(4, 40), st.integers(1, 40))
def test_one_large_lump_among_few_events_is_found(lump, others):
    """A proxy that lets the head through and holds the rest."""
    times = [number * 100 for number in range(others)] + [10_000] * lump
    assert ("holds events back" in lumped(times)) == (others + 1 < LEAST_ARRIVALS or lump > 0.6 * (lump + others))


def stamped(*lines, first_byte_s=0.25, total_s=1.0, began_ms=1000.0):
    """Lines as (milliseconds since the request, text), as `stamp` and curl tell them."""
    told = [f"{began_ms + ms} {text}\n" for ms, text in lines]
    return [*told, f"{began_ms + total_s * 1000} curl {first_byte_s} {total_s} 200\n"]


DONE = 'data: {"cost": {"total_usd": "0.000048"}}'


def test_times_count_from_the_request():
    """By what curl says: how long it took until its last line; the rest follows."""
    lines = [(300, "event: chunk"), (300, 'data: {"delta": "a"}'), (300, ""), (900, "event: done"), (900, DONE)]
    stream = read_stream(stamped(*lines), "gateway")
    assert (stream.times, stream.first_byte_ms, stream.wrong) == ([300, 900], 250, "")


@pytest.mark.parametrize(
    ("lines", "wire", "wrong"),
    [
        ([], "gateway", "no events"),
        ([(1, "event: chunk"), (1, "data: {}")], "gateway", "'chunk' instead of 'done'"),
        ([(1, "event: error"), (1, 'data: {"error": {"code": "provider_error"}}')], "gateway", "provider_error"),
        ([(1, "event: done"), (1, DONE)], "gateway", "began with 'done'"),
        ([(1, "event: chunk"), (1, "data: {}"), (2, "event: done"), (2, "data: {}")], "gateway", "no cost"),
        ([(1, "data: {}")], "openai", "without [DONE]"),
        ([(1, "data: {}"), (2, "data: [DONE]")], "openai", ""),
    ],
)
def test_a_stream_must_end_as_the_protocol_says(lines, wire, wrong):
    """A cut stream is never taken for a whole one."""
    told = read_stream(stamped(*lines), wire).wrong
    assert wrong in told
    assert bool(told) == bool(wrong)


def test_without_curls_own_line_nothing_is_known():
    """As after a crash of curl."""
    assert read_stream([], "gateway").wrong == "curl told no times"


@pytest.mark.parametrize(
    ("path", "value"),
    [("data.0.id", "a"), ("data.#", 2), ("data.5.id", None), ("data.id", None), ("more", {"x": 1}), ("none.#", None)],
)
def test_paths(path, value):
    """Through objects and lists; what is not there is None."""
    assert get(json.dumps({"data": [{"id": "a"}, {}], "more": {"x": 1}, "none": 3}), path) == value


def test_an_mcp_answer_may_be_an_event():
    """Both forms that the protocol allows are read."""
    text = 'event: message\r\ndata: {"result": {"tools": [1, 2]}}\r\n\r\n: end\n'
    assert get(text, "result.tools.#") == 2
    assert get("not JSON\ndata: neither", "result") is None


def test_the_first_difference_is_told():
    """By path, with what was wanted."""
    text = '{"status": "ok", "count": 3}'
    assert unlike(text, ["status", "ok", "count", "?"]) == ""
    assert unlike(text, ["status", "fine"]) == "status is ok instead of fine"
    assert unlike(text, ["cost", "?"]) == "cost is missing"


def test_an_explanation_never_has_the_key():
    """Even if a server quotes it; and it stays one line."""
    told = explain("401", json.dumps({"error": {"code": "unauthenticated", "message": f"No {KEY},\nsorry"}}), KEY)
    assert told == "HTTP 401, unauthenticated: No ***, sorry"
    assert explain("502", "<html>", "") == "HTTP 502, 6 characters that are no error"


def test_bodies_ask_what_was_chosen():
    """A model goes before a group; few tokens are spent where no stream is watched."""
    environ = {"SMOKE_GROUP": "fast", "SMOKE_MODEL": "", "SMOKE_PROMPT": 'Say "hello"'}
    assert body("complete", environ)["model_group"] == "fast"
    assert body("chat", environ)["model"] == "fast"
    assert body("stream", environ)["messages"][0]["content"] == 'Say "hello"'
    assert body("mcp_call", {**environ, "SMOKE_MODEL": "gpt-5.1"})["params"]["arguments"]["model"] == "gpt-5.1"
    assert body("complete", environ)["max_tokens"] < 50
