"""What reports have of no row: shown, so that rows add up."""

from datetime import date

import pytest

from gateway_core.access.usage_rows import report_body
from gateway_core.api.usage_reports import by_session, report_of
from gateway_core.cli.month_page import Prices, sections
from gateway_core.cli.month_report import read_month
from gateway_core.domain.caller import Limits
from gateway_core.store.report_query import ReportQuery
from gateway_core.store.virtual_keys import KeyRecord
from tests.contract.desk import DAY, DIGEST, MONTH, Desk

TODAY = date(2026, 11, 20)


@pytest.fixture
async def used(store):
    """A request of an agent, and two of none."""
    desk = await Desk(store).open()
    for number, agent in enumerate(("bot", "", "")):
        desk.agent = agent
        await desk.call(f"r{number}", charge_nano=5, charge_tokens=6)
    return store


async def test_requests_without_an_agent_are_the_rest(used):
    """Rows and rest are the totals, in every number."""
    query = ReportQuery(TODAY, TODAY, "agent")
    found = await report_of(used, query, "alpha")
    assert [name for name, _ in found.rows] == ["bot"]
    assert found.rest.requests == 2
    assert sum((counted for _, counted in found.rows), found.rest) == found.totals
    assert report_body(query, found)["rest"]["requests"] == 2


@pytest.mark.parametrize("group_by", ["day", "hour", "key", "model"])
async def test_where_rows_have_all_there_is_no_rest(used, group_by):
    """No member of the answer, and no row of a table."""
    query = ReportQuery(TODAY, TODAY, group_by)
    found = await report_of(used, query, "alpha")
    assert found.rest is None
    assert "rest" not in report_body(query, found)


async def test_requests_without_a_session_are_the_rest(used):
    """Also where a report is made from records."""
    found = await by_session(used, ReportQuery(TODAY, TODAY, "session"), "alpha")
    assert (found.rows, found.rest) == ((), found.totals)


async def test_a_month_names_its_keys(store):
    """By what they are called, and their ids: in the rows of use, and in those of budgets."""
    await store.put_key(KeyRecord("alpha", DIGEST, name="ann's | laptop", limits=Limits(month_nano=700)))
    key = await store.find_key("alpha", DIGEST)
    await Desk(store, tag=key.rights_tag, key_id=key.id).call("r1", charge_nano=5)
    report = await read_month(store, MONTH, ["alpha"])
    tables = {section.title: section.table for section in sections(report, DAY, Prices((), "", ""))}
    named = f"ann's | laptop ({key.id})"
    assert [row[0] for row in tables["By key"].rows] == [named, "Sum"]
    assert [row[0] for row in tables["Budgets"].rows] == [f"key {named} of alpha"]


async def test_a_key_without_a_name_has_its_id(store):
    """As before it could have one."""
    desk = await Desk(store).open()
    await desk.call("r1", charge_nano=5)
    report = await read_month(store, MONTH, ["alpha"])
    assert report.key_title(desk.key_id) == desk.key_id
