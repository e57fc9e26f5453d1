"""What each command asks of the administration, and the lines that it answers."""

from __future__ import annotations

import argparse
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from gateway_core.access.administration import Administration, Line
from gateway_core.domain.caller import Limits
from gateway_core.domain.errors import InvalidRequest
from gateway_core.store.budget import Amount
from gateway_core.store.virtual_keys import KeyRecord

type Command = Callable[[Administration, argparse.Namespace], Awaitable[list[Line]]]


@dataclass(frozen=True, slots=True)
class LimitChange:
    """A limit that was named; None lifts it."""

    value: int | None


async def keys_create(administration: Administration, options: argparse.Namespace) -> list[Line]:
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
        models=options.models,
        limits=limits,
    )
    return [await administration.create_key(grant)]


async def keys_list(administration: Administration, options: argparse.Namespace) -> list[Line]:
    return await administration.list_keys(options.project)


async def keys_revoke(administration: Administration, options: argparse.Namespace) -> list[Line]:
    return [await administration.revoke_key(options.id)]


async def budgets_set(administration: Administration, options: argparse.Namespace) -> list[Line]:
    asked: dict[str, LimitChange | None] = {
        "day_nano": options.day_usd,
        "month_nano": options.month_usd,
        "day_tokens": options.day_tokens,
        "month_tokens": options.month_tokens,
    }
    changes = {name: limit.value for name, limit in asked.items() if limit is not None}
    return [await administration.set_budget(options.project, options.user, changes)]


async def usage_reconcile(administration: Administration, options: argparse.Namespace) -> list[Line]:
    if options.release is None:
        if options.charge_usd or options.charge_tokens:
            raise InvalidRequest("A charge needs --release REQUEST.ATTEMPT.")
        return await administration.list_holds(options.project, options.month)
    request_id, attempt = options.release
    charge = Amount(options.charge_usd, options.charge_tokens)
    return [await administration.release_hold(options.project, options.month, request_id, attempt, charge)]
