"""Pipelines and transactions."""

from __future__ import annotations

import base64

import pytest

WRONGTYPE = "WRONGTYPE Operation against a key holding the wrong kind of value"


def b64(text: bytes) -> str:
    return base64.b64encode(text).decode()


# 5. pipelines


def test_a_pipeline_answers_in_order_and_goes_on_after_an_error(api):
    """Refused, failing and good commands each have their own item."""
    answer = api.pipeline(["SET", "k", "v"], ["LPUSH", "k", 1], ["SELECT", 1], ["GET", "k"], ["GET"])
    assert answer[0] == {"result": "OK"}
    assert answer[1] == {"error": WRONGTYPE}
    assert answer[2]["error"].startswith("ERR Command is not available: 'SELECT'")
    assert answer[3] == {"result": "v"}
    assert answer[4]["error"].startswith("ERR wrong number of arguments")


def test_a_pipeline_runs_on_one_connection(api):
    """All its commands see the same client id."""
    ids = {item["result"] for item in api.pipeline(*[["CLIENT", "ID"]] * 20)}
    assert len(ids) == 1


def test_a_large_pipeline_is_answered_whole(api):
    """Ten thousand commands come back in order."""
    answer = api.pipeline(*[["ECHO", n] for n in range(10_000)])
    assert [item["result"] for item in answer] == [str(n) for n in range(10_000)]


@pytest.mark.parametrize("path", ["/pipeline", "/multi-exec"])
@pytest.mark.parametrize("body", [b"[]", b"{}", b'"x"', b"[1]", b'["GET","k"]', b"[[]]", b"[[1],{}]", b"nonsense", b""])
def test_a_batch_that_is_none_is_one_error_object(api, path, body):
    """A body without an array of commands is answered 400 with one error."""
    response = api.raw(body, path)
    assert response.status_code == 400
    assert response.json()["error"].startswith("ERR ")


def test_a_trailing_slash_names_the_same_endpoint(api):
    """`/pipeline/` is `/pipeline`."""
    assert api.post([["PING"]], "/pipeline/").json() == [{"result": "PONG"}]


# 6. transactions


def test_a_transaction_goes_on_after_an_error_at_run_time(api):
    """WRONGTYPE is an item, and the commands around it have run."""
    response = api.multi(["SET", "k", "v"], ["LPUSH", "k", 1], ["GET", "k"])
    assert response.json() == [{"result": "OK"}, {"error": WRONGTYPE}, {"result": "v"}]


@pytest.mark.parametrize(
    ("bad", "text"),
    [
        (["GET"], "ERR wrong number of arguments for 'get' command"),
        (["NOSUCH"], "ERR unknown command 'NOSUCH'"),
        (["BLPOP", "l", 0], "ERR Command is not available: 'BLPOP'"),
        (["EXEC"], "ERR Command is not available: 'EXEC'"),
    ],
)
def test_a_transaction_with_an_impossible_command_does_nothing(api, bad, text):
    """The whole answer is the first queueing error, and no other command ran."""
    response = api.multi(["SET", "k", "v"], bad, ["SET", "k", "w"])
    assert response.status_code == 400
    assert response.json()["error"].startswith(text)
    assert api.run("EXISTS", "k") == 0


def test_the_connection_is_usable_after_a_discarded_transaction(api):
    """No open MULTI is left behind."""
    for _ in range(3):
        assert api.multi(["GET"]).status_code == 400
    assert api.pipeline(["SET", "k", 1], ["GET", "k"]) == [{"result": "OK"}, {"result": "1"}]


def test_transactions_are_encoded_like_pipelines(api):
    """Items of a transaction take base64 too."""
    response = api.post([["SET", "k", "v"], ["GET", "k"]], "/multi-exec", **{"Upstash-Encoding": "base64"})
    assert response.json() == [{"result": "OK"}, {"result": b64(b"v")}]
