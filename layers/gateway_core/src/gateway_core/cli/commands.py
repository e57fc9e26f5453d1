"""What each command asks of the administration, and the lines that it answers."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from gateway_core.access.administration import Administration, Line
from gateway_core.access.reconciling import Charge, Reconciling, Selection
from gateway_core.domain.caller import Limits
from gateway_core.domain.errors import InvalidRequest
from gateway_core.store.budget import NOTHING, Amount
from gateway_core.store.virtual_keys import KeyRecord

ALL = "all"
"""What `--release` without a name stands for."""
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
        name=options.name,
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


async def budgets_show(administration: Administration, options: argparse.Namespace) -> list[Line]:
    return await administration.show_budgets(options.project, options.user)


async def usage_reconcile(administration: Administration, options: argparse.Namespace) -> list[Line]:
    """One line a hold; a sum on stderr, or both in one document with `--json`."""
    work, charge = administration.reconciling, _charge(options)
    if isinstance(options.release, tuple):
        return [await _release_one(work, options, charge or NOTHING)]
    found = await work.select(Selection(options.project or "", options.month, options.state, options.older_than * 1000))
    lines = work.lines(found.holds)
    if options.release == ALL:
        if charge is None:
            raise InvalidRequest("Say what to charge for all of them: --charge known, bound or USD.")
        lines = await work.release_all(found.holds, charge, dry_run=options.dry_run)
    sums = {**work.sums(found), **({"released": len(lines)} if options.release == ALL and not options.dry_run else {})}
    if options.json:
        return [{"holds": lines, "sums": sums}]
    print(", ".join(f"{name} {value}" for name, value in sums.items()), file=sys.stderr)
    return lines


async def _release_one(work: Reconciling, options: argparse.Namespace, charge: Charge) -> Line:
    if options.project is None:
        raise InvalidRequest("Name the --project of that hold, as the list shows it.")
    return await work.release(options.project, options.month, options.release, charge, dry_run=options.dry_run)


def _charge(options: argparse.Namespace) -> Charge | None:
    """What was asked to be charged, one way or the other; None if nothing was said of it."""
    charge: Charge | None = options.charge
    amount = Amount(options.charge_usd, options.charge_tokens)
    if amount != NOTHING and charge is not None:
        raise InvalidRequest("Say what to charge once: by --charge, or by --charge-usd and --charge-tokens.")
    if options.release is None and (charge is not None or amount != NOTHING or options.dry_run):
        raise InvalidRequest("A charge needs --release: of REQUEST.ATTEMPT, or alone of all that are selected.")
    return charge if charge is not None or amount == NOTHING else amount
