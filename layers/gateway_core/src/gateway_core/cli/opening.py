"""The store that the gateway would use, as the command line reaches it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Protocol, override

from gateway_core.access.administration import Administration
from gateway_core.access.administrator import Line
from gateway_core.access.known_names import KnownNames
from gateway_core.access.reconciling import Charge, Selection
from gateway_core.adapters.clock import SystemClock
from gateway_core.adapters.spread import SpreadOperatorStore
from gateway_core.adapters.upstash.sdk import SdkKeyStore
from gateway_core.cli.answers import HoldLines
from gateway_core.config.environment import StoreSettings, documents_named, needed
from gateway_core.ports import OperatorStore
from gateway_core.store.placement import FIRST, Placement
from gateway_core.store.records import AttemptName

_TIMEOUT_S = 10.0


class OpenedStore(OperatorStore, Protocol):
    """A store whose connections can be closed."""

    async def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class NamedDatabases:
    """The databases that environment and documents name, and which of them has a project."""

    addresses: Mapping[str, StoreSettings]
    placement: Placement


class SpreadKeyStore(SpreadOperatorStore[SdkKeyStore]):
    """Implements the port `OperatorStore` over several databases."""

    @property
    def databases(self) -> Mapping[str, SdkKeyStore]:
        return self._databases

    async def close(self) -> None:
        for store in self._databases.values():
            await store.close()


def named_databases(environ: Mapping[str, str]) -> NamedDatabases:
    """Raises ConfigError as the gateway does, and ConfigUnavailable for documents that cannot be read.

    Documents say where projects live; without them, and with one address, all are in one database.
    """
    first = needed(StoreSettings.from_env(environ))
    if not (documents_named(environ) or StoreSettings.further(environ)):
        return NamedDatabases({FIRST: first}, Placement())
    from gateway_core.cli.documented import databases_of  # noqa: PLC0415 - a third of a second of CPU

    databases, placement = databases_of(environ)
    return NamedDatabases({FIRST: first, **databases}, placement)


def open_store(environ: Mapping[str, str]) -> OpenedStore:
    """The store that the gateway would use. Raises ConfigError as it does."""
    named = named_databases(environ)
    store = open_databases_of(named)
    return store if len(named.addresses) > 1 else store.databases[FIRST]


def open_databases_of(named: NamedDatabases) -> SpreadKeyStore:
    """All of them, each also for itself."""
    opened = {
        name: SdkKeyStore(address.url, address.token.reveal(), timeout_s=_TIMEOUT_S)
        for name, address in named.addresses.items()
    }
    return SpreadKeyStore(opened, named.placement)


class StoreDesk(Administration):
    """Implements `desk.Desk` at a store."""

    __slots__ = ()

    @override
    async def budget_pages(self, project_id: str | None, user_id: str | None) -> AsyncIterator[list[Line]]:
        """Raises UnknownProject, as a gateway does."""
        if project_id:
            await self.check_project(project_id)
        async for page in Administration.budget_pages(self, project_id, user_id):
            yield page

    async def show_holds(self, selection: Selection) -> HoldLines:
        work = self.reconciling
        found = await work.select(selection)
        return HoldLines(work.lines(found.holds), work.sums(found))

    async def release_holds(self, selection: Selection, charge: Charge, *, dry_run: bool) -> HoldLines:
        work = self.reconciling
        found = await work.select(selection)
        return HoldLines(await work.release_all(found.holds, charge, dry_run=dry_run), work.sums(found))

    async def release_hold(
        self, project_id: str, month: str | None, name: AttemptName, charge: Charge, *, dry_run: bool
    ) -> Line:
        return await self.reconciling.release(project_id, month, name, charge, dry_run=dry_run)


@asynccontextmanager
async def administration(environ: Mapping[str, str], names: KnownNames | None = None) -> AsyncGenerator[StoreDesk]:
    """What administers the store that the environment names. Raises ConfigError."""
    store = open_store(environ)
    try:
        yield StoreDesk(store, SystemClock(), names)
    finally:
        await store.close()


def known_names(environ: Mapping[str, str]) -> KnownNames:
    """What rights may name, by the documents that the environment names."""
    from gateway_core.cli.documented import catalog_of  # noqa: PLC0415 - as above

    return KnownNames(catalog_of(environ))
