"""Requests and answers of the REST API: arguments, encodings, errors, bodies and paths."""

from __future__ import annotations

import base64
import json

import httpx
import pytest

from local.serving import serve
from local.upstash.app import MAX_BODY, create_app
from tests.patience import patience

WRONGTYPE = "WRONGTYPE Operation against a key holding the wrong kind of value"


def b64(text: bytes) -> str:
    return base64.b64encode(text).decode()


# 1. arguments


@pytest.mark.parametrize("literal", ["1.50", "2592000", "1795189699000", "-0", "1e3", "123456789012345678901234567890"])
def test_numbers_reach_the_server_in_the_callers_own_digits(api, literal):
    """A JSON number is not parsed and printed again."""
    assert api.raw(b'["SET","k",%b]' % literal.encode()).status_code == 200
    assert api.run("GET", "k") == literal


def test_a_month_in_seconds_is_a_valid_expiry(api):
    """A large integer arrives as an integer, not as 2.592e+06."""
    api.run("SET", "k", "v", "EX", 2592000)
    assert api.run("TTL", "k") == 2592000


@pytest.mark.parametrize(("value", "stored"), [(True, "true"), (False, "false"), (None, "null"), ("", "")])
def test_json_constants_become_words(api, value, stored):
    """true, false and null are stored as these words; an empty string stays empty."""
    api.run("SET", "k", value)
    assert api.run("GET", "k") == stored


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ('{"a": [1, 2.50, {"b": null}], "ä": "\\"x\\""}', '{"a":[1,2.50,{"b":null}],"ä":"\\"x\\""}'),
        ("[1, [true, {}], []]", "[1,[true,{}],[]]"),
    ],
)
def test_nested_values_become_compact_json(api, sent, stored):
    """Arrays and objects are stored as JSON without spaces, their numbers in the caller's digits."""
    assert api.raw(f'["SET","k",{sent}]'.encode()).status_code == 200
    assert api.run("GET", "k") == stored


# 2. encodings


def test_base64_covers_strings_at_any_depth(api):
    """Bulk strings are encoded, integers and null are not."""
    script = "return {'a', 7, {'b', {'c'}}, false}"
    answer = api.run("EVAL", script, 0, **{"Upstash-Encoding": "base64"})
    assert answer == [b64(b"a"), 7, [b64(b"b"), [b64(b"c")]], None]


def test_base64_leaves_the_status_ok_alone_but_not_a_stored_ok(api):
    """Only the simple string OK is literal."""
    headers = {"Upstash-Encoding": "base64"}
    assert api.run("SET", "k", "OK", **headers) == "OK"
    assert api.run("GET", "k", **headers) == b64(b"OK")
    assert api.run("PING", **headers) == b64(b"PONG")


def test_binary_survives_with_base64_and_is_replaced_without(api):
    """Bytes that are not UTF-8 become U+FFFD in a plain answer."""
    api.http.post("/set/k", content=b"\xff\xfe")
    assert api.run("GET", "k", **{"Upstash-Encoding": "base64"}) == b64(b"\xff\xfe")
    assert api.run("GET", "k") == "\ufffd\ufffd"


@pytest.mark.parametrize("headers", [{"Upstash-Encoding": "gzip"}, {"Upstash-Response-Format": "resp2"}])
def test_an_unknown_encoding_is_refused(api, headers):
    """What cannot be honoured is an error, not ignored."""
    response = api.post(["PING"], **headers)
    assert response.status_code == 400
    assert response.json()["error"].startswith("ERR ")


def test_the_json_format_may_be_asked_for_by_name(api):
    """`Upstash-Response-Format: json` is the default."""
    assert api.run("PING", **{"Upstash-Response-Format": "json"}) == "PONG"


# 3. errors


def test_errors_are_verbatim_with_their_code(api):
    """ERR, WRONGTYPE and NOSCRIPT stay in the text; the status is 400."""
    api.run("SET", "k", "v")
    assert api.error("LPUSH", "k", 1) == WRONGTYPE
    assert api.error("GET") == "ERR wrong number of arguments for 'get' command"
    assert api.error("EVALSHA", "0" * 40, 0).startswith("NOSCRIPT ")
    assert api.error("NOSUCH").startswith("ERR unknown command 'NOSUCH'")


def test_errors_are_never_encoded(api):
    """With base64 the error is plain text, alone and in a pipeline, whose status stays 200."""
    api.run("SET", "k", "v")
    alone = api.post(["LPUSH", "k", 1], **{"Upstash-Encoding": "base64"})
    batch = api.post([["LPUSH", "k", 1]], "/pipeline", **{"Upstash-Encoding": "base64"})
    assert (alone.status_code, alone.json()) == (400, {"error": WRONGTYPE})
    assert (batch.status_code, batch.json()) == (200, [{"error": WRONGTYPE}])


# 4. replies of Lua


def test_replies_of_lua_become_json(api):
    """An error within an array is a string, false is null, a number is an integer."""
    script = "return {redis.error_reply('ERR inner'), false, 3.99, {ok = 'FINE'}, {}}"
    assert api.run("EVAL", script, 0) == ["ERR inner", None, 3, "FINE", []]


# 8. sync token


def test_every_answer_carries_a_new_sync_token(api):
    """Successes, errors, refusals and 401 have one, and no two are equal."""
    answers = [
        api.post(["PING"]),
        api.post(["GET"]),
        api.post([["PING"]], "/pipeline"),
        api.multi(["PING"]),
        api.raw(b"nonsense"),
        api.http.delete("/"),
        httpx.post(api.url, timeout=patience(30)),
    ]
    tokens = [answer.headers["Upstash-Sync-Token"] for answer in answers]
    assert len(set(tokens)) == len(answers)


# 11. refused commands


@pytest.mark.parametrize(
    "command",
    [
        *["MULTI", "EXEC", "WATCH k", "DISCARD", "SUBSCRIBE c", "MONITOR", "SELECT 0", "AUTH x", "HELLO 3", "ACL LIST"],
        *["BLPOP l 0", "BLMOVE a b LEFT LEFT 0", "BZPOPMIN z 0", "WAIT 0 0", "CONFIG GET save", "SHUTDOWN", "RESET"],
        *["DEBUG SLEEP 0", "QUIT", "CLIENT REPLY OFF", "client kill x", "CLIENT PAUSE 1", "REPLICAOF NO ONE", "SORT k"],
        *["XREAD BLOCK 0 STREAMS s $", "xreadgroup GROUP g c COUNT 1 block 0 STREAMS s >", "multi"],
    ],
)
def test_commands_that_need_or_poison_a_connection_are_refused(api, command):
    """They never reach the server."""
    assert api.error(*command.split()).startswith("ERR Command is not available: '")


def test_a_stream_may_be_called_block(api):
    """Only the option BLOCK is refused, not a key of that name."""
    api.run("XADD", "block", "1-1", "f", "v")
    assert api.run("XREAD", "STREAMS", "block", "0") == [["block", [["1-1", ["f", "v"]]]]]
    assert api.error("XREAD", "COUNT", 1, "x").startswith("ERR syntax error")


def test_harmless_client_subcommands_are_served(api):
    """The official client announces itself with CLIENT SETINFO."""
    assert api.run("CLIENT", "SETINFO", "LIB-NAME", "x") == "OK"
    assert api.error("CLIENT").startswith("ERR wrong number of arguments")


# 12. bodies and methods


@pytest.mark.parametrize(
    "body",
    [
        *[b"", b"nonsense", b"{}", b"[]", b'"GET"', b"1", b"null", b'[["GET"]]', b"[[1]]", b"[null]", b"[{}]"],
        *[b'["SET","k",NaN]', b'["SET","k","\xff"]', b'["SET","k","\\ud800"]', b'["SET","k"', b"[" * 50_000],
        b'["SET","k",' + b"[" * 900 + b"]" * 900 + b"]",
    ],
)
def test_a_body_that_is_no_command_is_an_error_object(api, body):
    """400 with text, whatever is wrong with it."""
    response = api.raw(body)
    assert response.status_code == 400
    assert response.json()["error"].startswith("ERR ")
    assert api.run("EXISTS", "k") == 0


def test_a_body_over_ten_megabytes_is_refused(api):
    """The default limit is that of the service, and the text names both sizes."""
    response = api.raw(b'["SET","k","' + b"x" * MAX_BODY + b'"]')
    assert response.status_code == 400
    assert response.json()["error"].startswith(f"ERR max request size exceeded. Limit: {MAX_BODY} bytes, Actual: ")


def test_a_body_at_the_limit_is_served(valkey):
    """The limit itself is allowed, one byte more is not."""
    body = json.dumps(["ECHO", "x" * 100]).encode()
    app = create_app(redis_port=valkey.port, token="t", max_body=len(body))
    with (
        serve(app) as url,
        httpx.Client(base_url=url, headers={"Authorization": "Bearer t"}, timeout=patience(30)) as http,
    ):
        assert http.post("/", content=body).json() == {"result": "x" * 100}
        assert http.post("/", content=body + b" ").status_code == 400


@pytest.mark.parametrize("method", ["DELETE", "PATCH", "OPTIONS"])
def test_other_methods_are_not_allowed(api, method):
    """405 with an error object."""
    response = api.http.request(method, "/get/k")
    assert (response.status_code, response.json()) == (405, {"error": "ERR method not allowed"})


def test_head_has_no_body(api):
    """HEAD runs the command and answers its head only."""
    response = api.http.head("/set/k/v")
    assert (response.status_code, response.content) == (200, b"")
    assert api.run("GET", "k") == "v"


# 14. path form


@pytest.mark.parametrize("method", ["GET", "POST", "PUT"])
def test_a_command_may_stand_in_the_path(api, method):
    """Segments are arguments, decoded one by one, so that %2F stays within one."""
    assert api.http.request(method, "/set/foo%2Fbar/a%20b%25").json() == {"result": "OK"}
    assert api.run("GET", "foo/bar") == "a b%"


def test_the_body_follows_the_path_and_the_query_follows_the_body(api):
    """`/set/k?EX=100&NX` with a body is SET k body EX 100 NX; the token is no argument."""
    response = api.http.post(f"/set/k?_token={api.token}&EX=100&NX", content=b'{"a": 1}')
    assert response.json() == {"result": "OK"}
    assert api.run("GET", "k") == '{"a": 1}'
    assert api.run("TTL", "k") == 100


def test_errors_of_the_path_form_are_errors(api):
    """An unknown command and wrong arity are answered 400."""
    assert api.http.get("/nosuch/a").status_code == 400
    assert api.http.get("/get").json() == {"error": "ERR wrong number of arguments for 'get' command"}
    assert api.http.get("/multi").json()["error"].startswith("ERR Command is not available")
