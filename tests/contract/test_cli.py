"""The command line `gateway` against a store: keys, budgets and holds, what it prints and what it stores."""

from __future__ import annotations

import asyncio
import json
import sys

from gateway_core.adapters.clock import SystemClock
from gateway_core.cli.main import main
from gateway_core.store.messages import Terms
from gateway_core.store.virtual_keys import digest_of
from tests.contract.desk import Desk, candidate, settled


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
        assert main(command.split(), redis.environ()) == 0
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


def test_white_space_around_an_address_counts_for_nothing(redis, capsys):
    """As for the gateway: values come from files and from copying."""
    padded = {name: f" {value}\n" for name, value in redis.environ().items()}
    assert main(["keys", "list", "--project", "alpha"], padded | {"GATEWAY_ALLOW_HTTP": "1 "}) == 0
    assert capsys.readouterr() == ("", "there are no keys in project alpha\n")
