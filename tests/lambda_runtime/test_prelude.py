"""The head in front of a streamed body, and the trailers behind a cut one."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway_core.lambda_stream import prelude, trailers
from gateway_core.lambda_stream.failure import error_type
from gateway_core.lambda_stream.prelude import Head

NAMES = st.text(alphabet="abcdefghijklmnopqrstuvwxyz-", min_size=1).map(lambda name: f"x-{name}")
HEADERS = st.lists(st.tuples(NAMES, st.text()), max_size=8, unique_by=lambda pair: pair[0])


@given(status=st.integers(200, 599), headers=HEADERS, cookies=st.lists(st.text(), max_size=3), body=st.binary())
def test_what_is_encoded_can_be_decoded(status, headers, cookies, body):
    """Any head comes back, and the body after it, whatever bytes it has."""
    head = Head(status, (*headers, *(("set-cookie", cookie) for cookie in cookies)))
    assert prelude.decode(prelude.encode(head) + body) == (head, body)


def test_framing_headers_are_left_to_the_platform():
    """It frames the body anew."""
    head = Head(200, (("content-length", "5"), ("transfer-encoding", "chunked"), ("connection", "close"), ("x", "1")))
    assert prelude.encode(head) == b'{"statusCode":200,"headers":{"x":"1"}}' + bytes(8)


def test_a_head_that_api_gateway_would_not_read_is_refused():
    """16 KB, separator included."""
    room = prelude.LIMIT - len(prelude.encode(Head(200, (("x", ""),))))
    assert len(prelude.encode(Head(200, (("x", "y" * room),)))) == prelude.LIMIT
    with pytest.raises(ValueError, match="16385 bytes"):
        prelude.encode(Head(200, (("x", "y" * (room + 1)),)))


def test_a_prelude_may_arrive_in_pieces():
    """None until the separator is there; an error when it cannot come any more."""
    whole = prelude.encode(Head(200))
    assert prelude.decode(whole[:-1]) is None
    with pytest.raises(ValueError, match="no prelude"):
        prelude.decode(b"x" * (prelude.LIMIT + 1))


@given(name=st.text(min_size=1).filter(lambda text: "\0" not in text), text=st.text())
def test_trailers_are_small_and_plain_whatever_the_error(name, text):
    """Below 3 KB, two lines of ASCII, a type that Lambda keeps, and nothing of the error's text."""
    error = type(name, (Exception,), {})(text * 1000)
    encoded = trailers.encode(error)
    first, second, end = encoded.decode("ascii").split("\r\n")
    assert len(encoded) < 3072
    assert first.startswith("Lambda-Runtime-Function-Error-Type: Function.")
    assert first.removeprefix("Lambda-Runtime-Function-Error-Type: Function.").isalpha()
    detail = json.loads(base64.b64decode(second.removeprefix("Lambda-Runtime-Function-Error-Body: ")))
    assert detail["errorType"] == error_type(error)
    assert detail["errorMessage"] == "The answer was cut. The function's log has the cause."
    assert end == ""
