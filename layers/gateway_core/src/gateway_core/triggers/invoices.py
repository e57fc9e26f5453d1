"""Compares what providers say that they bill with what was booked, day by day. It only tells.

Providers tell late: the last days are checked again each time, until they are four days old. Today is compared too, for
who looks; nothing is told of it, as neither side is complete.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import batched
from typing import Any
from urllib.parse import unquote

from gateway_core.domain.catalog import Catalog, Provider
from gateway_core.domain.cost import usd
from gateway_core.domain.credentials import Secret
from gateway_core.domain.errors import LLMError
from gateway_core.domain.provider_errors import ProviderTimeout
from gateway_core.domain.times import day_key, utc_date
from gateway_core.ports.invoices import BillingReader
from gateway_core.ports.store import Store
from gateway_core.services import Current, Services
from gateway_core.store.counters import Kind, index_field, named_field
from gateway_core.store.invoices import KEPT_MS, InvoiceDay, compare
from gateway_core.telemetry.events import OperatorEvent
from gateway_core.wires.billing import BILLED, BilledItem

DAYS = 4
"""Before today, that are checked each time."""
_TIMEOUT_S = 60.0
_AT_ONCE = 8

_KINDS: tuple[Kind, ...] = ("m", "p")

type Booked = Mapping[tuple[Kind, str, date], int]
"""Nano-USD by kind of name, name and day."""


class InvoiceChecks:
    """The check, over where its services come from, with the keys that may ask, by provider."""

    def __init__(self, source: Current[Services], reader: BillingReader, keys: Mapping[str, Secret]) -> None:
        self._source = source
        self._reader = reader
        self._keys = keys

    async def run(self, event: object) -> dict[str, Any]:
        """For a schedule. Raises StoreUnavailable, for it to try again; a provider's failure is told and no more."""
        del event  # there is nothing to choose
        checked = await self.check()
        return {"days": [[one.provider, one.day.isoformat(), usd(one.difference_nano)] for one in checked]}

    async def check(self) -> list[InvoiceDay]:
        """Compare the last days of all providers whose key is known, keep what was found, and tell of it."""
        services = self._source.now()
        providers = [one for name, one in services.settings.catalog.providers.items() if name in self._keys]
        if not providers:
            return []
        today = utc_date(services.clock.now_ms())
        days = [today - timedelta(days=ago) for ago in range(DAYS, -1, -1)]
        bills = await asyncio.gather(*(self._billed(services, provider, days) for provider in providers))
        booked = await _Books(services.store, days).read()
        found = [
            _compared(services, provider, day, bill.get(day, ()), booked)
            for provider, bill in zip(providers, bills, strict=True)
            if bill is not None
            for day in days
        ]
        await self._keep(services, found)
        return found

    async def close(self) -> None:
        """Close the store's connections; a later check opens new ones."""
        await self._source.now().store.close()

    async def _billed(
        self, services: Services, provider: Provider, days: Sequence[date]
    ) -> Mapping[date, Sequence[BilledItem]] | None:
        """None where the provider does not tell."""
        try:
            async with asyncio.timeout(_TIMEOUT_S):
                return await self._reader.billed(provider, self._keys[provider.name], days[0], days[-1])
        except TimeoutError:
            services.telemetry.invoice_failed(provider.name, ProviderTimeout("The provider did not tell in time."))
        except LLMError as error:
            services.telemetry.invoice_failed(provider.name, error)
        return None

    async def _keep(self, services: Services, found: Sequence[InvoiceDay]) -> None:
        """Of what differs an event is told once, and again when it changes."""
        whole = [one for one in found if not one.partial]
        known: Sequence[InvoiceDay] = ()
        if whole:
            names = sorted({one.provider for one in whole})
            known = await services.store.invoices(names, sorted({one.day for one in whole}))
        before = {(one.provider, one.day): one.difference_nano for one in known if not one.partial}
        await services.store.put_invoices(found, kept_ms=KEPT_MS)
        for one in whole:
            services.telemetry.invoice_checked(one)
        news = [one for one in whole if one.differs and before.get((one.provider, one.day)) != one.difference_nano]
        if news:
            await services.events.emit([_event(one) for one in news])


@dataclass(frozen=True, slots=True)
class _Books:
    """What all projects were booked on some days, by model and by provider, in two trips a project."""

    store: Store
    days: Sequence[date]

    async def read(self) -> Booked:
        found: defaultdict[tuple[Kind, str, date], int] = defaultdict(int)
        for some in batched(await self.store.projects(), _AT_ONCE):
            for counted in await asyncio.gather(*map(self._project, some)):
                for name, nano in counted.items():
                    found[name] += nano
        return found

    async def _project(self, project_id: str) -> Booked:
        asked = [(kind, day, day_key(day)) for kind in _KINDS for day in self.days]
        indexes: defaultdict[str, list[str]] = defaultdict(list)
        for kind, _, key in asked:
            indexes[key[:6]].append(index_field(kind, key[6:]))
        names = await self.store.names(project_id, indexes)
        fields = {
            (key[:6], named_field(kind, key[6:], name)): (kind, unquote(name), day)
            for kind, day, key in asked
            for name in names.get(key[:6], {}).get(index_field(kind, key[6:]), ())
        }
        wanted: defaultdict[str, list[str]] = defaultdict(list)
        for month, field in fields:
            wanted[month].append(field)
        counted = await self.store.counted(project_id, wanted) if wanted else {}
        return {fields[month, field]: one.cost_nano for month, found in counted.items() for field, one in found.items()}


def _compared(
    services: Services, provider: Provider, day: date, items: Sequence[BilledItem], booked: Booked
) -> InvoiceDay:
    now_ms = services.clock.now_ms()
    models: defaultdict[str, int] = defaultdict(int)
    for (kind, name, on), nano in booked.items():
        if kind == "m" and on == day and (upstream := _upstream(services.settings.catalog, provider.name, name)):
            models[upstream] += nano
    whole = booked.get(("p", provider.name, day), 0)
    lines = compare([(item.name, item.model, item.nano) for item in items], models, whole)
    return InvoiceDay(provider.name, day, now_ms, lines, partial=day == utc_date(now_ms))


def _upstream(catalog: Catalog, provider: str, name: str) -> str:
    """The provider's own name of a model that was counted; empty for another provider's."""
    if model := catalog.models.get(name):
        return model.deployment.upstream_model if model.provider == provider else ""
    own = f"{provider}/"
    return name.removeprefix(own) if name.startswith(own) else ""


def _event(found: InvoiceDay) -> OperatorEvent:
    return OperatorEvent(
        at_ms=found.checked_ms,
        kind="invoice.differs",
        details={
            "provider": found.provider,
            "day": found.day.isoformat(),
            "billed_usd": usd(found.billed_nano),
            "booked_usd": usd(found.booked_nano),
            "difference_usd": usd(found.difference_nano),
        },
    )


def admin_keys(environ: Mapping[str, str]) -> dict[str, Secret]:
    """The keys that may ask, by provider, of those that are set."""
    named = ((name, environ.get(f"{name.upper()}_ADMIN_KEY", "").strip()) for name in BILLED)
    return {name: Secret(text) for name, text in named if text}
