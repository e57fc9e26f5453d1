"""What can be asked of the command line: areas, actions and options, and the command that each stands for."""

from __future__ import annotations

import argparse

from gateway_core.cli import commands, values
from gateway_core.cli.moving import store_move, store_where
from gateway_core.cli.replaying import usage_replay
from gateway_core.cli.reporting import add_report, add_usage_report
from gateway_core.config.check import check_config


def make_parser() -> argparse.ArgumentParser:
    root = argparse.ArgumentParser(
        prog="gateway",
        description="Keys, budgets and holds of the store at UPSTASH_REDIS_REST_URL, and documents of configuration.",
    )
    areas = root.add_subparsers(required=True, metavar="AREA")
    keys = areas.add_parser("keys", help="virtual keys").add_subparsers(required=True, metavar="ACTION")
    _add_keys_create(keys.add_parser("create", help="make a key; its secret is shown once"))
    _add_keys_list(keys.add_parser("list", help="list a project's keys"))
    _add_keys_revoke(keys.add_parser("revoke", help="take a key's rights away, at once"))
    budgets = areas.add_parser("budgets", help="hard limits").add_subparsers(required=True, metavar="ACTION")
    _add_budgets_set(budgets.add_parser("set", help="change limits of a project or user; those not named stay"))
    _add_budgets_show(budgets.add_parser("show", help="spent, held, estimated and left, of all scopes"))
    usage = areas.add_parser("usage", help="what was used; money in doubt").add_subparsers(
        required=True, metavar="ACTION"
    )
    _add_usage_reconcile(usage.add_parser("reconcile", help="list what is held, or release it"))
    _add_usage_replay(usage.add_parser("replay", help="settle what the log or a backlog says was not settled"))
    add_usage_report(usage.add_parser("report", help="requests, tokens and cost by day, model, agent and so on"))
    add_report(areas.add_parser("report", help="a month's spending as a document"))
    store = areas.add_parser("store", help="several databases").add_subparsers(required=True, metavar="ACTION")
    _add_store_where(store.add_parser("where", help="which database is to have a project, and which has it"))
    _add_store_move(store.add_parser("move", help="bring a project to the database that is configured for it"))
    config = areas.add_parser("config", help="documents of configuration").add_subparsers(
        required=True, metavar="ACTION"
    )
    _add_config_check(config.add_parser("check", help="say whether it is valid, without using it; needs no store"))
    return root


def _add_config_check(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "sources",
        nargs="?",
        metavar="SOURCE",
        help="a file, s3://bucket/key or appconfig://application/environment/profile, several with commas between them "
        "(default: GATEWAY_CONFIG)",
    )
    parser.set_defaults(command=check_config)


def _add_keys_create(parser: argparse.ArgumentParser) -> None:
    _add_project(parser)
    parser.add_argument("--name", type=values.title, default="", help="what lists call it")
    parser.add_argument("--user", default="", help="bind the key to this user")
    parser.add_argument("--admin", action="store_true", help="may name any project")
    parser.add_argument("--groups", type=values.names, default=(), metavar="A,B", help="model groups (default: all)")
    parser.add_argument(
        "--models",
        type=values.patterns,
        default=(),
        metavar="P,P",
        help="models of the catalog (default: all), and identifiers outside it as provider/model (default: none; "
        "all for an admin), with * and ?",
    )
    parser.add_argument("--tools", type=values.names, default=(), metavar="A,B", help="MCP tools (default: all)")
    parser.add_argument("--day-usd", type=values.usd, metavar="X")
    parser.add_argument("--month-usd", type=values.usd, metavar="X")
    parser.add_argument("--day-tokens", type=values.count, metavar="N")
    parser.add_argument("--month-tokens", type=values.count, metavar="N")
    parser.add_argument("--rpm", type=values.rate, metavar="N", help="requests a minute")
    parser.add_argument("--tpm", type=values.rate, metavar="N", help="tokens a minute")
    parser.add_argument(
        "--api-base-host",
        type=values.host,
        action="append",
        default=[],
        metavar="H",
        help="may be repeated (default: none)",
    )
    parser.set_defaults(command=commands.keys_create)


def _add_keys_list(parser: argparse.ArgumentParser) -> None:
    _add_project(parser)
    parser.set_defaults(command=commands.keys_list)


def _add_keys_revoke(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("id", metavar="ID", help="as `keys create` and `keys list` show it")
    parser.set_defaults(command=commands.keys_revoke)


def _add_budgets_set(parser: argparse.ArgumentParser) -> None:
    _add_project(parser)
    parser.add_argument("--user", default="", help="the limits of this user of the project")
    for name, convert, unit in (
        ("--day-usd", values.usd, "X"),
        ("--month-usd", values.usd, "X"),
        ("--day-tokens", values.count, "N"),
        ("--month-tokens", values.count, "N"),
    ):
        parser.add_argument(name, type=values.liftable(convert), metavar=unit, help="or 'none' to lift the limit")
    parser.set_defaults(command=commands.budgets_set)


def _add_budgets_show(parser: argparse.ArgumentParser) -> None:
    _add_project(parser, of="all")
    parser.add_argument("--user", help="of this user alone")
    parser.set_defaults(command=commands.budgets_show)


def _add_usage_reconcile(parser: argparse.ArgumentParser) -> None:
    _add_project(parser, of="all")
    parser.add_argument(
        "--month", type=values.month, metavar="YYYYMM", help="of the request, in UTC (default: this one and the last)"
    )
    parser.add_argument("--state", choices=("open", "unconfirmed", "estimated"), help="(default: what is held)")
    parser.add_argument("--older-than", type=values.age, default=0, metavar="TIME", help="90m, 2h, 3d")
    parser.add_argument(
        "--release",
        type=values.hold,
        nargs="?",
        const=commands.ALL,
        metavar="REQUEST.ATTEMPT",
        help="no longer hold money for it; without a name for all that are selected and that nobody works on",
    )
    parser.add_argument(
        "--charge",
        type=values.charge,
        metavar="known|bound|USD",
        help="spend for each, beside what is charged already: nothing, all that is held, or this",
    )
    parser.add_argument("--charge-usd", type=values.usd, default=0, metavar="X", help="spend this instead (default: 0)")
    parser.add_argument("--charge-tokens", type=values.count, default=0, metavar="N")
    parser.add_argument("--dry-run", action="store_true", help="show what --release would do")
    parser.add_argument("--json", action="store_true", help="one document, with the sums")
    parser.set_defaults(command=commands.usage_reconcile)


def _add_usage_replay(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "sources",
        nargs="*",
        metavar="SOURCE",
        help="a file of log lines, - for standard input, or a backlog's folder (default: GATEWAY_BACKLOG)",
    )
    parser.set_defaults(command=usage_replay)


def _add_store_where(parser: argparse.ArgumentParser) -> None:
    _add_project(parser, of="all")
    parser.set_defaults(command=store_where)


def _add_store_move(parser: argparse.ArgumentParser) -> None:
    _add_project(parser, of="all that are elsewhere")
    parser.set_defaults(command=store_move)


def _add_project(parser: argparse.ArgumentParser, of: str = "") -> None:
    """`of`: which projects are meant if none is named; one has to be if it is empty."""
    more = f" (default: {of})" if of else ""
    parser.add_argument(
        "--project", type=values.project, required=not of, metavar="ID", help=f"a-z, 0-9 and -, up to 32{more}"
    )
