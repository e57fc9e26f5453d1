"""The command line `gateway` where it fails: wrong arguments, a store that cannot be used, a reader who left."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.patience import patience


@pytest.mark.parametrize("amount", ["nan", "inf", "-1", "1e400", "0.0000000001", "1e-999999999", "9007200", "x", ""])
def test_amounts_that_are_not_money_are_refused(refused, amount):
    """Not a number, negative, finer than a nano-USD, or more than can be counted."""
    assert "--day-usd" in refused(f"keys create --project alpha --day-usd={amount}")


@pytest.mark.parametrize(
    "command",
    [
        "keys create --project Alpha",
        "keys create --project alpha --rpm 0",
        "keys create --project alpha --tpm -1",
        "keys create --project alpha --day-tokens 1.5",
        "keys create --project alpha --day-tokens 9007199254740992",
        "keys create --project alpha --groups a,,b",
        "keys create --project alpha --name " + 129 * "n",
        "keys create --project alpha --api-base-host https://x.example",
        "budgets set --project alpha --day-usd nothing",
        "usage reconcile --project alpha --month 202613",
        "usage reconcile --project alpha --release r1",
        "usage reconcile --project alpha --release r1.0",
        "usage reconcile --project alpha --charge-usd 1",
        "usage reconcile --charge known",
        "usage reconcile --dry-run",
        "usage reconcile --release",
        "usage reconcile --release --charge half",
        "usage reconcile --release --charge known --charge-usd 1",
        "usage reconcile --release r1.1 --charge known",
        "usage reconcile --older-than soon",
        "usage reconcile --state lost",
        "budgets show --project Alpha",
        "keys create",
        "keys",
        "nonsense",
    ],
)
def test_wrong_arguments_are_refused_before_anything_is_stored(refused, redis, command):
    """Exit code 2, a sentence on stderr, nothing on stdout."""
    assert refused(command).count("\n") >= 1
    assert redis.run("KEYS", "*") == []


@pytest.mark.parametrize(
    ("changes", "says", "exits"),
    [
        ({"UPSTASH_REDIS_REST_URL": ""}, "Set UPSTASH_REDIS_REST_URL", 2),
        ({"UPSTASH_REDIS_REST_URL": "http://redis.example.com"}, "https", 2),
        ({"UPSTASH_REDIS_REST_TOKEN": "wrong-token"}, "The store refuses the token", 2),
        ({"UPSTASH_REDIS_REST_URL": "http://127.0.0.1:9"}, "store at http://127.0.0.1:9 does not answer", 4),
    ],
)
def test_a_store_that_cannot_be_used_is_named(refused, changes, says, exits):
    """Missing, unsafe, locked or away; the token is not repeated."""
    said = refused("keys list --project alpha", exits, **changes)
    assert says in said
    assert "wrong-token" not in said


@pytest.mark.parametrize("command", ["keys list", "budgets set", "usage reconcile"])
def test_a_token_that_is_refused_is_told_by_every_command(refused, command):
    """In the store's own words, also where several commands are sent."""
    assert "WRONGPASS" in refused(f"{command} --project alpha", UPSTASH_REDIS_REST_TOKEN="wrong-token")


PROGRAM = """
import sys
from gateway_core.cli import main
from gateway_core.cli.answers import Answer

async def shown(options, environ):
    return Answer([{"id": "key_alpha_1"}])

main.command_of = lambda named: shown
sys.exit(main.main())
"""
"""The command line without what takes a command a second to load."""


def test_a_reader_who_has_seen_enough():
    """As with `| head`: exit code 1, and no trace."""
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, "keys", "list", "--project", "alpha"],
        stdout=writer,
        stderr=subprocess.PIPE,
        timeout=patience(60),
        check=False,
    )
    os.close(writer)
    assert (done.returncode, done.stderr) == (1, b"")
