"""The options of reports: what was used, and a month's spending."""

from __future__ import annotations

import argparse
from datetime import date

from gateway_core.cli import values
from gateway_core.cli.parsing import Actions, add_project

_GROUPS = ("day", "hour", "model", "provider", "agent", "user", "key", "session", "project")


def add_usage_report(usage: Actions) -> None:
    """The options of `gateway usage report`."""
    parser = usage.add_parser("report", help="requests, tokens and cost by day, model, agent and so on")
    add_project(parser, of="all together")
    parser.add_argument("--group-by", choices=_GROUPS, default="day", help="what each row is (default: day)")
    parser.add_argument("--start", type=_day, metavar="DAY", help="2026-11-01, UTC (default: 29 days before --end)")
    parser.add_argument("--end", type=_day, metavar="DAY", help="included (default: today)")
    for name in ("agent", "user", "model", "key"):
        parser.add_argument(f"--{name}", default="", metavar="ID", help=f"only what this {name} used")
    form = parser.add_mutually_exclusive_group()
    form.add_argument(
        "--json",
        action="store_true",
        default=argparse.SUPPRESS,
        help="as GET /v1/usage (default where no terminal reads it)",
    )
    form.add_argument("--csv", action="store_true", help="for a spreadsheet")
    parser.set_defaults(command="reporting:usage_report", over_http=False)


def add_report(areas: Actions) -> None:
    """The options of `gateway report`."""
    parser = areas.add_parser("report", help="a month's spending as a document")
    parser.add_argument("--month", type=_month, required=True, metavar="YYYY-MM", help="in UTC")
    add_project(parser, of="all")
    parser.add_argument("--html", metavar="FILE", help="write a page that can be mailed or printed (default: Markdown)")
    parser.set_defaults(command="reporting:month_report", over_http=False)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a day like 2026-11-20") from None


def _month(text: str) -> str:
    """`2026-11`, or `202611` as other commands have it."""
    month = values.month(text.replace("-", "", 1))
    date(int(month[:4]), int(month[4:]), 1)
    return month
