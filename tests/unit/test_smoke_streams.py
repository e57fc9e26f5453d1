"""How scripts/smoke.sh judges streams: by when each line came."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts.smoke_streams import GAP_MS, LEAST_ARRIVALS, arrivals, first_of, lumped, read_stream, read_times


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
    stream = read_stream(read_times(stamped(*lines)), "gateway")
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
    told = read_stream(read_times(stamped(*lines)), wire).wrong
    assert wrong in told
    assert bool(told) == bool(wrong)


def test_without_curls_own_line_nothing_is_known():
    """As after a crash of curl."""
    assert read_times([]) is None
    assert read_stream(None, "gateway").wrong == "curl told no times"
    assert first_of(None) == ("nothing came", False)


@pytest.mark.parametrize(
    ("lines", "told", "is_stream"),
    [
        (
            [(300, "event: chunk"), (300, "data: {}"), (900, "data: {}")],
            "an event came after 300 ms, the last 600 ms later",
            True,
        ),
        (
            [(150, ": keep-alive"), (150, ""), (900, "data: {}")],
            "a heartbeat came after 150 ms, the last 750 ms later",
            True,
        ),
        ([(900, "data: {}"), (905, "data: {}")], "all of it came at once, after 900 ms", False),
        (
            [(900, "data: {}"), (900 + GAP_MS - 1, "data: {}"), (2000, "")],
            "all of it came at once, after 900 ms",
            False,
        ),
        ([(900, ""), (900, "")], "nothing came", False),
    ],
)
def test_the_first_of_a_stream_comes_before_the_last(lines, told, is_stream):
    """Be it an event or what keeps the line open; empty lines are neither."""
    found, right = first_of(read_times(stamped(*lines)))
    assert found.startswith(told)
    assert right == is_stream
