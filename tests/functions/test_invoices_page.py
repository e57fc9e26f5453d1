"""The answer of GET /v1/invoices that docs/reports.md shows."""

import json
from datetime import UTC, date, datetime

from gateway_core.store.invoices import KEPT_MS, InvoiceDay, InvoiceLine
from tests.documents.fences import fences

CHECKED = datetime(2026, 11, 21, 3, tzinfo=UTC)
NANO = 1_000_000_000


async def test_the_documented_answer_is_what_is_said(client, world):
    """Of a day on which OpenAI bills for searches that the gateway does not know, field by field."""
    (shown,) = [
        json.loads(each.code) for each in fences() if each.page == "docs/reports.md" and each.language == "json"
    ]
    lines = (
        InvoiceLine("gpt-5.1", 119 * NANO // 10, 119 * NANO // 10),
        InvoiceLine("web search tool calls", 6 * NANO // 10, 0),
    )
    day = InvoiceDay("openai", date(2026, 11, 20), int(CHECKED.timestamp() * 1000), lines)
    await world.store.put_invoices([day], kept_ms=KEPT_MS)
    headers = {"authorization": f"Bearer {await world.key('ops', admin=True)}"}
    asked = {"start_date": shown["start_date"], "end_date": shown["end_date"]}
    answer = await client.get("/v1/invoices", params=asked, headers=headers)
    assert answer.json() == shown
