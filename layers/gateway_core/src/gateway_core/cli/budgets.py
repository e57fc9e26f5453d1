"""`gateway budgets`: hard limits of projects and users, and what is left of them."""

from __future__ import annotations

import argparse
from collections.abc import Mapping

from gateway_core.cli.answers import Answer
from gateway_core.cli.desk import opened_desk
from gateway_core.cli.keys import LIMITS, changed_limits
from gateway_core.cli.streaming import listed

BUDGETS = {name: field for name, field in LIMITS.items() if name not in {"rpm", "tpm"}}
_SET = ("project", "user", *BUDGETS)
_SHOWN = ("project", "scope", "period", "spent_usd", "held_usd", "estimated_usd", "limit_usd", "left_usd",
          "spent_tokens", "held_tokens", "limit_tokens", "left_tokens")  # fmt: skip


async def change(options: argparse.Namespace, environ: Mapping[str, str]) -> Answer:
    """All limits as they are then."""
    async with opened_desk(options, environ) as desk:
        line = await desk.set_budget(options.project, options.user or "", changed_limits(options, BUDGETS))
    return Answer([line], _SET)


async def show(options: argparse.Namespace, environ: Mapping[str, str]) -> Answer:
    of = f" of project {options.project}" if options.project else ""
    table = Answer(columns=_SHOWN, empty=f"there are no budgets and no spending{of}")
    async with opened_desk(options, environ) as desk:
        return await listed(options, desk.budget_pages(options.project, options.user), table)
