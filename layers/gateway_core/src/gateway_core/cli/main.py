"""The command line `gateway`: keys, budgets and holds of the store that the environment names, and configuration.

Prints one JSON object a line. Exits with 2, and a sentence on stderr, when something is wrong; 1 if nobody reads it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from gateway_core.access.administration import Administration, Line
from gateway_core.adapters.clock import SystemClock
from gateway_core.adapters.config_sources import open_sources
from gateway_core.adapters.upstash import UpstashStore
from gateway_core.config.check import check_config
from gateway_core.config.environment import StoreSettings, documents_named, needed
from gateway_core.domain.caller import Limits
from gateway_core.domain.errors import InvalidRequest, LLMError
from gateway_core.ports import Store
from gateway_core.store.budget import MAX_AMOUNT, Amount
from gateway_core.store.virtual_keys import PROJECT_ID, KeyRecord

type Command = Callable[[Administration, argparse.Namespace], Awaitable[list[Line]]]

NANO_DIGITS = 9
_HOLD = re.compile(r"(.+)\.([1-9][0-9]{0,8})")
_MONTH = re.compile(r"[0-9]{4}(0[1-9]|1[0-2])")
_HOST = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?")
_CONNECT_TIMEOUT_S, _TIMEOUT_S = 3.0, 10.0


def main(argv: Sequence[str] | None = None, environ: Mapping[str, str] | None = None) -> int:
    """Run one command; 0, or 2 after an error. Wrong arguments leave by SystemExit(2), as argparse does."""
    options = _parser().parse_args(argv)
    try:
        lines = _lines(options, os.environ if environ is None else environ)
    except LLMError as error:
        print(f"gateway: {error.message}{_aside(error.detail)}", file=sys.stderr)
        return 2
    return _print(lines)


def _print(lines: Sequence[Line]) -> int:
    try:
        for line in lines:
            print(json.dumps(line, ensure_ascii=False))
        sys.stdout.flush()
    except BrokenPipeError:  # as with `| head`; what is buffered must not be tried again at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return 0


def _lines(options: argparse.Namespace, environ: Mapping[str, str]) -> list[Line]:
    if options.command is check_config:
        named = documents_named(environ) if options.sources is None else options.sources
        return [check_config(open_sources(named), environ)]
    return asyncio.run(_run(options, environ))


async def _run(options: argparse.Namespace, environ: Mapping[str, str]) -> list[Line]:
    store = open_store(environ)
    command: Command = options.command
    try:
        return await command(Administration(store, SystemClock()), options)
    finally:
        await store.close()


def open_store(environ: Mapping[str, str]) -> Store:
    store = needed(StoreSettings.from_env(environ))
    return UpstashStore(store.url, store.token.reveal(), connect_timeout_s=_CONNECT_TIMEOUT_S, timeout_s=_TIMEOUT_S)


def _aside(detail: str) -> str:
    return f" ({detail})" if detail else ""


# Commands.


async def _keys_create(administration: Administration, options: argparse.Namespace) -> list[Line]:
    limits = Limits(
        day_nano=options.day_usd,
        month_nano=options.month_usd,
        day_tokens=options.day_tokens,
        month_tokens=options.month_tokens,
        rpm=options.rpm,
        tpm=options.tpm,
    )
    grant = KeyRecord(
        project_id=options.project,
        digest="",
        user_id=options.user,
        admin=options.admin,
        groups=options.groups,
        tools=options.tools,
        api_base_hosts=tuple(options.api_base_host),
        limits=limits,
    )
    return [await administration.create_key(grant)]


async def _keys_list(administration: Administration, options: argparse.Namespace) -> list[Line]:
    return await administration.list_keys(options.project)


async def _keys_revoke(administration: Administration, options: argparse.Namespace) -> list[Line]:
    return [await administration.revoke_key(options.id)]


async def _budgets_set(administration: Administration, options: argparse.Namespace) -> list[Line]:
    asked: dict[str, _Limit | None] = {
        "day_nano": options.day_usd,
        "month_nano": options.month_usd,
        "day_tokens": options.day_tokens,
        "month_tokens": options.month_tokens,
    }
    changes = {name: limit.value for name, limit in asked.items() if limit is not None}
    return [await administration.set_budget(options.project, options.user, changes)]


async def _usage_reconcile(administration: Administration, options: argparse.Namespace) -> list[Line]:
    if options.release is None:
        if options.charge_usd or options.charge_tokens:
            raise InvalidRequest("A charge needs --release REQUEST.ATTEMPT.")
        return await administration.list_holds(options.project, options.month)
    request_id, attempt = options.release
    charge = Amount(options.charge_usd, options.charge_tokens)
    return [await administration.release_hold(options.project, options.month, request_id, attempt, charge)]


# Arguments.


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="gateway",
        description="Keys, budgets and holds of the store at UPSTASH_REDIS_REST_URL, and documents of configuration.",
    )
    areas = parser.add_subparsers(required=True, metavar="AREA")
    keys = areas.add_parser("keys", help="virtual keys").add_subparsers(required=True, metavar="ACTION")
    _add_keys_create(keys.add_parser("create", help="make a key; its secret is shown once"))
    _add_keys_list(keys.add_parser("list", help="list a project's keys"))
    _add_keys_revoke(keys.add_parser("revoke", help="take a key's rights away, at once"))
    budgets = areas.add_parser("budgets", help="hard limits").add_subparsers(required=True, metavar="ACTION")
    _add_budgets_set(budgets.add_parser("set", help="change limits of a project or user; those not named stay"))
    usage = areas.add_parser("usage", help="money in doubt").add_subparsers(required=True, metavar="ACTION")
    _add_usage_reconcile(usage.add_parser("reconcile", help="list what is held, or release one hold"))
    config = areas.add_parser("config", help="documents of configuration").add_subparsers(
        required=True, metavar="ACTION"
    )
    _add_config_check(config.add_parser("check", help="say whether it is valid, without using it; needs no store"))
    return parser


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
    parser.add_argument("--user", default="", help="bind the key to this user")
    parser.add_argument("--admin", action="store_true", help="may name any project")
    parser.add_argument("--groups", type=_names, default=(), metavar="A,B", help="model groups (default: all)")
    parser.add_argument("--tools", type=_names, default=(), metavar="A,B", help="MCP tools (default: all)")
    parser.add_argument("--day-usd", type=_usd, metavar="X")
    parser.add_argument("--month-usd", type=_usd, metavar="X")
    parser.add_argument("--day-tokens", type=_count, metavar="N")
    parser.add_argument("--month-tokens", type=_count, metavar="N")
    parser.add_argument("--rpm", type=_rate, metavar="N", help="requests a minute")
    parser.add_argument("--tpm", type=_rate, metavar="N", help="tokens a minute")
    parser.add_argument(
        "--api-base-host", type=_host, action="append", default=[], metavar="H", help="may be repeated (default: none)"
    )
    parser.set_defaults(command=_keys_create)


def _add_keys_list(parser: argparse.ArgumentParser) -> None:
    _add_project(parser)
    parser.set_defaults(command=_keys_list)


def _add_keys_revoke(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("id", metavar="ID", help="as `keys create` and `keys list` show it")
    parser.set_defaults(command=_keys_revoke)


def _add_budgets_set(parser: argparse.ArgumentParser) -> None:
    _add_project(parser)
    parser.add_argument("--user", default="", help="the limits of this user of the project")
    for name, convert, unit in (
        ("--day-usd", _usd, "X"),
        ("--month-usd", _usd, "X"),
        ("--day-tokens", _count, "N"),
        ("--month-tokens", _count, "N"),
    ):
        parser.add_argument(name, type=_liftable(convert), metavar=unit, help="or 'none' to lift the limit")
    parser.set_defaults(command=_budgets_set)


def _add_usage_reconcile(parser: argparse.ArgumentParser) -> None:
    _add_project(parser)
    parser.add_argument("--month", type=_month, metavar="YYYYMM", help="of the request, in UTC (default: this month)")
    parser.add_argument("--release", type=_hold, metavar="REQUEST.ATTEMPT", help="no longer hold money for it")
    parser.add_argument("--charge-usd", type=_usd, default=0, metavar="X", help="spend this instead (default: 0)")
    parser.add_argument("--charge-tokens", type=_count, default=0, metavar="N")
    parser.set_defaults(command=_usage_reconcile)


def _add_project(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--project", type=_project, required=True, metavar="ID", help="a-z, 0-9 and -, up to 32")


@dataclass(frozen=True, slots=True)
class _Limit:
    """A limit that was named; None lifts it."""

    value: int | None


def _liftable(convert: Callable[[str], int]) -> Callable[[str], _Limit]:
    return lambda text: _Limit(None if text == "none" else convert(text))


def _usd(text: str) -> int:
    """Nano-USD."""
    try:
        value = Decimal(text)
    except InvalidOperation:
        raise argparse.ArgumentTypeError(f"{text!r} is not an amount of USD") from None
    # Compared before it is scaled: an exponent may be astronomic.
    if not value.is_finite() or not 0 <= value <= Decimal(MAX_AMOUNT).scaleb(-NANO_DIGITS):
        raise argparse.ArgumentTypeError(f"{text!r} is not between 0 and 9007199 USD")
    if int(value.as_tuple().exponent) < -NANO_DIGITS:
        raise argparse.ArgumentTypeError(f"{text!r} has more than {NANO_DIGITS} decimals")
    return int(value.scaleb(NANO_DIGITS))


def _count(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or int(text) > MAX_AMOUNT:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number between 0 and {MAX_AMOUNT}")
    return int(text)


def _rate(text: str) -> int:
    if not (rate := _count(text)):
        raise argparse.ArgumentTypeError("0 would let nothing pass; leave it out for no limit")
    return rate


def _names(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(","))
    if not all(names):
        raise argparse.ArgumentTypeError(f"{text!r} has an empty name")
    return names


def _host(text: str) -> str:
    host = text.lower()
    if not _HOST.fullmatch(host):
        raise argparse.ArgumentTypeError(f"{text!r} is not a host name; leave out scheme, port and path")
    return host


def _project(text: str) -> str:
    if not PROJECT_ID.fullmatch(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a project: up to 32 of a-z, 0-9 and -")
    return text


def _month(text: str) -> str:
    if not _MONTH.fullmatch(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a month like 202611")
    return text


def _hold(text: str) -> tuple[str, int]:
    match = _HOLD.fullmatch(text)
    if not match:
        raise argparse.ArgumentTypeError(f"{text!r} is not REQUEST.ATTEMPT, as the list shows it")
    return match[1], int(match[2])
