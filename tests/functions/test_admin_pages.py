"""/admin/budgets in pages, and the command line that follows pages of a gateway."""

import argparse
import io
import json
import sys

import pytest

from gateway_core.cli.answers import Answer, CommandError
from gateway_core.cli.output import rendered
from gateway_core.cli.remote_desk import RemoteDesk
from gateway_core.cli.streaming import gathered, listed
from tests.functions.admin import admin_world, client_of, made


@pytest.fixture
async def admin():
    async with client_of(admin_world()) as http:
        yield http


async def test_a_page_says_where_the_next_one_begins(admin):
    """`limit` counts scopes, of which each has two lines; the last page has no cursor."""
    await made(admin)
    for user in ("ann", "bob"):
        await admin.put("/admin/budgets", json={"project_id": "alpha", "user_id": user, "day_usd": 1})
    seen, cursor = [], ""
    while cursor is not None:
        asked = {"project_id": "alpha", "limit": 2, "cursor": cursor}
        page = (await admin.get("/admin/budgets", params=asked)).json()
        seen.append([row["scope"] for row in page["budgets"]])
        cursor = page["next_cursor"]
    assert [len(page) for page in seen] == [4, 4]
    assert seen[0][0] == "p"
    assert seen[1][-1] == "u:bob"


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("cursor=nothing", "cursor"),
        ("cursor=alpha", "cursor"),
        ("cursor=beta:p", "cursor"),
        ("cursor=alpha:x:ann", "cursor"),
        ("cursor=ALPHA:p", "cursor"),
        (f"cursor=alpha:u:{'x' * 400}", "cursor"),
        ("limit=0", "limit"),
        ("limit=501", "limit"),
        ("limit=1e3", "limit"),
    ],
)
async def test_what_is_no_page_is_refused(admin, query, field):
    """With the field, as everywhere."""
    await made(admin)
    answer = await admin.get(f"/admin/budgets?project_id=alpha&{query}")
    assert (answer.status_code, answer.json()["error"]["param"]) == (422, field)


class Circling:
    """A gateway whose every page names the same next one."""

    def __init__(self):
        self.calls = 0

    async def call(self, *_asked, **_more):
        self.calls += 1
        return {"keys": [{"id": "key_alpha_0123456789abcdef"}], "next_cursor": "key_alpha_0123456789abcdef"}


async def test_pages_that_lead_in_a_circle_end():
    """The command line fails instead of asking for ever."""
    gateway = Circling()
    with pytest.raises(CommandError, match="lead in a circle"):
        await gathered(RemoteDesk(gateway).key_pages("alpha"))
    assert gateway.calls == 2


class Terminal(io.StringIO):
    def __init__(self, *, terminal):
        super().__init__()
        self._terminal = terminal

    def isatty(self):
        return self._terminal


async def _pages(seen, out):
    for number in range(3):
        seen.append(out.getvalue().count("\n"))
        yield [{"id": f"{number}"}]


@pytest.mark.parametrize(("terminal", "as_json"), [(False, False), (True, True)])
async def test_programs_read_each_page_as_it_comes(monkeypatch, terminal, as_json):
    """What one page has is printed before the next is asked for."""
    out, seen = Terminal(terminal=terminal), []
    monkeypatch.setattr(sys, "stdout", out)
    answer = await listed(argparse.Namespace(json=as_json), _pages(seen, out), Answer(empty="nothing"))
    assert seen == [0, 1, 2]
    assert [json.loads(line)["id"] for line in out.getvalue().splitlines()] == ["0", "1", "2"]
    assert (answer.lines, answer.empty) == ((), "")


async def test_a_table_has_all_pages(monkeypatch):
    """Its columns are as wide as the widest cell of all."""
    out, seen = Terminal(terminal=True), []
    monkeypatch.setattr(sys, "stdout", out)
    answer = await listed(argparse.Namespace(json=False), _pages(seen, out), Answer(columns=("id",)))
    assert [*rendered(answer, terminal=True)] == ["ID", " 0", " 1", " 2"]


async def test_an_empty_list_says_so(monkeypatch):
    """On stderr, as the answer's note, also where a program reads."""

    async def pages():
        yield []

    monkeypatch.setattr(sys, "stdout", Terminal(terminal=False))
    answer = await listed(argparse.Namespace(json=False), pages(), Answer(empty="there are none"))
    assert answer.empty == "there are none"
