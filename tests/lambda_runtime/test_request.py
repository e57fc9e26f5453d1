"""Events to scopes, in the forms that no front of the emulator makes."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from gateway_core.lambda_stream.prelude import Head
from gateway_core.lambda_stream.request import LambdaRequest, read_event
from tests.lambda_runtime.emulator.events import rest_event, url_event


def read(event: dict[str, Any]) -> LambdaRequest:
    request = read_event(event, "the context")
    assert request is not None
    return request


def rest(resource: str, path: str, full: str, **parameters: str) -> dict[str, Any]:
    event = rest_event("GET", path) | {"resource": resource, "pathParameters": parameters or None}
    event["requestContext"]["path"] = full
    return event


@pytest.mark.parametrize(
    ("event", "root", "path"),
    [
        (rest("/v1/complete", "/v1/complete", "/live/v1/complete"), "/live", "/live/v1/complete"),
        (rest("/v1/complete", "/v1/complete", "/v1/complete"), "", "/v1/complete"),
        (rest("/v1/complete", "/llm/v1/complete", "/llm/v1/complete"), "/llm", "/llm/v1/complete"),
        (rest("/keys/{id}", "/keys/a%20b", "/live/keys/a%20b", id="a b"), "/live", "/live/keys/a b"),
        (rest("/{proxy+}", "/a/b", "/live/a/b", proxy="a/b"), "/live", "/live/a/b"),
        (rest("/", "/", "/live/"), "/live", "/live/"),
        (rest("/other", "/v1/complete", "/live/v1/complete"), "", "/v1/complete"),
        (url_event("GET", "/live/mcp", stage="live"), "/live", "/live/mcp"),
        (url_event("GET", "/lively", stage="live"), "", "/lively"),
    ],
    ids=["own domain", "root mapping", "base path", "parameter", "proxy", "root", "unknown", "http api", "no stage"],
)
def test_the_stage_is_the_root_path(event, root, path):
    """`path` is all of it, and `root_path` the part that the routes do not know."""
    scope = read(event).scope
    assert (scope["root_path"], scope["path"]) == (root, path)


def test_an_event_by_hand_needs_little():
    """What another function has to write to call a route."""
    event = {"httpMethod": "GET", "path": "/health", "headers": {"X-Api-Key": "gk_a_b"}, "requestContext": {}}
    scope = read(event).scope
    assert (scope["method"], scope["path"], scope["root_path"]) == ("GET", "/health", "")
    assert scope["headers"] == [(b"x-api-key", b"gk_a_b")]
    assert scope["client"] is None
    assert scope["aws.event"] is event
    assert scope["aws.context"] == "the context"


def test_each_value_of_a_header_is_a_pair_of_its_own():
    """But the parts of a cookie, which frameworks read as one."""
    headers = [("Accept", "a"), ("Accept", "b"), ("Cookie", "c=1"), ("Cookie", "d=2")]
    pairs = read(rest_event("GET", "/", headers)).scope["headers"]
    assert pairs == [(b"accept", b"a"), (b"accept", b"b"), (b"cookie", b"c=1; d=2")]


@pytest.mark.parametrize("make", [rest_event, url_event])
def test_the_body_is_text_or_base64(make):
    """Either way the app gets the bytes."""
    assert read(make("POST", "/", body="é".encode())).body == "é".encode()
    assert read(make("POST", "/", body=b"\xff\x00")).body == b"\xff\x00"
    assert read(make("POST", "/")).body == b""


@pytest.mark.parametrize("make", [rest_event, url_event])
def test_a_whole_answer_has_the_form_of_its_event(make):
    """Text as it is, and what does not decode as base64."""
    request = read(make("GET", "/"))
    head = Head(200, (("content-type", "text/plain"), ("x-one", "1")))
    whole = request.proxy_response(head, b"text")
    assert (whole["statusCode"], whole["headers"]["x-one"], whole["body"]) == (200, "1", "text")
    whole = request.proxy_response(head, b"\xff")
    assert (whole["isBase64Encoded"], base64.b64decode(whole["body"])) == (True, b"\xff")


@pytest.mark.parametrize("event", [None, [], "text", {}, {"requestContext": "text"}, {"version": "2.0"}])
def test_other_events_are_no_request(event):
    """Nothing is guessed."""
    assert read_event(event, None) is None
