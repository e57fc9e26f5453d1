"""The memory store: all parts over one state."""

from __future__ import annotations

from collections.abc import Mapping

from gateway_core.adapters.memory.answers import MemoryAnswers
from gateway_core.adapters.memory.books import MemoryBooks
from gateway_core.adapters.memory.invoices import MemoryInvoices
from gateway_core.adapters.memory.jobs import MemoryJobs
from gateway_core.adapters.memory.keys import MemoryKeys
from gateway_core.adapters.memory.ledger import MemoryLedger
from gateway_core.adapters.memory.probes import MemoryProbes
from gateway_core.adapters.memory.state import State
from gateway_core.ports import Store
from gateway_core.store.estimates import LEAST_WAIT_MS
from gateway_core.store.placement import FIRST


class MemoryStore(MemoryLedger, MemoryAnswers, MemoryKeys, MemoryProbes, MemoryBooks, MemoryJobs, MemoryInvoices):
    """Implements the port `Store` for one process. `unconfirmed_after_ms`: see `HoldBook`."""

    def __init__(self, *, unconfirmed_after_ms: int = LEAST_WAIT_MS) -> None:
        super().__init__(State(), unconfirmed_after_ms)

    @property
    def databases(self) -> Mapping[str, Store]:
        return {FIRST: self}

    async def close(self) -> None:
        """Nothing to release."""
