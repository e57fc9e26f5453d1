"""JSON-RPC as strictly as MCP allows."""

import json

import pytest

from gateway_core.mcp_front.jsonrpc import BadMessage, check_message

REQUEST = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}


@pytest.mark.parametrize(
    "message",
    [
        REQUEST,
        {**REQUEST, "id": "seven"},
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        {"jsonrpc": "2.0", "id": 1, "result": {}},
        {"jsonrpc": "2.0", "id": 1, "error": {"code": -1, "message": "no"}},
        {**REQUEST, "params": {"text": "ünicode 😀 \\ud83d"}},
    ],
)
def test_a_message_passes(message):
    """Requests, notifications and responses, escaped or not."""
    check_message(json.dumps(message).encode())
    check_message(json.dumps(message, ensure_ascii=False).encode())


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"nonsense",
        b'{"jsonrpc": "2.0", "id": NaN, "method": "x"}',
        b'{"jsonrpc": "2.0", "id": 1, "method": "x", "params": {"a": Infinity}}',
        b'{"jsonrpc": "2.0", "id": 1, "method": "\xff"}',
        b'{"jsonrpc": "2.0", "id": 1, "method": "\\ud800"}',
        '{"jsonrpc": "2.0", "id": 1, "method": "x"}'.encode("utf-16"),
        b"\xef\xbb\xbf" + json.dumps(REQUEST).encode(),
        b'{"jsonrpc": "2.0", "id": ' + b"9" * 5000 + b', "method": "x"}',
        b'{"jsonrpc": "2.0", "id": 1, "method": "x", "params": {"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}}",
    ],
)
def test_what_is_not_json_is_a_parse_error(raw):
    """-32700, without an id."""
    with pytest.raises(BadMessage) as caught:
        check_message(raw)
    assert (caught.value.code, caught.value.id) == (-32700, None)


@pytest.mark.parametrize(
    "raw",
    [
        b'{"jsonrpc": "2.0", "id": 1, "method": "a", "method": "b"}',
        b'{"jsonrpc": "2.0", "id": 1, "method": "a", "params": {"x": [{"k": 1, "k": 1}]}}',
        b'{"jsonrpc": "2.0", "id": 1, "method": "a", "m\\u0065thod": "b"}',
    ],
)
def test_a_repeated_member_is_refused(raw):
    """At any depth, and however it is spelled: nobody can say which one counts."""
    with pytest.raises(BadMessage) as caught:
        check_message(raw)
    assert caught.value.code == -32600


@pytest.mark.parametrize(
    "message",
    [
        [REQUEST],
        [],
        "text",
        7,
        None,
        {},
        {**REQUEST, "jsonrpc": "1.0"},
        {**REQUEST, "jsonrpc": 2.0},
        {"id": 1, "method": "x"},
        {"jsonrpc": "2.0", "id": 1, "Method": "x"},
        {**REQUEST, "Method": "tools/call"},
        {**REQUEST, "id": None},
        {**REQUEST, "id": True},
        {**REQUEST, "id": 1.5},
        {**REQUEST, "id": {}},
        {**REQUEST, "method": 7},
        {**REQUEST, "method": None},
        {**REQUEST, "params": []},
        {**REQUEST, "params": None},
        {**REQUEST, "result": {}},
        {"jsonrpc": "2.0", "id": 1, "result": {}, "error": {}},
        {"jsonrpc": "2.0", "id": 1},
    ],
)
def test_what_is_not_a_message_is_an_invalid_request(message):
    """-32600; batches are among them."""
    with pytest.raises(BadMessage) as caught:
        check_message(json.dumps(message).encode())
    assert caught.value.code == -32600


def test_the_id_is_told_where_it_could_be_read():
    """The client can match the answer to its request; nothing else is quoted."""
    with pytest.raises(BadMessage) as caught:
        check_message(json.dumps({**REQUEST, "id": "seven", "params": ["secret"]}).encode())
    body = caught.value.body()
    assert body == {"jsonrpc": "2.0", "id": "seven", "error": {"code": -32600, "message": "params must be an object."}}
