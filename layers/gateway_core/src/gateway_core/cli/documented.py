"""What documents of configuration say of the gateway that a command is for. Slow to load: only where some are named."""

from __future__ import annotations

from collections.abc import Mapping

from gateway_core.adapters.config_sources import open_sources
from gateway_core.config.environment import StoreSettings, documents_named
from gateway_core.config.loader import Inputs, SettingsLoader
from gateway_core.config.settings import GatewaySettings
from gateway_core.domain.catalog import Catalog
from gateway_core.store.placement import Placement


def databases_of(environ: Mapping[str, str]) -> tuple[Mapping[str, StoreSettings], Placement]:
    """Further databases, and which of all has a project."""
    settings = _settings(environ, with_catalog=False)
    return settings.databases, settings.placement


def catalog_of(environ: Mapping[str, str]) -> Catalog:
    """The models and groups that there are."""
    return _settings(environ, with_catalog=True).catalog


def _settings(environ: Mapping[str, str], *, with_catalog: bool) -> GatewaySettings:
    loader = SettingsLoader(environ, open_sources(documents_named(environ)), None, with_catalog=with_catalog)
    return loader.settings(Inputs(loader.documents(), {}))
