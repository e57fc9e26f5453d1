"""How scripts/smoke.sh judges what it gets: answers by their fields, headers by either name, refusals in a crowd."""

import json

import pytest

from scripts.smoke_answers import body, explain, get, refusals, told_headers, unlike

KEY = "gk_alpha_secret"


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


REFUSAL = "HTTP/1.1 401 Unauthorized\r\nDate: now\r\n{}: Bearer\r\n\r\n"


@pytest.mark.parametrize(
    ("name", "told", "right"),
    [
        ("www-authenticate", "WWW-Authenticate, Date, no Server", True),
        (
            "x-amzn-remapped-www-authenticate",
            "WWW-Authenticate as x-amzn-Remapped-WWW-Authenticate, Date, no Server",
            True,
        ),
        ("x-other", "no WWW-Authenticate, Date, no Server", False),
    ],
)
def test_a_header_may_have_been_renamed(name, told, right):
    """As API Gateway does; which name came is told, and one that has to be there and is under neither is a fault."""
    assert told_headers(REFUSAL.format(name), ["WWW-Authenticate", "Date", "Server?"]) == (told, right)


def test_headers_are_those_of_the_last_answer():
    """Not of a proxy or of `100 Continue`, which come first."""
    text = "HTTP/1.1 100 Continue\r\nserver: a\r\n\r\nHTTP/2 200\r\ndate: now\r\n\r\n"
    assert told_headers(text, ["Date", "Server"]) == ("Date, no Server", False)
    assert told_headers("", ["Date"]) == ("no Date", False)


GOES_AWAY = json.dumps(
    {"error": {"code": "unavailable", "message": "Later.", "type": "api_error", "request_id": "a", "retryable": True}}
)


@pytest.mark.parametrize(
    ("line", "text", "told"),
    [
        ("429\t1\tb", GOES_AWAY, "1 of 2 were served, 1 told to come back (1 by 429)"),
        ("503\t5\tb", GOES_AWAY, "1 of 2 were served, 1 told to come back (1 by 503)"),
        ("503\t\tb", GOES_AWAY, "1 of 2 were served, 0 told to come back; 1 got 503 without Retry-After"),
        ("502\t5\tb", GOES_AWAY, "1 of 2 were served, 0 told to come back; 1 got 502"),
        (
            "503\t5\tb",
            '{"message": "Too Many Requests"}',
            "1 of 2 were served, 1 told to come back (1 by 503); 1 got 503 in another shape: error.code is missing",
        ),
    ],
)
def test_who_is_refused_is_told_when_to_come_back(line, text, told):
    """By API Gateway or by Lambda's own throttle, and in the gateway's shape; whatever else came is named."""
    assert refusals(["200\t\ta\n", f"{line}\n"], 2, {"b": text}.__getitem__) == (told, ";" not in told)


def test_a_request_without_an_answer_is_missed():
    """Nothing is told of one that it never sent."""
    assert refusals(["200\t\ta\n"], 2, str) == (
        "1 of 2 were served, 0 told to come back; 1 got no answer",
        False,
    )
