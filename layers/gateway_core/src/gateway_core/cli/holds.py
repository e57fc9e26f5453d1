"""`gateway usage reconcile`: what is held, and releasing it."""

from __future__ import annotations

import argparse
from collections.abc import Mapping

from gateway_core.access.reconciling import Charge, Selection
from gateway_core.cli.answers import Answer, UsageError
from gateway_core.cli.desk import Desk, opened_desk
from gateway_core.cli.values import ALL
from gateway_core.store.budget import NOTHING, Amount

_COLUMNS = ("hold", "project", "state", "why", "key_id", "user_id", "hold_usd", "charged_usd", "suggested_usd", "since")
_RELEASED = ("hold", "project", "released", "charge_usd", "charge_tokens")


async def usage_reconcile(options: argparse.Namespace, environ: Mapping[str, str]) -> Answer:
    """One line a hold; a sum on stderr, or both in one document with `--json`."""
    charge = _charge(options)
    async with opened_desk(options, environ) as desk:
        if isinstance(options.release, tuple):
            of = options.project, options.month, options.release
            return Answer([await desk.release_hold(*of, charge or NOTHING, dry_run=options.dry_run)], _RELEASED)
        return await _several(desk, options, charge)


async def _several(desk: Desk, options: argparse.Namespace, charge: Charge | None) -> Answer:
    selection = Selection(options.project or "", options.month, options.state, options.older_than * 1000)
    released = charge is not None and options.release == ALL
    found = (
        await desk.release_holds(selection, charge, dry_run=options.dry_run)
        if charge is not None and released
        else await desk.show_holds(selection)
    )
    sums = {**found.sums, **({"released": len(found.lines)} if released and not options.dry_run else {})}
    if options.json:
        return Answer([{"holds": found.lines, "sums": sums}])
    more = [f"{found.left_off} more are not shown: select by project, month, state or age"] if found.left_off else []
    notes = [", ".join(f"{name} {value}" for name, value in sums.items()), *more]
    return Answer(found.lines, _RELEASED if released else _COLUMNS, notes=notes)


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
