"""`gateway keys`: made, listed, changed, given a new secret, revoked."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from gateway_core.adapters.clock import SystemClock
from gateway_core.cli.answers import Answer, Line, UsageError
from gateway_core.cli.desk import opened_desk
from gateway_core.cli.streaming import listed
from gateway_core.cli.values import Expiry, Setting
from gateway_core.domain.caller import Limits
from gateway_core.store.virtual_keys import KeyRecord

COLUMNS = ("id", "name", "user", "admin", "groups", "models", "tools", "day_usd", "month_usd", "day_tokens",
           "month_tokens", "rpm", "tpm", "spent_today", "spent_month", "last_used", "expires", "revoked")  # fmt: skip
RIGHTS = {"name": "name", "groups": "groups", "models": "models", "tools": "tools", "api_base_host": "api_base_hosts"}
GRANTS = {"groups", "models", "tools"}
LIMITS = {
    "day_usd": "day_nano",
    "month_usd": "month_nano",
    "day_tokens": "day_tokens",
    "month_tokens": "month_tokens",
    "rpm": "rpm",
    "tpm": "tpm",
}
"""Options, by the fields of `Limits`."""
_MADE = """\
{key}

This is the only time that it is shown. To use it:
  export GATEWAY_KEY={key}
Its id, for `gateway keys show`, `update`, `rotate` and `revoke`: {id}"""
_ROTATED = """\
{key}

This is the only time that it is shown. Older secrets of {id} are good until {old_secret_ends_at}. To use it:
  export GATEWAY_KEY={key}"""


async def create(options: argparse.Namespace, environ: Mapping[str, str]) -> Answer:
    named = {field: getattr(options, name) for name, field in RIGHTS.items()}
    given: dict[str, Any] = {field: _right(value) for field, value in named.items() if value is not None}
    limits = Limits(**{field: getattr(options, name) for name, field in LIMITS.items()})
    expires_ms = _moment_ms(options.expires)
    blank = KeyRecord(options.project, "", options.user or "", options.admin, limits=limits, expires_ms=expires_ms)
    async with opened_desk(options, environ, grants=bool(GRANTS & given.keys())) as desk:
        made = await desk.create_key(replace(blank, **given))
    return Answer([made], text=_MADE.format_map(made))


async def list_all(options: argparse.Namespace, environ: Mapping[str, str]) -> Answer:
    async with opened_desk(options, environ) as desk:
        table = Answer(columns=COLUMNS, empty=f"there are no keys in project {options.project}", row=_row)
        return await listed(options, desk.key_pages(options.project), table)


async def show(options: argparse.Namespace, environ: Mapping[str, str]) -> Answer:
    async with opened_desk(options, environ) as desk:
        return Answer([await desk.get_key(options.id)])


async def update(options: argparse.Namespace, environ: Mapping[str, str]) -> Answer:
    rights, limits = changed_rights(options), changed_limits(options, LIMITS)
    if not (rights or limits):
        raise UsageError("Name what to change. See: gateway keys update --help")
    async with opened_desk(options, environ, grants=bool(GRANTS & rights.keys())) as desk:
        return Answer([await desk.update_key(options.id, rights, limits)])


async def rotate(options: argparse.Namespace, environ: Mapping[str, str]) -> Answer:
    overlap = {} if options.overlap is None else {"overlap_s": options.overlap}
    async with opened_desk(options, environ) as desk:
        made = await desk.rotate_key(options.id, **overlap)
    return Answer([made], text=_ROTATED.format_map(made))


async def revoke(options: argparse.Namespace, environ: Mapping[str, str]) -> Answer:
    async with opened_desk(options, environ) as desk:
        return Answer([await desk.revoke_key(options.id)])


def changed_rights(options: argparse.Namespace) -> dict[str, Any]:
    """What is named of a key's rights, by the fields of `KeyRecord`."""
    named = {field: getattr(options, name) for name, field in RIGHTS.items()}
    rights = {field: _right(value) for field, value in named.items() if value is not None}
    if options.expires is not None:
        rights["expires_ms"] = _moment_ms(options.expires.value)
    if options.user is not None:
        rights["user_id"] = options.user.value or ""
    return rights if options.admin is None else {**rights, "admin": options.admin}


def changed_limits(options: argparse.Namespace, names: Mapping[str, str]) -> dict[str, int | None]:
    """What is named of limits, by the fields of `Limits`; None lifts one."""
    named: dict[str, Setting[int] | None] = {field: getattr(options, name) for name, field in names.items()}
    return {field: setting.value for field, setting in named.items() if setting is not None}


def _right(value: object) -> object:
    """A name as it is; names as a tuple, empty for `none`."""
    if isinstance(value, list):  # an option that may be repeated
        return tuple(each for one in value if (each := _right(one)) != ())
    return (value.value or ()) if isinstance(value, Setting) else value


def _moment_ms(expiry: Expiry | None) -> int | None:
    return None if expiry is None else expiry.moment_ms(SystemClock().now_ms())


def _row(line: Line) -> Line:
    """A key's line in a table: short moments, and what was spent beside its limits."""
    spent = line.get("spent")
    sums = spent if isinstance(spent, dict) else {}
    return {
        **line,
        "admin": line["admin"] or None,
        "spent_today": sums.get("day_usd"),
        "spent_month": sums.get("month_usd"),
        "expires": _minute(line.get("expires_at")),
        "revoked": _minute(line.get("revoked")),
    }


def _minute(moment: object) -> str | None:
    return f"{str(moment)[:16]}Z" if moment else None
