"""What providers billed, in the memory store."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from gateway_core.adapters.memory.state import Part
from gateway_core.store.invoices import InvoiceDay


class MemoryInvoices(Part):
    """Implements the port `InvoiceBook` over a `State`, which forgets nothing."""

    async def put_invoices(self, found: Sequence[InvoiceDay], *, kept_ms: int) -> None:  # noqa: ARG002 - the port's
        self._state.invoices |= {(one.provider, one.day): one for one in found}

    async def invoices(self, providers: Sequence[str], days: Sequence[date]) -> list[InvoiceDay]:
        kept = self._state.invoices
        return [kept[name, day] for day in days for name in providers if (name, day) in kept]
