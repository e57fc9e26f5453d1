"""The shared store: all parts over one REST client."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING

from gateway_core.adapters.clock import SystemClock
from gateway_core.adapters.upstash.answers import UpstashAnswers
from gateway_core.adapters.upstash.books import UpstashBooks
from gateway_core.adapters.upstash.jobs import UpstashJobs
from gateway_core.adapters.upstash.keys import UpstashKeys
from gateway_core.adapters.upstash.ledger import UpstashLedger
from gateway_core.adapters.upstash.probes import UpstashProbes
from gateway_core.adapters.upstash.rest import Deadlines, RestClient
from gateway_core.adapters.upstash.scripts import load_scripts
from gateway_core.ports import Store
from gateway_core.store.estimates import LEAST_WAIT_MS
from gateway_core.store.placement import FIRST

if TYPE_CHECKING:
    from gateway_core.store.invoices import InvoiceDay


class UpstashStore(UpstashLedger, UpstashAnswers, UpstashKeys, UpstashProbes, UpstashBooks, UpstashJobs):
    """Implements the port `Store` over the REST API at `url`. Opens no connection before its first call.

    `unconfirmed_after_ms`: see `HoldBook`. `clock` hears what the time is there.
    """

    def __init__(
        self,
        url: str,
        token: str,
        *,
        connect_timeout_s: float = 0.25,
        timeout_s: float = 0.75,
        unconfirmed_after_ms: int = LEAST_WAIT_MS,
        clock: SystemClock | None = None,
    ) -> None:
        told = {"hear": clock.hear} if clock else {}
        self._rest = RestClient(url, token, Deadlines(connect_timeout_s, timeout_s), **told)
        super().__init__(self._rest, load_scripts(), unconfirmed_after_ms)

    @property
    def databases(self) -> Mapping[str, Store]:
        return {FIRST: self}

    async def put_invoices(self, found: Sequence[InvoiceDay], *, kept_ms: int) -> None:
        from gateway_core.adapters.upstash.invoices import put  # noqa: PLC0415 - the other functions start without it

        await put(self._client, found, kept_ms)

    async def invoices(self, providers: Sequence[str], days: Sequence[date]) -> list[InvoiceDay]:
        from gateway_core.adapters.upstash.invoices import get  # noqa: PLC0415 - as above

        return await get(self._client, providers, days)

    def forget_connections(self) -> None:
        """For a process that was restored from a snapshot."""
        self._rest.forget()

    async def close(self) -> None:
        await self._client.close()
