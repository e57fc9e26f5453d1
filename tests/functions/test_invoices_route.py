"""GET /v1/invoices."""

import csv
import io
from datetime import date

import pytest

from gateway_core.store.invoices import KEPT_MS, InvoiceDay, InvoiceLine

LINES = (InvoiceLine("gpt-5.1", 30_000_000, 10_000_000), InvoiceLine("=search", 1, 2))


@pytest.fixture
async def admin(world):
    """Two days are kept, of which one is not over; headers of an admin key."""
    found = [
        InvoiceDay("openai", date(2026, 11, 19), 1_795_176_000_000, LINES),
        InvoiceDay("openai", date(2026, 11, 20), 1_795_176_000_000, LINES[:1], partial=True),
    ]
    await world.store.put_invoices(found, kept_ms=KEPT_MS)
    return {"authorization": f"Bearer {await world.key('ops', admin=True)}"}


async def test_days_and_their_lines(client, admin):
    """Amounts of both sides and how they differ; totals are of the days that are over."""
    body = (await client.get("/v1/invoices", params={"start_date": "2026-11-19"}, headers=admin)).json()
    assert (body["start_date"], body["end_date"]) == ("2026-11-19", "2026-11-20")
    sums = {"billed_usd": "0.030000001", "booked_usd": "0.010000002", "difference_usd": "0.019999999"}
    assert body["totals"] == [{"provider": "openai", **sums}]
    whole, partial = body["days"]
    assert whole == {
        "provider": "openai",
        "day": "2026-11-19",
        "partial": False,
        "differs": True,
        "checked_at": "2026-11-20T12:00:00.000Z",
        **sums,
        "lines": [
            {"name": "gpt-5.1", "billed_usd": "0.03", "booked_usd": "0.01", "difference_usd": "0.02"},
            {
                "name": "=search",
                "billed_usd": "0.000000001",
                "booked_usd": "0.000000002",
                "difference_usd": "-0.000000001",
            },
        ],
    }
    assert (partial["partial"], partial["differs"]) == (True, False)


async def test_as_a_table(client, admin):
    """A row a line, safe for spreadsheets."""
    answer = await client.get("/v1/invoices", params={"format": "csv"}, headers=admin)
    rows = list(csv.DictReader(io.StringIO(answer.text, newline="")))
    assert [(row["day"], row["name"], row["difference_usd"]) for row in rows] == [
        ("2026-11-19", "gpt-5.1", "0.02"),
        ("2026-11-19", "'=search", "-0.000000001"),
        ("2026-11-20", "gpt-5.1", "0.02"),
    ]


async def test_a_provider_and_none_that_is_known(client, admin):
    """Where nothing is kept there is nothing to show."""
    body = (await client.get("/v1/invoices", params={"provider": "anthropic"}, headers=admin)).json()
    assert (body["totals"], body["days"]) == ([], [])


@pytest.mark.parametrize(
    ("query", "status", "param"),
    [
        ({"provider": "gemini"}, 422, "provider"),
        ({"start_date": "x"}, 422, "start_date"),
        ({"start_date": "2026-11-20", "end_date": "2026-11-19"}, 422, "start_date"),
        ({"group_by": "day"}, 422, "group_by"),
    ],
)
async def test_what_is_refused(client, admin, query, status, param):
    """With the field that is at fault."""
    answer = await client.get("/v1/invoices", params=query, headers=admin)
    assert (answer.status_code, answer.json()["error"]["param"]) == (status, param)


async def test_it_is_for_admins(client, world, admin):
    """What providers bill is for all projects together."""
    assert (await client.get("/v1/invoices")).status_code == 403
    assert (await client.get("/v1/invoices", headers={"authorization": "Bearer gk_ops_x"})).status_code == 401
    tools = {"authorization": f"Bearer {await world.key('ops', admin=True, tools=('complete',))}"}
    assert (await client.get("/v1/invoices", headers=tools)).status_code == 403
