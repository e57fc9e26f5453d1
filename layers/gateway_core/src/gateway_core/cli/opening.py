"""The store that the gateway would use, as the command line reaches it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from gateway_core.adapters.config_sources import open_sources
from gateway_core.adapters.spread import SpreadOperatorStore
from gateway_core.adapters.upstash.sdk import SdkKeyStore
from gateway_core.config.environment import StoreSettings, documents_named, needed
from gateway_core.config.loader import Inputs, SettingsLoader
from gateway_core.ports import OperatorStore
from gateway_core.store.placement import FIRST, Placement

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
    loader = SettingsLoader(environ, open_sources(documents_named(environ)), None, with_catalog=False)
    settings = loader.settings(Inputs(loader.documents(), {}))
    return NamedDatabases({FIRST: first, **settings.databases}, settings.placement)


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
