"""`gateway usage reconcile`: what is held, and releasing it."""

from __future__ import annotations

import argparse
from collections.abc import Mapping

from gateway_core.access.reconciling import Charge, Reconciling, Selection
from gateway_core.cli.answers import Answer, Line, UsageError
from gateway_core.cli.opening import administration
from gateway_core.cli.values import ALL
from gateway_core.store.budget import NOTHING, Amount

_COLUMNS = ("hold", "project", "state", "why", "key_id", "user_id", "hold_usd", "charged_usd", "suggested_usd", "since")
_RELEASED = ("hold", "project", "released", "charge_usd", "charge_tokens")


async def usage_reconcile(options: argparse.Namespace, environ: Mapping[str, str]) -> Answer:
    """One line a hold; a sum on stderr, or both in one document with `--json`."""
    charge = _charge(options)
    async with administration(environ) as administered:
        return await _reconciled(administered.reconciling, options, charge)


async def _reconciled(work: Reconciling, options: argparse.Namespace, charge: Charge | None) -> Answer:
    if isinstance(options.release, tuple):
        return Answer([await _release_one(work, options, charge or NOTHING)], _RELEASED)
    found = await work.select(Selection(options.project or "", options.month, options.state, options.older_than * 1000))
    lines, columns = work.lines(found.holds), list(_COLUMNS)
    if options.release == ALL and charge is not None:
        lines = await work.release_all(found.holds, charge, dry_run=options.dry_run)
        columns = list(_RELEASED)
    sums = {**work.sums(found), **({"released": len(lines)} if options.release == ALL and not options.dry_run else {})}
    if options.json:
        return Answer([{"holds": lines, "sums": sums}])
    return Answer(lines, columns, notes=[", ".join(f"{name} {value}" for name, value in sums.items())])


async def _release_one(work: Reconciling, options: argparse.Namespace, charge: Charge) -> Line:
    return await work.release(options.project, options.month, options.release, charge, dry_run=options.dry_run)


def _charge(options: argparse.Namespace) -> Charge | None:
    """What was asked to be charged, one way or the other; None if nothing was said of it. Raises UsageError."""
    charge: Charge | None = options.charge
    amount = Amount(options.charge_usd, options.charge_tokens)
    if amount != NOTHING and charge is not None:
        raise UsageError("Say what to charge once: by --charge, or by --charge-usd and --charge-tokens.")
    if options.release is None and (charge is not None or amount != NOTHING or options.dry_run):
        raise UsageError("A charge needs --release: of REQUEST.ATTEMPT, or alone of all that are selected.")
    if isinstance(options.release, tuple) and options.project is None:
        raise UsageError("Name the --project of that hold, as the list shows it.")
    found = charge if charge is not None or amount == NOTHING else amount
    if options.release == ALL and found is None:
        raise UsageError("Say what to charge for all of them: --charge known, bound or USD.")
    return found
