"""`http1/reader.py`, `http1/heads.py`: what is an answer of HTTP/1.1, however it is cut, and what is refused."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway_core.http1.errors import ConnectionBroken, MalformedAnswer
from gateway_core.http1.reader import MOST_HEAD, AnswerReader

OK = b"HTTP/1.1 200 OK\r\n"
LENGTH = OK + b"Content-Type: text/plain\r\nContent-Length: 11\r\n\r\nhello world"
CHUNKS = OK + b"transfer-encoding: chunked\r\n\r\n6\r\nhello \r\n5;ext=1\r\nworld\r\n0\r\n\r\n"
TRAILED = OK + b"Transfer-Encoding: CHUNKED\r\n\r\n00b \r\nhello world\r\n0\r\nX-Sum: 1\r\nY: \r\n\r\n"
INTERIM = b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n" + LENGTH
TO_THE_END = OK + b"X-A:  b\t\r\n\r\nhello world"
WHOLE = {"length": LENGTH, "chunks": CHUNKS, "trailers": TRAILED, "interim": INTERIM}


def read(*pieces: bytes) -> tuple[AnswerReader, bytes]:
    reader = AnswerReader()
    return reader, b"".join(reader.feed(piece) for piece in pieces)


@pytest.mark.parametrize("answer", WHOLE.values(), ids=WHOLE)
def test_an_answer_may_be_cut_anywhere(answer):
    """In two at every byte, and into single bytes; there is no more body than the answer has."""
    cuts = [(answer[:at], answer[at:]) for at in range(len(answer) + 1)]
    for pieces in (*cuts, [answer[at : at + 1] for at in range(len(answer))]):
        reader, body = read(*pieces)
        assert (reader.ended, reader.excess, body) == (True, False, b"hello world")
        assert reader.head is not None
        assert (reader.head.status, reader.head.keeps_alive) == (200, True)


@pytest.mark.parametrize("answer", WHOLE.values(), ids=WHOLE)
def test_an_end_before_the_end_is_a_cut(answer):
    """At every byte."""
    for at in range(len(answer)):
        reader, _ = read(answer[:at])
        assert not reader.ended
        with pytest.raises(ConnectionBroken):
            reader.close()


@pytest.mark.parametrize("answer", WHOLE.values(), ids=WHOLE)
def test_what_follows_an_answer_is_none_of_it(answer):
    """Whenever it comes; closing is in order by then."""
    for pieces in ([answer + b"HTTP/1.1 200 OK\r\n\r\n"], [answer, b"x"]):
        reader, body = read(*pieces)
        reader.close()
        assert (reader.ended, reader.excess, body) == (True, True, b"hello world")


def test_an_answer_without_a_length_lasts_until_the_end():
    """It is over when the other side says so, and not before its head is."""
    head_end = TO_THE_END.index(b"\r\n\r\n") + 4
    for at in range(len(TO_THE_END)):
        reader, body = read(TO_THE_END[:at], TO_THE_END[at:])
        assert (reader.ended, body) == (False, b"hello world")
        reader.close()
        assert (reader.ended, reader.excess) == (True, False)
        cut, _ = read(TO_THE_END[:at])
        if at < head_end:
            with pytest.raises(ConnectionBroken):
                cut.close()
        else:
            cut.close()
            assert cut.ended


def test_headers_are_found_by_their_names_in_lower_case():
    """White space around values is none of theirs; what comes twice is joined."""
    reader, _ = read(OK + b"A-b:\t one \r\na-B: two\r\nempty:\r\nraw: \xe9\xff\r\ncontent-length: 0, 0\r\n\r\n")
    assert reader.head is not None
    assert reader.head.headers == {"a-b": "one, two", "empty": "", "raw": "éÿ", "content-length": "0, 0"}
    assert reader.ended


@pytest.mark.parametrize("line", [b"HTTP/1.1 200", b"HTTP/1.1 200 ", b"HTTP/1.1 599 \xc3\xa9h  (really)"])
def test_a_reason_may_be_anything(line):
    """Also nothing."""
    assert read(line + b"\r\ncontent-length: 0\r\n\r\n")[0].ended


@pytest.mark.parametrize("status", [204, 304])
def test_some_answers_have_no_body_whatever_they_say(status):
    """What follows is not theirs."""
    reader, body = read(b"HTTP/1.1 %d X\r\ncontent-length: 5\r\n\r\n" % status)
    assert (reader.ended, body) == (True, b"")


@pytest.mark.parametrize(
    ("head", "keeps"),
    [
        (OK + b"content-length: 0\r\n", True),
        (OK + b"content-length: 0\r\nConnection: Keep-Alive\r\n", True),
        (OK + b"content-length: 0\r\nConnection: Close\r\n", False),
        (OK + b"content-length: 0\r\nConnection: te\r\nconnection: close\r\n", False),
        (b"HTTP/1.0 200 OK\r\ncontent-length: 0\r\nconnection: keep-alive\r\n", False),
        (OK, False),
    ],
)
def test_who_keeps_the_connection(head, keeps):
    """HTTP/1.1 does, unless it says otherwise or the end of the connection is that of the answer."""
    reader, _ = read(head + b"\r\n")
    assert reader.head is not None
    assert reader.head.keeps_alive is keeps


LONG = b"a" * MOST_HEAD
AMBIGUOUS = [
    b"content-length: 5\r\ntransfer-encoding: chunked\r\n",
    b"transfer-encoding: chunked\r\ncontent-length: 5\r\n",
    b"transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n",
    b"transfer-encoding: gzip, chunked\r\n",
    b"transfer-encoding: chunked, identity\r\n",
    b"transfer-encoding: identity\r\n",
    b"transfer-encoding: \x0bchunked\r\n",
    b"transfer-encoding:\r\n",
    b"content-length: 5\r\ncontent-length: 6\r\n",
    b"content-length: 5, 6\r\n",
    b"content-length: +5\r\n",
    b"content-length: -5\r\n",
    b"content-length: 5_0\r\n",
    b"content-length: 0x5\r\n",
    b"content-length: 5 5\r\n",
    b"content-length: \xb2\r\n",
    b"content-length: 9999999999999999\r\n",
    b"content-length:\r\n",
    b"content-length : 5\r\n",
    b" content-length: 5\r\n",
    b"x: a\r\n content-length: 5\r\n",
    b"x: a\ncontent-length: 5\r\n",
    b"x: a\rcontent-length: 5\r\n",
    b"x: a\x00\r\n",
    b"x\x00y: a\r\n",
    b"x y: a\r\n",
    b": a\r\n",
    b"no colon\r\n",
]


@pytest.mark.parametrize("fields", AMBIGUOUS)
def test_what_two_readers_may_read_differently_is_refused(fields):
    """Two lengths, other codings, folded and bare lines, signs and spaces where none belong."""
    with pytest.raises(MalformedAnswer):
        read(OK + fields + b"\r\nhello")


@pytest.mark.parametrize(
    "start",
    [
        b"HTTP/1.1 20 OK",
        b"HTTP/1.1 2000 OK",
        b"HTTP/1.1 020 OK",
        b"HTTP/1.1  200 OK",
        b"HTTP/1.1 200OK",
        b"HTTP/1.2 200 OK",
        b"HTTP/2 200 OK",
        b"http/1.1 200 OK",
        b" HTTP/1.1 200 OK",
        b"\r\nHTTP/1.1 200 OK",
        b"HTTP/1.1 200 O\x00K",
        b"HTTP/1.1 101 Switching Protocols",
        b"<html>",
        b"\x16\x03\x01",
    ],
)
def test_what_is_no_answer_is_refused(start):
    """An old protocol, TLS where none is spoken, a page."""
    with pytest.raises(MalformedAnswer):
        read(start + b"\r\n\r\n")


def test_garbage_is_refused_with_its_first_byte():
    """Nobody has to wait for a deadline."""
    for garbage in (b"\x15", b"HTTX", b"I"):
        with pytest.raises(MalformedAnswer):
            read(garbage)


def test_chunks_of_http_1_0_are_refused():
    """It knows none: whoever sends them means something else."""
    with pytest.raises(MalformedAnswer):
        read(b"HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")


@pytest.mark.parametrize(
    "chunks",
    [
        b"5\r\nhelloX",
        b"5\r\nhello\n",
        b"5\r\nhello\rX",
        b"5\nhello\r\n",
        b"0x5\r\nhello\r\n",
        b"+5\r\nhello\r\n",
        b"-5\r\nhello\r\n",
        b"5_0\r\n",
        b" 5\r\nhello\r\n",
        b"\r\n",
        b";a\r\n",
        b"g\r\n",
        b"5 5\r\n",
        b"5;a\x00\r\n",
        b"5;a\nb\r\n",
        b"fffffffffffffffff\r\n",
        b"5;" + b"a" * 5000,
        b"0\r\nno colon\r\n\r\n",
        b"0\r\nx : a\r\n\r\n",
        b"0\r\n\nx: a\r\n\r\n",
        b"0\r\nx: " + LONG,
        b"0\r\nx: " + LONG + b"\r\n\r\n",
    ],
)
def test_chunks_that_are_none_are_refused(chunks):
    """Whether they come at once or byte by byte."""
    head = OK + b"transfer-encoding: chunked\r\n\r\n"
    with pytest.raises(MalformedAnswer):
        read(head + chunks)
    if len(chunks) < 100:
        with pytest.raises(MalformedAnswer):
            read(head, *(chunks[at : at + 1] for at in range(len(chunks))))


def test_a_head_has_a_greatest_size():
    """With an end and without; the same for an interim one."""
    for end in (b"", b"\r\n\r\n"):
        for start in (OK, b"HTTP/1.1 103 X\r\n"):
            with pytest.raises(MalformedAnswer):
                read(start + b"x: " + LONG + end)
    assert read(OK + b"content-length: 0\r\nx: " + b"a" * (MOST_HEAD - 100) + b"\r\n\r\n")[0].ended


BODIES = st.lists(st.binary(min_size=1, max_size=40), max_size=6)
CUTS = st.lists(st.integers(min_value=0, max_value=400), max_size=8)
EXTENSIONS = st.sampled_from([b"", b";a", b" ;a=b", b'\t; q="x y"'])


def pieces_of(raw: bytes, cuts: list[int]) -> list[bytes]:
    ends = sorted({min(cut, len(raw)) for cut in cuts} | {0, len(raw)})
    return [raw[one:two] for one, two in pairwise(ends)]


@given(bodies=BODIES, cuts=CUTS, extension=EXTENSIONS, upper=st.booleans(), zeros=st.integers(0, 3))
def test_any_chunks_in_any_pieces_give_the_body(bodies, cuts, extension, upper, zeros):
    """However they are written."""
    size = "{:X}" if upper else "{:x}"
    lines = [(b"0" * zeros + size.format(len(body)).encode() + extension, body) for body in bodies]
    framed = b"".join(b"%b\r\n%b\r\n" % line for line in lines) + b"0" * (zeros + 1) + b"\r\n\r\n"
    reader, body = read(*pieces_of(OK + b"transfer-encoding: chunked\r\n\r\n" + framed, cuts))
    assert (reader.ended, reader.excess, body) == (True, False, b"".join(bodies))


@given(bodies=BODIES, cuts=CUTS, more=st.binary(max_size=5))
def test_any_length_in_any_pieces_gives_the_body(bodies, cuts, more):
    """And nothing of what comes after it."""
    whole = b"".join(bodies)
    raw = OK + b"content-length: %d\r\n\r\n" % len(whole) + whole + more
    reader, body = read(*pieces_of(raw, cuts))
    assert (reader.ended, reader.excess, body) == (True, bool(more), whole)


@given(raw=st.binary(max_size=200), cuts=CUTS, head=st.sampled_from([b"", OK, CHUNKS[:50], LENGTH[:40]]))
def test_any_bytes_are_an_answer_or_refused(raw, cuts, head):
    """Never anything else, and cut in whatever way, the same."""
    found = []
    for pieces in (pieces_of(head + raw, cuts), [head + raw]):
        try:
            reader, body = read(*pieces)
            found.append((reader.ended, reader.excess, body))
        except MalformedAnswer:
            found.append("refused")
    assert found[0] == found[1]
