"""HTTP as API Gateway events and back."""

import base64
import json

import pytest

from gateway_core.invocation import SEPARATOR, FunctionUnavailable, HttpRequest, proxy_event, read_answer


def payload(**fields) -> bytes:
    """A proxy integration's answer."""
    return json.dumps({"statusCode": 200, **fields}).encode()


def test_an_event_has_all_that_the_proxy_integration_sends():
    """Single and multiple forms agree; the body is base64."""
    request = HttpRequest("POST", "/v1/complete", {"a": "1"}, {"x-api-key": "gk_a_b"}, b"{}", {"sub": "7"})
    event = proxy_event(request)
    assert event["multiValueHeaders"] == {"x-api-key": ["gk_a_b"]}
    assert event["multiValueQueryStringParameters"] == {"a": ["1"]}
    assert (base64.b64decode(event["body"]), event["isBase64Encoded"]) == (b"{}", True)
    assert event["requestContext"]["authorizer"] == {"sub": "7"}


def test_what_is_absent_is_null():
    """As API Gateway has it."""
    event = proxy_event(HttpRequest("GET", "/health"))
    assert event["queryStringParameters"] is event["multiValueQueryStringParameters"] is event["body"] is None
    assert "authorizer" not in event["requestContext"]
    assert event["isBase64Encoded"] is False


def test_a_proxy_answer_is_read():
    """Names in lower case, repeated values joined, numbers as text."""
    answer = read_answer(
        payload(statusCode=429, headers={"Retry-After": 7}, multiValueHeaders={"X-A": ["1", "2"]}, body='{"é": 1}')
    )
    assert (answer.status, dict(answer.headers)) == (429, {"retry-after": "7", "x-a": "1, 2"})
    assert answer.body == '{"é": 1}'.encode()


def test_a_binary_body_is_decoded():
    """isBase64Encoded says so."""
    assert read_answer(payload(body="AAH/", isBase64Encoded=True)).body == b"\x00\x01\xff"


def test_an_answer_may_be_all_but_empty():
    """A status is enough."""
    assert read_answer(payload(headers=None, body=None)).body == b""


def test_a_prelude_is_read_up_to_its_separator():
    """The rest is the body, whatever is in it."""
    head = b'{"statusCode": 201, "headers": {"Content-Type": "text/plain"}}'
    answer = read_answer(head + SEPARATOR + b"\0\0{not json" + SEPARATOR)
    assert (answer.status, answer.headers["content-type"]) == (201, "text/plain")
    assert answer.body == b"\0\0{not json" + SEPARATOR


@pytest.mark.parametrize(
    "text",
    [b"", b"null", b"[1]", b"\xff", b'{"errorMessage": "x"}', b'{"statusCode": "200"}'],
)
def test_what_is_not_an_answer_is_refused(text):
    """The error quotes nothing of it."""
    with pytest.raises(FunctionUnavailable) as caught:
        read_answer(text)
    assert "x" not in caught.value.detail.split()


def test_a_body_that_is_not_base64_is_refused():
    """Rather than read as something else."""
    with pytest.raises(FunctionUnavailable):
        read_answer(payload(body="***", isBase64Encoded=True))
