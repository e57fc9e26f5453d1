"""Long lists of keys and budgets come in pages, at each store."""

import pytest

from gateway_core.access.administration import Administration
from gateway_core.adapters.upstash import layout
from gateway_core.cli.streaming import gathered
from gateway_core.domain.caller import Limits
from gateway_core.domain.errors import InvalidRequest
from gateway_core.store.virtual_keys import KeyRecord, digest_of
from tests.contract.desk import DAY, NOON, Desk
from tests.manual_clock import ManualClock


@pytest.fixture
def office(store):
    return Administration(store, ManualClock(NOON))


async def pages_of(office, project, user=None, limit=2):
    """The scopes of each page, with their project."""
    pages, cursor = [], ""
    while cursor is not None:
        page = await office.budget_page(project, user, after=cursor, limit=limit)
        pages.append([(line["project"], line["scope"]) for line in page.lines[::2]])
        cursor = page.next_cursor
    return pages


async def test_budgets_come_in_pages(office, store):
    """Each scope once, with both of its lines: the project, then its keys and its users."""
    made = sorted([(await office.create_key(KeyRecord("alpha", "")))["id"] for _ in range(2)])
    for user in ("bob", "ann", "zoë: p"):
        await store.set_budget("alpha", user, Limits(day_nano=1))
    scopes = ["p", *(f"k:{key}" for key in made), "u:ann", "u:bob", "u:zoë: p"]
    named = [("alpha", scope) for scope in scopes]
    assert await pages_of(office, "alpha") == [named[:2], named[2:4], named[4:]]
    assert await pages_of(office, "alpha", limit=6) == [named]
    assert await pages_of(office, "alpha", "bob") == [[("alpha", "u:bob")]]
    lines = await gathered(office.budget_pages("alpha", None))
    assert [line["period"] for line in lines] == [DAY, DAY[:6]] * 6


async def test_budgets_of_all_projects_come_in_pages(office, store):
    """A page ends within a project or at its end; the next one goes on behind."""
    for project in ("alpha", "beta", "gamma"):
        await (await Desk(store, project=project).open()).admitted(f"r-{project}")
    (key,) = {scope for page in await pages_of(office, "beta") for _, scope in page if scope != "p"}
    found = await pages_of(office, None)
    assert [len(page) for page in found] == [2, 2, 2]
    assert [project for page in found for project, _ in page] == ["alpha", "alpha", "beta", "beta", "gamma", "gamma"]
    assert (await office.budget_page(None, None, after=f"beta:{key}", limit=1)).lines[0]["project"] == "gamma"


@pytest.mark.parametrize("after", ["alpha:u:nobody", "alpha:p", "alpha:k:key_alpha_0", "alpha:"])
async def test_a_cursor_need_not_be_of_a_scope_that_is_there(office, store, after):
    """What is behind it comes: a budget may be lifted between two pages."""
    await store.set_budget("alpha", "zoe", Limits(day_nano=1))
    page = await office.budget_page("alpha", None, after=after, limit=9)
    assert page.lines[-1]["scope"] == "u:zoe"


async def test_a_cursor_of_another_project_is_refused(office):
    """It would leave out some of what was asked for."""
    with pytest.raises(InvalidRequest, match="cursor: is of another project"):
        await office.budget_page("alpha", None, after="beta:p", limit=9)


async def test_of_a_page_of_keys_no_other_is_read(upstash, monkeypatch):
    """Of ten thousand only those that are shown are parsed, and one of them for the one that is asked for."""
    office = Administration(upstash, ManualClock(NOON))
    ids = [(await office.create_key(KeyRecord("alpha", "", name=str(n))))["id"] for n in range(9)]
    ordered = [line["id"] for line in await gathered(office.key_pages("alpha"))]
    read, parse = [], layout.parse_key
    monkeypatch.setattr(layout, "parse_key", lambda *stored: read.append(stored) or parse(*stored))
    page = await office.key_page("alpha", after=ordered[2], limit=2)
    assert [line["id"] for line in page.lines] == ordered[3:5]
    assert len(read) == 2
    await office.get_key(ids[4])
    assert len(read) == 3


async def test_all_secrets_of_a_key_are_found_with_it(office, store):
    """Those that a rotation added stand elsewhere, and a page counts keys."""
    first, second = [(await office.create_key(KeyRecord("alpha", "")))["id"] for _ in range(2)]
    made = await office.rotate_key(first)
    found = await store.find_keys("alpha", {first})
    assert {record.id for record in found} == {first}
    assert digest_of(made["key"]) in {record.digest for record in found}
    assert len(found) == 2
    page = await store.key_page("alpha", after="", limit=2)
    assert ({record.id for record in page.records}, len(page.records), page.has_more) == ({first, second}, 3, False)
    assert await store.key_page("alpha", after="key_alpha_0123456789abcdef", limit=1) is None
