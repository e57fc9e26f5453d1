"""What providers billed, in Upstash: a value for each provider and day, replaced whole."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from functools import partial
from itertools import batched

from gateway_core.adapters.upstash.client import Client
from gateway_core.adapters.upstash.reading import done, named, read, values
from gateway_core.domain.times import day_key
from gateway_core.store.invoices import InvoiceDay, pack_invoice, parse_invoice

_PAGE = 100


async def put(client: Client, found: Sequence[InvoiceDay], kept_ms: int) -> None:
    """Keep them for so long."""
    for one in found:
        key = _key(one.provider, one.day)
        await done("answer of put_invoices", client.execute("SET", key, pack_invoice(one), "PX", kept_ms))


async def get(client: Client, providers: Sequence[str], days: Sequence[date]) -> list[InvoiceDay]:
    """What is kept of these."""
    wanted = [(name, day) for day in days for name in providers]
    found: list[InvoiceDay] = []
    for some in batched(wanted, _PAGE):
        asked = client.execute("MGET", *(_key(*one) for one in some))
        texts = await read("invoices", asked, partial(values, count=len(some)))
        found += [_parse(*one, text) for one, text in zip(some, texts, strict=True) if text is not None]
    return found


def _key(provider: str, day: date) -> str:
    return f"inv:{provider}:{day_key(day)}"


def _parse(provider: str, day: date, text: str) -> InvoiceDay:
    with named(f"invoice {provider} {day.isoformat()}"):
        return parse_invoice(provider, day, text)
