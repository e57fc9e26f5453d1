"""Lua scripts: the flag that only Upstash knows, digests, and the keys that a script may touch."""

from __future__ import annotations

import hashlib

import httpx
import pytest

from local.serving import serve
from local.upstash.app import create_app
from local.upstash.scripts import ONE_KEY
from tests.patience import patience

FLAGGED = "#!lua flags=allow-key-locking\n"
COUNT = FLAGGED + "return redis.call('INCR', KEYS[1])"
DYNAMIC = "ERR Dynamic keys are not allowed in Lua scripts when 'allow-key-locking' flag is set. Key was: "


def sha(script: str) -> str:
    return hashlib.sha1(script.encode(), usedforsecurity=False).hexdigest()


# 9. the flag and the digests


def test_a_flagged_script_runs_and_is_cached_under_the_callers_digest(api):
    """EVAL strips the flag; EVALSHA by the digest of the text that was sent finds the script."""
    assert api.run("EVAL", COUNT, 1, "k") == 1
    assert api.run("EVALSHA", sha(COUNT), 1, "k") == 2
    assert api.run("evalsha", sha(COUNT).upper(), 1, "k") == 3


def test_script_load_answers_the_callers_digest(api):
    """LOAD, EXISTS and EVALSHA agree on the digest of the original text."""
    assert api.run("SCRIPT", "LOAD", COUNT) == sha(COUNT)
    assert api.run("script", "exists", sha(COUNT), "0" * 40) == [1, 0]
    assert api.run("EVALSHA", sha(COUNT), 1, "k") == 1


def test_script_flush_forgets_flagged_scripts(api):
    """After FLUSH the digest is unknown until the script is sent again."""
    api.run("SCRIPT", "LOAD", COUNT)
    assert api.run("SCRIPT", "FLUSH", "SYNC") == "OK"
    assert api.run("SCRIPT", "EXISTS", sha(COUNT)) == [0]
    assert api.error("EVALSHA", sha(COUNT), 1, "k").startswith("NOSCRIPT ")
    assert api.run("EVAL", COUNT, 1, "k") == 1


def test_digests_work_in_batches(api):
    """Pipelines and transactions rewrite scripts too."""
    commands = ["SCRIPT", "LOAD", COUNT], ["EVALSHA", sha(COUNT), 1, "k"], ["SCRIPT", "EXISTS", sha(COUNT)]
    expected = [{"result": sha(COUNT)}, {"result": 1}, {"result": [1]}]
    assert api.pipeline(*commands) == expected
    api.run("DEL", "k")
    assert api.multi(*commands).json() == expected


@pytest.mark.parametrize(
    "shebang",
    ["#!lua flags=no-writes,allow-key-locking", "#!lua flags=allow-key-locking,no-writes", "#!lua flags=no-writes"],
)
def test_other_flags_are_kept(api, shebang):
    """`no-writes` goes on to forbid writing, and such a script may run under EVAL_RO."""
    assert "Write commands are not allowed" in api.error(
        "EVAL", f"{shebang}\nreturn redis.call('INCR', KEYS[1])", 1, "k"
    )
    assert api.run("EVAL_RO", f"{shebang}\nreturn redis.call('EXISTS', KEYS[1])", 1, "k") == 0


@pytest.mark.parametrize("script", ["return 1", "#!lua\nreturn 1", "#!lua flags=no-writes\nreturn 1"])
def test_scripts_without_the_flag_are_untouched(api, script):
    """Their digest is the server's own."""
    assert api.run("SCRIPT", "LOAD", script) == sha(script)
    assert api.run("EVALSHA", sha(script), 0) == 1


def test_a_script_that_does_not_compile_is_an_error(api):
    """LOAD of a broken flagged script answers the error, not a digest."""
    assert "Error compiling script" in api.error("SCRIPT", "LOAD", FLAGGED + "return (")


def test_script_commands_with_too_few_arguments_fail_in_the_server(api):
    """The rewriting does not trip over short commands."""
    for command in (["EVAL"], ["EVALSHA"], ["SCRIPT"], ["SCRIPT", "LOAD"]):
        assert api.error(*command).startswith("ERR ")
    assert api.run("EVAL", FLAGGED.strip(), 0) is None


@pytest.mark.parametrize("shebang", ["#!lua flags=allow-key-locking", "#!lua flags=allow-key-locking,no-writes"])
def test_line_numbers_stay_the_callers(api, shebang):
    """An error on the fourth line of the script is reported on line 4."""
    assert "user_script:4:" in api.error("EVAL", f"{shebang}\n\n\nerror('x')", 0)


# 10. strict mode


@pytest.mark.parametrize(
    "call",
    [
        "'GET', 'other'",
        "'MGET', KEYS[1], 'other'",
        "'DEL', KEYS[1], 'other'",
        "'RENAME', KEYS[1], 'other'",
        "'BITOP', 'AND', KEYS[1], 'other'",
        "'XREAD', 'STREAMS', 'other', '0'",
        "'ZUNIONSTORE', KEYS[1], 1, 'other'",
        "'set', 'other', 1",
    ],
)
def test_an_undeclared_key_is_refused_under_the_flag(api, call):
    """Wherever the key stands in the command, the error is Upstash's, and nothing was written."""
    api.run("SET", "k", "v")
    assert api.error("EVAL", f"{FLAGGED}return redis.call({call})", 1, "k").startswith(DYNAMIC + "other")
    assert api.run("DBSIZE") == 1


def test_the_other_name_of_the_library_is_guarded_as_well(api):
    """`server.call` is refused like `redis.call`."""
    assert api.error("EVAL", FLAGGED + "return server.call('GET', 'other')", 0).startswith(DYNAMIC + "other")


def test_pcall_returns_the_refusal(api):
    """A script may handle it, as it may any error of pcall."""
    script = FLAGGED + "local r = redis.pcall('SET', 'other', 1) return {r.err, redis.pcall('SET', KEYS[1], 1).ok}"
    refused, done = api.run("EVAL", script, 1, "k")
    assert refused.startswith(DYNAMIC + "other")
    assert done == "OK"


def test_declared_keys_and_keyless_commands_pass(api):
    """The check knows which arguments are keys: values may equal any name."""
    script = FLAGGED + (
        "redis.call('MSET', KEYS[1], 'other', KEYS[2], 'x') redis.call('PUBLISH', 'c', 'm') "
        "redis.call('HSET', KEYS[3], 'f', 1) return {redis.call('ECHO', 'e'), redis.sha1hex(''), #redis.call('TIME')}"
    )
    assert api.run("EVAL", script, 3, "a", "b", "h") == ["e", sha(""), 2]


def test_errors_of_commands_are_the_servers_own(api):
    """Wrong arity, unknown commands and wrong types are not mistaken for key trouble."""
    api.run("SET", "k", "v")
    for call, text in (
        ("'GET'", "ERR Wrong number"),
        ("'NOSUCH'", "ERR Unknown"),
        ("'LPUSH', KEYS[1], 1", "WRONGTYPE"),
    ):
        assert api.error("EVAL", f"{FLAGGED}return redis.call({call})", 1, "k").startswith(text)


def test_undeclared_keys_pass_without_the_flag(api):
    """Upstash runs such a script under the lock of the whole database."""
    assert api.run("EVAL", "return redis.call('SET', 'other', 1)", 0) == "OK"


def test_strict_mode_can_be_turned_off(valkey):
    """Then the flag is stripped and nothing is checked."""
    app = create_app(redis_port=valkey.port, token="t", strict=False)
    with (
        serve(app) as url,
        httpx.Client(base_url=url, headers={"Authorization": "Bearer t"}, timeout=patience(30)) as http,
    ):
        body = ["EVAL", FLAGGED + "return redis.call('SET', 'other', 1)", 0]
        assert http.post("/", json=body).json() == {"result": "OK"}


def test_what_a_declared_key_is_given_unasked_has_no_other_key(api):
    """By the server's own table: first key, last key and step of each command in the list."""
    told = api.run("COMMAND", "INFO", *sorted(ONE_KEY))
    assert {row[0].upper(): row[3:6] for row in told} == {name: [1, 1, 1] for name in ONE_KEY}


@pytest.mark.parametrize("call", ["call", "pcall"])
@pytest.mark.parametrize("name", ["GET", "get", "DEL"])
def test_a_second_key_is_looked_at_too(api, call, name):
    """Whether or not the first one is declared, and however the command is written."""
    script = f"{FLAGGED}return redis.{call}('{name}', KEYS[1], 'other')"
    wrong = DYNAMIC + "other" if name == "DEL" else "ERR Wrong number of args"
    assert wrong in api.error("EVAL", script, 1, "k")
