"""The options of keys and budgets, and of the files that describe them."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from gateway_core.cli import values
from gateway_core.cli.parsing import Actions, add_command, add_project

_ID = "as `keys create` and `keys list` show it"
_LIMITS: tuple[tuple[str, Callable[[str], int], str, str], ...] = (
    ("--day-usd", values.usd, "X", "at most so much a day, in UTC"),
    ("--month-usd", values.usd, "X", "at most so much a month"),
    ("--day-tokens", values.count, "N", "input and output together"),
    ("--month-tokens", values.count, "N", "as above"),
)
_RATES: tuple[tuple[str, Callable[[str], int], str, str], ...] = (
    ("--rpm", values.rate, "N", "requests a minute"),
    ("--tpm", values.rate, "N", "tokens a minute"),
)


def add_keys(keys: Actions) -> None:
    create = add_command(keys, "create", "keys:create", "make a key; its secret is shown once", of_desk=True)
    add_project(create)
    create.add_argument("--user", type=values.user, help="bind the key to this user")
    create.add_argument("--admin", action="store_true", help="may name any project")
    _add_rights(create, liftable=False)
    listed = add_command(keys, "list", "keys:list_all", "list a project's keys, with what they spent", of_desk=True)
    add_project(listed)
    show = add_command(keys, "show", "keys:show", "all that is known of a key but its secret", of_desk=True)
    update = add_command(keys, "update", "keys:update", "change what is named; the rest stays", of_desk=True)
    rotate = add_command(keys, "rotate", "keys:rotate", "give a key a new secret; the old one ends later", of_desk=True)
    revoke = add_command(keys, "revoke", "keys:revoke", "take a key's rights away, at once", of_desk=True)
    for parser in (show, update, rotate, revoke):
        parser.add_argument("id", type=values.key_id, metavar="ID", help=_ID)
    update.add_argument("--user", type=values.liftable(values.user), help="bind the key to this user, or 'none'")
    update.add_argument("--admin", action=argparse.BooleanOptionalAction, help="may name any project, or only its own")
    _add_rights(update, liftable=True)
    rotate.add_argument(
        "--overlap",
        type=values.overlap,
        metavar="TIME",
        help="how long the old secret goes on: 90m, 2h, 3d, or 0 (default: 24h)",
    )


def _add_rights(parser: argparse.ArgumentParser, *, liftable: bool) -> None:
    """`liftable`: an option may say 'none', for no limit."""
    lists = values.liftable if liftable else _as_is
    lift = ", or 'none' for all" if liftable else " (default: all)"
    parser.add_argument("--name", type=values.title, help="what lists call it")
    parser.add_argument("--groups", type=lists(values.names), metavar="A,B", help=f"model groups{lift}")
    parser.add_argument(
        "--models",
        type=lists(values.patterns),
        metavar="P,P",
        help=f"models of the catalog{lift}, and identifiers outside it as provider/model (default: none; "
        "all for an admin), with * and ?",
    )
    parser.add_argument(
        "--tools", type=lists(values.names), metavar="A,B", help=f"MCP tools, and the HTTP routes of the same{lift}"
    )
    parser.add_argument(
        "--expires",
        type=lists(values.expiry),
        metavar="WHEN",
        help="in 30d or 12h, at the end of 2026-12-31 (UTC), or at 2026-12-31T18:00:00Z (default: never)",
    )
    for option, convert, unit, text in (*_LIMITS, *_RATES):
        parser.add_argument(option, type=lists(convert), metavar=unit, help=text)
    parser.add_argument(
        "--api-base-host",
        type=lists(values.host),
        action="append",
        metavar="H",
        help="a host that requests may name as `api_base`; may be repeated (default: none)",
    )


def _as_is[T](convert: Callable[[str], T]) -> Callable[[str], T]:
    return convert


def add_budgets(budgets: Actions) -> None:
    text = "change limits of a project or user; those not named stay"
    change = add_command(budgets, "set", "budgets:change", text, of_desk=True)
    add_project(change)
    change.add_argument("--user", type=values.user, help="the limits of this user of the project")
    for option, convert, unit, _ in _LIMITS:
        change.add_argument(option, type=values.liftable(convert), metavar=unit, help="or 'none' to lift the limit")
    show = add_command(budgets, "show", "budgets:show", "spent, held, estimated and left, of all scopes", of_desk=True)
    add_project(show, of="all")
    show.add_argument("--user", type=values.user, help="of this user alone")


def add_files(areas: Actions) -> None:
    """`plan` and `apply`."""
    plan = add_command(
        areas, "plan", "applying:plan", "show what `apply` would do; exit code 3 if anything", of_desk=True
    )
    apply = add_command(areas, "apply", "applying:apply", "make keys and budgets as a file says", of_desk=True)
    for parser in (plan, apply):
        parser.add_argument("file", metavar="FILE", help="YAML, see docs/cli.md; - for standard input")
        parser.add_argument("--prune", action="store_true", help="revoke keys of its projects that it does not name")
    apply.add_argument(
        "--secrets-out", metavar="FILE", help="write new secrets there (mode 0600) instead of showing them"
    )
