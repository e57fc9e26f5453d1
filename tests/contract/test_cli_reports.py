"""`gateway usage report` and `gateway report`: their figures are the store's, in every form."""

import asyncio
import csv
import io
import json
import re
import sys
from html.parser import HTMLParser

import pytest

from gateway_core.adapters.memory import MemoryStore
from gateway_core.cli.documents import html, markdown
from gateway_core.cli.main import main
from gateway_core.cli.month_page import Prices, Section, Table, sections
from gateway_core.cli.month_report import days_of, read_month
from tests.contract.desk import MONTH, Desk, candidate, settled

EVIL = "=HYPERLINK(1)|<img src=x>"
BIG = 1_000_000_007
"""Nano-USD: 1.000000007 USD, of which a float or a rounded sum would lose the last digit."""
DAYS = ("--start", "2026-11-19", "--end", "2026-11-20")


async def use(store):
    """Two projects: one has a budget and two requests, of which one is an estimate; the other a failure."""
    for project, request, nano, record in (
        ("alpha", "r1", 40, {"model": "gpt-5.1", "provider": "openai"}),
        ("alpha", "r2", BIG, {"estimated_nano": BIG, "provider": EVIL, "model": EVIL}),
        ("beta", "r3", 5, {"error_code": "provider_error"}),
    ):
        desk = await Desk(store, project).open()
        chosen = candidate(nano=BIG)
        charged = settled(await desk.admitted(request, chosen), chosen, charge_nano=nano, charge_tokens=10)
        assert await desk.settle(request, charged, input_nano=nano, output_nano=0, agent_id=EVIL, **record)
    await Desk(store).budget(month_nano=2 * BIG)


@pytest.fixture
def run(redis, capsys):
    """Runs a command over the used store; its exit code and what it prints."""

    async def fill():
        store = redis.connect()
        await use(store)
        await store.close()

    asyncio.run(fill())

    def run(*command):
        try:
            code = main(command, redis.environ())
        except SystemExit as leaving:
            code = leaving.code
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return run


def test_usage_in_each_form(run, monkeypatch):
    """The document of `GET /v1/usage`, CSV for a spreadsheet, and a table for who sits at a terminal."""
    code, out, _ = run("usage", "report", "--project", "alpha", "--group-by", "model", *DAYS)
    body = json.loads(out)
    assert (code, body["totals"]["cost_usd"], body["totals"]["estimated_usd"]) == (0, "1.000000047", "1.000000007")
    assert [row["model"] for row in body["rows"]] == [EVIL, "gpt-5.1"]
    _, out, _ = run("usage", "report", "--group-by", "model", "--csv", *DAYS)
    named = {row["model"]: row for row in csv.DictReader(io.StringIO(out))}
    assert {name: row["cost_usd"] for name, row in named.items()} == {
        f"'{EVIL}": "1.000000007",
        "claude": "0.000000005",
        "gpt-5.1": "0.00000004",
    }
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    _, out, _ = run("usage", "report", "--group-by", "project", *DAYS)
    head, *rows = (line.split() for line in out.splitlines())
    assert head[-3:] == ["COST_USD", "COST_PER_SUCCESS_USD", "LATENCY_MS_P95"]
    assert rows == [
        ["alpha", "2", "0", "0", "12", "8", "1.000000047", "0.500000024", "1000"],
        ["beta", "1", "1", "0", "6", "4", "0.000000005", "-", "1000"],
        ["Sum", "3", "1", "0", "18", "12", "1.000000052", "0.500000026", "1000"],
    ]
    _, out, _ = run("usage", "report", "--group-by", "session", "--json", *DAYS)
    assert (json.loads(out)["totals"]["requests"], json.loads(out)["unreadable"]) == (3, 0)


def test_a_month_as_markdown_and_as_a_page(run, tmp_path):
    """Both say what was spent, that the accounts agree, and what of it is an estimate."""
    code, out, _ = run("report", "--month", "2026-11")
    assert code == 0
    assert "1.000000052 USD for 3 requests, of which 1 failed" in out
    assert "Checked: the accounts of the budgets have 1.000000052 USD, the same to the nano-USD." in out
    assert "| project alpha | 2.000000014 | 1.000000047 |" in out
    assert "≈ 1.000000007" in out
    assert re.search(r"^\| gpt-5\.1 \| 1\.25 \| .* litellm", out, re.MULTILINE)
    file = tmp_path / "november.html"
    code, out, _ = run("report", "--month", "202611", "--project", "alpha", "--html", str(file))
    assert (code, json.loads(out)) == (0, {"file": str(file), "month": MONTH, "projects": 1})
    page = file.read_text()
    assert "<img" not in page and "<script" not in page  # noqa: PT018 - nothing of a caller's runs
    assert "1.000000047 USD for 2 requests" in page
    assert run("report", "--month", "2026-11", "--project", "beta", "--html", str(tmp_path))[0] == 2


@pytest.mark.parametrize(
    "wrong",
    [
        ("usage", "report", "--start", "yesterday"),
        ("usage", "report", "--start", "2026-11-20", "--end", "2026-11-19"),
        ("usage", "report", "--group-by", "planet"),
        ("usage", "report", "--group-by", "hour", "--agent", "a"),
        ("report", "--month", "2026-13"),
        ("report", "--month", "0000-01"),
        ("report",),
    ],
)
def test_what_is_wrong_is_said(run, wrong):
    """Nothing on standard output, and no trace."""
    code, out, error = run(*wrong)
    assert (code, out) == (2, "")
    assert "Traceback" not in error


async def test_books_that_are_wrong_are_told():
    """The page warns where an account has what no counter has."""
    store = MemoryStore()
    await use(store)
    beta = await Desk(store, "beta").open()
    await beta.admitted("r4", candidate(nano=100))
    right = await read_month(store, MONTH, ["alpha", "beta"])
    assert (right.spent_nano, right.totals.cost_nano, right.held_nano) == (BIG + 45, BIG + 45, 100)
    texts = next(sections(right, "today", Prices((), "", ""))).texts
    assert "Held beside that, for requests that have not ended: 0.0000001 USD." in texts
    await beta.call("r5", charge_nano=9)  # its record says 70
    wrong = await read_month(store, MONTH, ["alpha", "beta"])
    for page in (html, markdown):
        assert "WARNING" not in page("Books", sections(right, "today", Prices((), "", "")))
        told = page("Books", sections(wrong, "today", Prices((), "", "")))
        assert "WARNING: the accounts of the budgets differ from these sums: beta by" in told
        assert "0.000000061 USD" in told


async def test_a_month_without_anything_is_a_page_too():
    """It says so."""
    page = markdown("Empty", sections(await read_month(MemoryStore(), MONTH, []), "today", Prices((), "", "")))
    assert "Projects: none had a request." in page
    assert "0 USD for 0 requests" in page
    assert "No project, key or user above has a limit" in page


def test_pages_are_well_formed_whatever_callers_call_themselves():
    """Each tag that opens is closed, a cell of Markdown stays one, and a name moves no cursor of a terminal."""
    section = Section("T", ("a | b",), Table(("Name", "N"), (("<b>|\n`x`", "1"), ("Sum", "1")), has_sum=True))
    opened: list[str] = []

    class Tags(HTMLParser):
        def handle_starttag(self, tag, attrs):
            if tag != "meta":
                opened.append(tag)

        def handle_endtag(self, tag):
            assert opened.pop() == tag

    Tags().feed(html("<t>", [section]))
    assert opened == []
    assert "| \\<b\\>\\| \\`x\\` | 1 |" in markdown("t", [section])


def test_days_of_a_month():
    """The last one differs."""
    assert [days_of(month)[1].day for month in ("202402", "202602", "202611", "202612")] == [29, 28, 30, 31]
