"""The command line `gateway` against a store: what it prints, what it stores, how it fails."""

from __future__ import annotations

import asyncio
import io
import json
import os
import subprocess
import sys
import uuid

import pytest

from gateway_core.adapters.clock import SystemClock
from gateway_core.adapters.file_backlog import FileBacklog
from gateway_core.cli.main import main
from gateway_core.store.messages import Terms
from gateway_core.store.records import Unsettled
from gateway_core.store.virtual_keys import digest_of
from gateway_core.telemetry.telemetry import Telemetry
from tests.backlogs import AWAY, Plan, unsettled
from tests.contract.desk import NOON, Desk, candidate, record_of, settled
from tests.patience import patience


@pytest.fixture
def gateway(redis, capsys):
    """Runs a command that succeeds and gives its lines."""

    def run(command):
        assert main(command.split(), environ(redis)) == 0
        return [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    return run


@pytest.fixture
def refused(redis, capsys):
    """Runs a command that fails and gives what it says."""

    def run(command, exits=2, **changes):
        try:
            code = main(command.split(), environ(redis) | changes)
        except SystemExit as leaving:
            code = leaving.code
        printed = capsys.readouterr()
        assert (code, printed.out) == (exits, "")
        return printed.err

    return run


def environ(redis):
    return {"UPSTASH_REDIS_REST_URL": redis.url, "UPSTASH_REDIS_REST_TOKEN": redis.token}


def test_a_key_is_created_and_its_secret_shown_once(gateway, redis):
    """One line with the key and its id; the store holds the digest only."""
    (line,) = gateway("keys create --project alpha")
    assert set(line) == {"key", "id"}
    assert line["key"].startswith("gk_alpha_")
    stored = redis.hash("prj:alpha")
    assert list(stored) == [f"k|{digest_of(line['key'])}"]
    assert line["key"] not in str(stored)


def test_all_rights_and_limits_of_a_key_are_listed(gateway):
    """What was granted, without the secret."""
    (made,) = gateway(
        "keys create --project alpha --name laptop --user bob --admin --groups fast,code --tools complete --day-usd 0.5"
        " --month-usd 10 --day-tokens 7 --month-tokens 8 --rpm 60 --tpm 1000 "
        "--api-base-host Proxy.example.com --api-base-host other.example.com --models groq/*,mistral/codestral-2?"
    )
    (line,) = gateway("keys list --project alpha")
    assert line.pop("created").startswith("20")
    assert line == {
        "id": made["id"],
        "name": "laptop",
        "project": "alpha",
        "user": "bob",
        "admin": True,
        "groups": ["fast", "code"],
        "tools": ["complete"],
        "api_base_hosts": ["proxy.example.com", "other.example.com"],
        "models": ["groq/*", "mistral/codestral-2?"],
        "day_usd": "0.5",
        "month_usd": "10",
        "day_tokens": 7,
        "month_tokens": 8,
        "rpm": 60,
        "tpm": 1000,
        "revoked": None,
        "expires_at": None,
        "rotated": None,
        "old_secret_ends_at": None,
        "last_used": None,
        "spent": {"day_usd": "0", "month_usd": "0", "day_tokens": 0, "month_tokens": 0},
    }


def test_a_key_has_no_limits_and_no_hosts_unless_set(gateway):
    """All groups and tools, nothing bounded."""
    gateway("keys create --project alpha")
    (line,) = gateway("keys list --project alpha")
    assert {name for name, value in line.items() if not value} == {
        "user", "admin", "groups", "tools", "api_base_hosts", "models", "revoked",
        "day_usd", "month_usd", "day_tokens", "month_tokens", "rpm", "tpm",
        "name", "expires_at", "rotated", "old_secret_ends_at", "last_used",
    }  # fmt: skip


def test_a_revoked_key_is_still_listed(gateway, refused):
    """With the time; an unknown one is an error that says what to do."""
    (made,) = gateway("keys create --project alpha")
    assert gateway(f"keys revoke {made['id']}") == [{"id": made["id"], "revoked": True}]
    assert gateway("keys list --project alpha")[0]["revoked"].endswith("Z")
    assert "gateway keys list" in refused("keys revoke key_alpha_0123456789abcdef", exits=1)


def test_a_key_is_changed_and_given_a_new_secret(gateway, refused):
    """Field by field; `none` lifts. What is not there is refused, with what comes near."""
    (made,) = gateway("keys create --project alpha --user bob --groups fast --day-usd 5 --api-base-host a.example")
    (line,) = gateway(
        f"keys update {made['id']} --user none --admin --groups none --day-usd none --rpm 5 --expires 30d "
        "--name lap --api-base-host none"
    )
    assert gateway(f"keys show {made['id']}") == [line]
    assert (line["user"], line["admin"], line["groups"], line["api_base_hosts"]) == ("", True, [], [])
    assert (line["day_usd"], line["rpm"], line["name"]) == (None, 5, "lap")
    (line,) = gateway(f"keys update {made['id']} --expires none --no-admin")
    assert (line["expires_at"], line["admin"], line["rpm"]) == (None, False, 5)
    (rotated,) = gateway(f"keys rotate {made['id']} --overlap 0")
    assert (set(rotated), rotated["id"]) == ({"key", "id", "old_secret_ends_at"}, made["id"])
    assert "Name what to change" in refused(f"keys update {made['id']}")
    for option, name in (("--groups fats", "fast"), ("--tools complet", "complete"), ("--models gpt-5.l", "gpt-5.1")):
        assert f"Did you mean {name}" in refused(f"keys update {made['id']} {option}")
    assert "Did you mean alpha?" in refused("budgets set --project alhpa --day-usd 1", exits=1)
    assert "Did you mean alpha?" in refused("budgets show --project alhpa", exits=1)


def test_a_terminal_shows_a_key_so_that_it_can_be_copied(redis, capsys, monkeypatch):
    """Alone on its line, with how to use it; a list is a table, and `--json` is JSON there, too."""
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)

    def run(command):
        assert main(command.split(), environ(redis)) == 0
        return capsys.readouterr().out.splitlines()

    made = run("keys create --project alpha --name laptop --day-usd 5")
    assert made[3] == f"  export GATEWAY_KEY={made[0]}"
    head, row = run("keys list --project alpha")
    assert head.split() == ["ID", "NAME", "DAY_USD", "SPENT_TODAY", "SPENT_MONTH"]
    assert row.split() == [made[-1].split()[-1], "laptop", "5", "0", "0"]
    assert json.loads(run("keys list --project alpha --json")[0])["name"] == "laptop"


def test_a_budget_changes_only_what_is_named(gateway):
    """`none` lifts a limit."""
    gateway("keys create --project alpha")
    gateway("budgets set --project alpha --day-usd 1.000000001 --month-tokens 5")
    changed = {"project": "alpha", "user": "", "month_usd": "3", "day_tokens": None, "month_tokens": 5}
    assert gateway("budgets set --project alpha --month-usd 3") == [{**changed, "day_usd": "1.000000001"}]
    assert gateway("budgets set --project alpha --day-usd none") == [{**changed, "day_usd": None}]


def test_a_users_budget_is_not_the_projects(gateway):
    """Each has its own."""
    gateway("keys create --project alpha")
    gateway("budgets set --project alpha --user bob --day-tokens 9")
    assert gateway("budgets set --project alpha")[0]["day_tokens"] is None
    assert gateway("budgets set --project alpha --user bob")[0]["day_tokens"] == 9


def leave_holds(redis):
    """A request that died, and one that nobody can price, both of today."""

    async def work():
        store = redis.connect()
        desk = await Desk(store, user="bob").open()
        now = SystemClock().now_ms()
        for name in ("dead", "doubt.2"):
            admitted = await desk.admit_as(desk.ticket(name, admitted_ms=now), [candidate()])
        ended = settled(admitted, candidate(), "fail", unconfirmed=True)
        ticket = desk.ticket("doubt.2", admitted_ms=now)
        await store.next(ticket, ended, [], Terms(now, desk.policy))
        await store.close()

    asyncio.run(work())


def test_holds_are_listed_and_released(gateway, refused, redis):
    """What is open or unconfirmed, one line each, until it is released, with or without a charge."""
    leave_holds(redis)
    lines = gateway("usage reconcile --project alpha")
    assert {line["hold"]: (line["state"], line["hold_usd"], line["user_id"]) for line in lines} == {
        "dead.1": ("open", "0.0000001", "bob"),
        "doubt.2.1": ("unconfirmed", "0.0000001", "bob"),
    }
    assert gateway("usage reconcile --project alpha --release dead.1")[0]["charge_usd"] == "0"
    released = gateway("usage reconcile --project alpha --release doubt.2.1 --charge-usd 0.00000005 --charge-tokens 4")
    assert released == [
        {"project": "alpha", "hold": "doubt.2.1", "released": True, "charge_usd": "0.00000005", "charge_tokens": 4}
    ]
    assert gateway("usage reconcile --project alpha") == []
    assert "Nothing is held" in refused("usage reconcile --project alpha --release dead.1", exits=1)


def test_another_month_holds_nothing(gateway, redis):
    """Holds belong to the month of their request."""
    leave_holds(redis)
    assert gateway("usage reconcile --project alpha --month 202001") == []


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


def test_white_space_around_an_address_counts_for_nothing(redis, capsys):
    """As for the gateway: values come from files and from copying."""
    padded = {name: f" {value}\n" for name, value in environ(redis).items()}
    assert main(["keys", "list", "--project", "alpha"], padded | {"GATEWAY_ALLOW_HTTP": "1 "}) == 0
    assert capsys.readouterr() == ("", "there are no keys in project alpha\n")


@pytest.mark.parametrize("command", ["keys list", "budgets set", "usage reconcile"])
def test_a_token_that_is_refused_is_told_by_every_command(refused, command):
    """In the store's own words, also where several commands are sent."""
    assert "WRONGPASS" in refused(f"{command} --project alpha", UPSTASH_REDIS_REST_TOKEN="wrong-token")


def test_a_reader_who_has_seen_enough(gateway, redis):
    """As with `| head`: exit code 1, and no trace."""
    gateway("keys create --project alpha")
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-c", "import sys; from gateway_core.cli.main import main; sys.exit(main())"]
    done = subprocess.run(
        [*command, "keys", "list", "--project", "alpha"],
        env={"PATH": os.environ["PATH"], **environ(redis)},
        stdout=writer,
        stderr=subprocess.PIPE,
        timeout=patience(60),
        check=False,
    )
    os.close(writer)
    assert (done.returncode, done.stderr) == (1, b"")


@pytest.fixture
async def waiting(redis, upstash):
    """A request whose end the store was not told."""
    desk = await Desk(upstash, at=now_after_noon()).open()
    ticket = desk.ticket("r1", admitted_ms=desk.now)
    admitted = await desk.admit_as(ticket, [candidate()])
    return Unsettled(ticket, (), settled(admitted, candidate(), charge_nano=70), record_of(ticket, at_ms=desk.now))


def now_after_noon():
    """Milliseconds after the desk's noon: the command line has the machine's clock, and a request gets too old."""
    return SystemClock().now_ms() - NOON


async def told(redis, request):
    """What the log says of it."""
    stream = io.StringIO()
    log = Telemetry(stream=stream, service=uuid.uuid4().hex)
    log.unsettled(request.ticket, request.settlement, request.record, AWAY)
    return stream.getvalue()


async def test_what_a_log_says_was_not_settled_is_settled(run_gateway, redis, waiting, tmp_path):
    """Once, however often, among lines that say something else; the file stays."""
    log = tmp_path / "gateway.log"
    log.write_text('{"message":"usage"}\nnonsense\n' + await told(redis, waiting) + "{\n")
    assert await run_gateway(f"usage replay {log}") == [counted(written=1)]
    assert await run_gateway(f"usage replay {log} {log}") == [counted(known=2)]
    assert len(redis.run("XRANGE", f"use:alpha:{waiting.ticket.day}:{waiting.ticket.hour}", "-", "+")) == 1
    assert "usage not settled" in log.read_text()


async def test_a_log_can_be_piped(run_gateway, redis, waiting, monkeypatch):
    """Behind what a tool puts before each line."""
    monkeypatch.setattr(sys, "stdin", io.StringIO("gateway-1  | " + await told(redis, waiting)))
    assert await run_gateway("usage replay -") == [counted(written=1)]


async def test_the_folder_of_the_backlog_is_drained(run_gateway, redis, waiting, tmp_path):
    """The one that is named, or that of the environment; what is refused is told and kept."""
    backlog = FileBacklog(tmp_path)
    await backlog.put(waiting, AWAY)
    await backlog.put(unsettled(admitted_ms=NOON - 40 * 86_400_000), AWAY)
    assert await run_gateway("usage replay", GATEWAY_BACKLOG=str(tmp_path)) == [counted(written=1, refused=1)]
    assert backlog.files() == []
    assert await run_gateway(f"usage replay {tmp_path}") == [counted()]
    assert await run_gateway(f"usage replay {tmp_path / 'refused'}") == [counted(refused=1)]


async def test_a_record_without_room_is_told_to_wait(run_gateway, redis, waiting, tmp_path):
    """Its money is right, and the message stays."""
    backlog = FileBacklog(tmp_path)
    await backlog.put(waiting, AWAY)
    redis.run("SET", f"use:alpha:{waiting.ticket.day}:{waiting.ticket.hour}", "no stream")
    assert await run_gateway(f"usage replay {tmp_path}") == [counted(waiting=1)]
    redis.run("DEL", f"use:alpha:{waiting.ticket.day}:{waiting.ticket.hour}")
    assert await run_gateway(f"usage replay {tmp_path}") == [counted(written=1)]


def counted(**numbers):
    return dict.fromkeys(("written", "known", "refused", "waiting"), 0) | numbers


@pytest.fixture
def run_gateway(redis, capsys):
    """As `gateway`, for tests that have an event loop of their own."""

    async def run(command, **changes):
        assert await asyncio.to_thread(main, command.split(), environ(redis) | changes) == 0
        return [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    return run


async def test_a_replay_without_the_store_changes_nothing(redis, waiting, tmp_path, capsys):
    """It says so, and what is in the folder stays."""
    backlog = FileBacklog(tmp_path)
    await backlog.put(waiting, AWAY)
    away = environ(redis) | {"UPSTASH_REDIS_REST_TOKEN": "wrong"}
    assert await asyncio.to_thread(main, ["usage", "replay", str(tmp_path)], away) == 2
    assert "The store refuses the token" in capsys.readouterr().err
    plan = Plan()
    await backlog.drain(plan)
    assert plan.seen == {"r1": 1}


@pytest.mark.parametrize(
    ("command", "said"),
    [("usage replay", "Name a file of log lines"), ("usage replay no-such-file", "cannot be read")],
)
def test_a_replay_of_nothing_is_refused(refused, command, said):
    """With what there is to name."""
    assert said in refused(command)
    assert "neither the URL" in refused("usage replay", GATEWAY_BACKLOG="ftp://host/queue")
    assert "Name a file" in refused("usage replay", GATEWAY_BACKLOG="https://sqs.eu-central-1.amazonaws.com/1/q")
