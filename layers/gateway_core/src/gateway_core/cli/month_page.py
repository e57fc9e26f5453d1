"""A month's report as a document: what is in it, for Markdown and HTML alike. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from gateway_core.cli.month_report import MonthReport, ProjectMonth
from gateway_core.domain.chat import Model
from gateway_core.domain.cost import NANO_PER_USD, usd
from gateway_core.store.counters import Counters
from gateway_core.store.records import BudgetLine
from gateway_core.store.report_query import GroupBy

_TITLES: tuple[tuple[GroupBy, str, str], ...] = (
    ("project", "By project", "Project"),
    ("model", "By model", "Model"),
    ("provider", "By provider", "Provider"),
    ("key", "By key", "Key"),
    ("day", "By day (UTC)", "Day"),
)
_COUNTED = ("Requests", "Failed", "Input tokens", "Output tokens", "Cost (USD)", "Of it estimated", "Share")
_PER_MILLION = 1_000_000
_ESTIMATED = "≈"
"""Before an amount of which a part is an estimate."""


@dataclass(frozen=True, slots=True)
class Table:
    """The first column is text, the others are numbers; the last row is a sum where `has_sum`."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    has_sum: bool = False


@dataclass(frozen=True, slots=True)
class Section:
    """A heading with what is below it: sentences, then a table."""

    title: str
    texts: tuple[str, ...] = ()
    table: Table | None = None


@dataclass(frozen=True, slots=True)
class Prices:
    """The list prices in force when the report was made, and which list they are (the hash that begins its SHA-256)."""

    models: Sequence[Model]
    list_hash: str
    list_date: str


def title_of(report: MonthReport) -> str:
    return f"LLM usage in {report.start:%B %Y}"


def sections(report: MonthReport, made_at: str, prices: Prices) -> Iterator[Section]:
    """All of the document, in order. `made_at` says when, for the reader."""
    yield _summary(report, made_at)
    for part, title, column in _TITLES:
        rows = report.rows(part)
        if rows:
            shown = [(report.key_title(name) if part == "key" else name, counted) for name, counted in rows]
            yield Section(title, _missing(report, rows), _counted(column, shown, report.totals))
    yield _budgets(report)
    yield _prices(report, prices)


def _summary(report: MonthReport, made_at: str) -> Section:
    totals = report.totals
    names = ", ".join(one.project_id for one in report.projects) or "none had a request"
    per_success = totals.cost_per_success_nano
    each = "" if per_success is None else f"; {usd(per_success)} USD for each that succeeded"
    texts = [
        (
            f"Days {report.start.isoformat()} to {report.end.isoformat()} (UTC), as the books were on {made_at}. "
            f"Projects: {names}."
        ),
        f"Spent: {usd(totals.cost_nano)} USD for {totals.requests} requests, of which {totals.errors} failed{each}.",
        (
            f"Of that, {usd(totals.estimated_nano)} USD are estimates: amounts that no provider reported, marked "
            f"{_ESTIMATED} below. They are replaced when the real amount becomes known."
        ),
        _check(report),
    ]
    if report.held_nano:
        texts.append(f"Held beside that, for requests that have not ended: {usd(report.held_nano)} USD.")
    return Section("Summary", tuple(texts))


def _check(report: MonthReport) -> str:
    wrong = [one for one in report.projects if one.difference_nano]
    if not wrong:
        return f"Checked: the accounts of the budgets have {usd(report.spent_nano)} USD, the same to the nano-USD."
    told = "; ".join(f"{one.project_id} by {usd(one.difference_nano)} USD" for one in wrong)
    return f"WARNING: the accounts of the budgets differ from these sums: {told}. Ask the gateway's operator."


def _missing(report: MonthReport, rows: Iterable[tuple[str, Counters]]) -> tuple[str, ...]:
    """A request has no model if it was refused before one was chosen."""
    rest = report.totals.cost_nano - sum(counted.cost_nano for _name, counted in rows)
    return (f"In none of these rows: {usd(rest)} USD.",) if rest else ()


def _counted(column: str, rows: Sequence[tuple[str, Counters]], totals: Counters) -> Table:
    shown = [_row(name, counted, totals) for name, counted in rows]
    return Table((column, *_COUNTED), (*shown, _row("Sum", totals, totals)), has_sum=True)


def _row(name: str, counted: Counters, totals: Counters) -> tuple[str, ...]:
    share = f"{100 * counted.cost_nano / totals.cost_nano:.1f} %" if totals.cost_nano else ""
    mark = f"{_ESTIMATED} " if counted.estimated_nano else ""
    return (
        name or "(none)",
        str(counted.requests),
        str(counted.errors),
        str(counted.input_tokens),
        str(counted.output_tokens),
        mark + usd(counted.cost_nano),
        usd(counted.estimated_nano) if counted.estimated_nano else "",
        share,
    )


def _budgets(report: MonthReport) -> Section:
    limited = [
        (_owner(report, one, line.scope), line)
        for one in report.projects
        for line in one.budgets
        if line.limit_nano is not None
    ]
    text = "Limits of a month as they are set today, against what was spent in this one."
    if not limited:
        return Section("Budgets", ("No project, key or user above has a limit of USD a month.",))
    columns = ("Whose", "Limit (USD)", "Spent (USD)", "Of it estimated", "Held (USD)", "Left (USD)", "Used")
    return Section("Budgets", (text,), Table(columns, tuple(_budget(*each) for each in limited)))


def _owner(report: MonthReport, project: ProjectMonth, scope: str) -> str:
    kind, _, name = scope.partition(":")
    if kind == "p":
        return f"project {project.project_id}"
    whose = f"key {report.key_title(name)}" if kind == "k" else f"user {name}"
    return f"{whose} of {project.project_id}"


def _budget(whose: str, line: BudgetLine) -> tuple[str, ...]:
    limit = line.limit_nano or 0
    return (
        whose,
        usd(limit),
        usd(line.spent_nano),
        usd(line.estimated_nano) if line.estimated_nano else "",
        usd(line.held_nano),
        usd(limit - line.spent_nano - line.held_nano),
        f"{100 * line.spent_nano / limit:.1f} %" if limit else "",
    )


def _prices(report: MonthReport, prices: Prices) -> Section:
    named = {name for name, _counted in report.rows("model")}
    rows = [_price(model) for model in sorted(prices.models, key=lambda one: one.key) if model.key in named]
    texts = (
        (
            "A request costs its tokens as the provider reported them, times the list price of the model that "
            "answered, rounded once to the nano-USD; what failed attempts were billed is in it."
        ),
        (
            f"The prices below are those in force when this page was made (list {prices.list_hash or 'unknown'} of "
            f"{prices.list_date or 'unknown date'}). Each record of a request has the hash of the list that it was "
            "priced by, for 30 days. Longer inputs, service tiers and audio may have prices of their own."
        ),
    )
    columns = ("Model", "Input", "Cached input", "Cache write", "Output", "Source")
    if not rows:
        return Section("How prices came about", texts)
    return Section("How prices came about", (*texts, "USD per million tokens:"), Table(columns, tuple(rows)))


def _price(model: Model) -> tuple[str, ...]:
    price = model.price
    listed = (price.input, price.cached_input, price.cache_write, price.output)
    return (model.key, *(f"{(one * _PER_MILLION / NANO_PER_USD).normalize():f}" for one in listed), price.source)
