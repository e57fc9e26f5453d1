"""Reports and records as CSV and as a JSON object a line."""

import csv
import io
import json

import pytest

from gateway_core.access.csv_text import csv_text
from gateway_core.store.counters import Counters
from tests.functions.test_usage_route import complete

FORMULAS = ["=1+1", "+1", "-2", "@SUM(A1)", " =1", "＝1"]  # noqa: RUF001 - as Excel takes it


def read(answer):
    assert answer.headers["content-type"].startswith("text/csv; charset=utf-8"), answer.text
    assert answer.text.endswith("\r\n")
    return list(csv.DictReader(io.StringIO(answer.content.decode(), newline="")))


@pytest.mark.parametrize(
    ("accept", "query", "kind"),
    [
        ("text/csv", {}, "text/csv; charset=utf-8; header=present"),
        ("*/*", {"format": "csv"}, "text/csv; charset=utf-8; header=present"),
        ("text/csv", {"format": "json"}, "application/json"),
        ("application/json, text/csv;q=0.5", {}, "application/json"),
        ("text/html, text/csv;q=0.9, application/json;q=0.1", {}, "text/csv; charset=utf-8; header=present"),
        ("text/csv;q=0, */*", {}, "application/json"),
        ("text/csv;q=many", {}, "application/json"),
        ("application/x-ndjson; charset=utf-8", {}, "application/jsonl"),
        ("image/png", {}, "application/json"),
    ],
)
async def test_the_form_is_the_one_that_was_asked_for(client, accept, query, kind):
    """The query goes first, then `Accept` with its weights; JSON is what everybody else gets."""
    for path in ("/v1/usage", "/v1/usage/records"):
        answer = await client.get(path, params=query, headers={"accept": accept})
        assert (answer.status_code, answer.headers["content-type"], answer.headers["vary"]) == (200, kind, "Accept")


async def test_a_report_as_csv_has_the_rows_of_the_report(client):
    """Under a file's name, with the same figures; a day without requests has empty cells."""
    await complete(client, agent_id="bot")
    await complete(client, agent_id='a "b", c;=d')
    asked = {"group_by": "agent"}
    rows = (await client.get("/v1/usage", params=asked)).json()["rows"]
    answer = await client.get("/v1/usage", params={**asked, "format": "csv"})
    found = read(answer)
    assert [row["agent_id"] for row in found] == [row["agent_id"] for row in rows]
    for row, shown in zip(rows, found, strict=True):
        assert {name: shown[name] for name in ("cost_usd", "cost_per_success_usd", "requests")} == {
            "cost_usd": row["cost_usd"],
            "cost_per_success_usd": row["cost_per_success_usd"],
            "requests": str(row["requests"]),
        }
        assert (shown["latency_ms_p95"], shown["downgraded"]) == (str(row["latency_ms"]["p95"]), "")
    disposition = 'attachment; filename="usage-by-agent-2026-10-22-2026-11-20.csv"'
    assert answer.headers["content-disposition"] == disposition


@pytest.mark.parametrize("name", FORMULAS)
async def test_names_are_no_formulas(client, name):
    """What a spreadsheet would compute begins with an apostrophe; JSON says what it was."""
    await complete(client, agent_id=name)
    (row,) = (await client.get("/v1/usage", params={"group_by": "agent"})).json()["rows"]
    (shown,) = read(await client.get("/v1/usage", params={"group_by": "agent", "format": "csv"}))
    assert (row["agent_id"], shown["agent_id"]) == (name, f"'{name}")


def test_numbers_stay_numbers():
    """What was taken back is negative, and no formula; a text that looks like it is one."""
    rows = [{"cost_usd": "-0.5", "n": -1, "ok": False, "agent": "-0.5", "none": None, "model": "\t=1"}]
    (line,) = csv_text(["cost_usd", "n", "ok", "agent", "none", "model"], rows).splitlines()[1:]
    assert line == '-0.5,-1,false,"\'-0.5",,"\'\t=1"'


async def test_records_as_tables(client):
    """A page of them: the cursor that goes on is in a header."""
    for agent in ("a", "b", "é"):
        await complete(client, agent_id=agent)
    first = await client.get("/v1/usage/records", params={"limit": 2, "format": "csv"})
    assert [row["agent_id"] for row in read(first)] == ["a", "b"]
    query = {"limit": 2, "format": "ndjson", "cursor": first.headers["x-gateway-next-cursor"]}
    rest = await client.get("/v1/usage/records", params=query)
    (record,) = map(json.loads, rest.text.splitlines())
    assert (record["agent_id"], "x-gateway-next-cursor" in rest.headers) == ("é", False)
    assert first.headers["content-disposition"] == 'attachment; filename="records-alpha-2026-11-20.csv"'
    whole = (await client.get("/v1/usage/records")).json()["records"]
    assert set(read(first)[0]) == set(whole[0])
    assert record == whole[2]


async def test_what_is_refused_is_no_table(client):
    """Errors are told in the gateway's own form, whatever was asked for."""
    answer = await client.get("/v1/usage", params={"format": "xls"}, headers={"accept": "text/csv"})
    assert (answer.status_code, answer.json()["error"]["param"]) == (422, "format")


def test_cost_per_success():
    """What all requests cost, by those that succeeded, to the nearest nano-USD; nothing where none did."""
    assert Counters(requests=4, errors=1, cost_nano=20).cost_per_success_nano == 7
    assert Counters(requests=3, errors=1, cost_nano=-3).cost_per_success_nano == -1
    assert Counters(requests=2, errors=2, cost_nano=20).cost_per_success_nano is None
    assert Counters().cost_per_success_nano is None
