"""What the schedules start: probes of the providers, and a look at the catalog for what will need an operator.

Both only tell. Running one twice, as a schedule that retries does, tells the same again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any, Protocol

from gateway_core.config.settings import GatewaySettings
from gateway_core.domain.catalog import Catalog, Provider
from gateway_core.domain.errors import ConfigError, InvalidRequest, LLMError, StoreUnavailable
from gateway_core.domain.provider_errors import ProviderTimeout
from gateway_core.domain.times import utc_date
from gateway_core.ports import ModelLister
from gateway_core.services import Current, Services
from gateway_core.store.estimates import HeldMoney
from gateway_core.store.probes import (
    FRESH_INTERVALS,
    KEPT_MS,
    CatalogWarning,
    ModelList,
    Probe,
    catalog_warnings,
    failed_status,
    interval_s,
    listed,
)
from gateway_core.telemetry.events import Fact, OperatorEvent
from gateway_core.triggers.foreign import IGNORED, is_foreign

CHECKS = ("providers", "catalog", "holds")
LOOK_THROUGH_S = 15.0
"""How long holds are booked at most; the function has 30 s, and the next round goes on."""
RETIREMENTS = {"model_retiring", "model_retired"}
DEFAULT_MINUTES = 5


class HealthChecks:
    """The checks over where their services come from, which each asks once: a configuration may change in between."""

    def __init__(self, source: Current[Services], lister: ModelLister) -> None:
        self._source = source
        self._lister = lister

    async def run(self, event: object) -> dict[str, Any]:
        """Do what a schedule asks for.

        `{"check": "providers", "every": "rate(5 minutes)"}`, `{"check": "catalog"}` or `{"check": "holds"}`.
        An event that nobody understands is logged and answered with an error: to repeat it would not help. Raises
        StoreUnavailable if the results cannot be kept, for the schedule to try again.
        """
        try:
            check, every_s = _read(event)
        except InvalidRequest as error:
            self._source.now().telemetry.event_refused(error)
            return {"error": {"code": error.code, "message": error.message, "param": error.param}}
        if check == "catalog":
            return {"check": check, "warnings": [asdict(warning) for warning in await self.check_catalog()]}
        if check == "holds":
            return {"check": check, "projects": [asdict(found) for found in await self.check_holds()]}
        probes = await self.probe_providers(every_s)
        rows = [{"provider": p.provider, "status": p.status, "latency_ms": p.latency_ms} for p in probes]
        return {"check": check, "providers": rows}

    async def probe_providers(self, every_s: float) -> tuple[Probe, ...]:
        """Ask all providers for their models at once, and keep what came back until three times `every_s` are over."""
        services = self._source.now()
        fresh_until_ms = services.clock.now_ms() + round(FRESH_INTERVALS * every_s * 1000)
        wanted = [provider for provider in services.settings.catalog.providers.values() if provider.probe]
        probes = tuple(await asyncio.gather(*(self._probe(services, provider, fresh_until_ms) for provider in wanted)))
        kept_ms = fresh_until_ms - services.clock.now_ms() + KEPT_MS
        try:
            await services.store.post_probes(probes, kept_ms=kept_ms)
        except StoreUnavailable as error:
            services.telemetry.probes_lost(error)
            raise
        finally:
            await _tell(services, [_unhealthy(probe) for probe in probes if not probe.is_fine])
        return probes

    async def check_catalog(self) -> list[CatalogWarning]:
        """Warn, in the log, by metrics and by events, of models that go and of list prices that are old."""
        services = self._source.now()
        today = utc_date(services.clock.now_ms())
        warnings = catalog_warnings(services.settings.catalog, (), today, services.settings.price_age_days)
        for warning in warnings:
            services.telemetry.catalog_warning(warning)
        await _tell(services, [_retiring(services, w.model) for w in warnings if w.code in RETIREMENTS])
        return warnings

    async def check_holds(self) -> list[HeldMoney]:
        """Book what nobody settled, in all projects, and tell by the log and metrics what is still held unconfirmed.

        Raises StoreUnavailable, for the schedule to try again, once the databases that answer are done.
        """
        services = self._source.now()
        found: list[HeldMoney] = []
        failure: StoreUnavailable | None = None
        books = services.bookkeepers
        for bookkeeper in books:
            try:
                found += await bookkeeper.look_through(within_s=LOOK_THROUGH_S / len(books))
            except StoreUnavailable as error:
                failure = error
        held = [each for each in found if each.unconfirmed or each.booked or each.unreadable]
        if not failure or held:
            services.telemetry.holds_found(held)
        if failure:
            raise failure
        return held

    async def close(self) -> None:
        """Close the store's connections; a later check opens new ones."""
        await self._source.now().store.close()

    async def _probe(self, services: Services, provider: Provider, fresh_until_ms: int) -> Probe:
        catalog, clock = services.settings.catalog, services.clock
        checked_ms, started_s = clock.now_ms(), clock.monotonic_s()
        try:
            found = await self._list(services.settings, provider)
        except LLMError as error:
            status, detail, names = failed_status(error), error.detail, {}
        else:
            status, detail, names = "ok", "", listed(_upstreams(catalog, provider), found)
        latency_ms = None if status == "not_configured" else round((clock.monotonic_s() - started_s) * 1000)
        probe = Probe(provider.name, status, latency_ms, checked_ms, fresh_until_ms, names)
        services.telemetry.probed(probe, detail)
        return probe

    async def _list(self, settings: GatewaySettings, provider: Provider) -> ModelList:
        key = settings.provider_keys.get(provider.name)
        if provider.key_env and key is None:
            raise ConfigError(f"{provider.key_env}: is not set.")
        try:
            async with asyncio.timeout(settings.probe_timeout_s):
                return await self._lister.list_models(provider, key)
        except TimeoutError:
            raise ProviderTimeout("The provider did not list its models in time.") from None


async def _tell(services: Services, events: Sequence[OperatorEvent]) -> None:
    if events:
        await services.events.emit(events)


def _unhealthy(probe: Probe) -> OperatorEvent:
    details: dict[str, Fact] = {"provider": probe.provider, "error_code": probe.status}
    return OperatorEvent(at_ms=probe.checked_ms, kind="provider.unhealthy", details=details)


def _retiring(services: Services, key: str) -> OperatorEvent:
    model = services.settings.catalog.models[key]
    details: dict[str, Fact] = {"model": key, "provider": model.provider, "retires_on": str(model.retires_on)}
    return OperatorEvent(at_ms=services.clock.now_ms(), kind="model.retiring", details=details)


class Checks(Protocol):
    """What a schedule starts."""

    async def run(self, event: object) -> dict[str, Any]: ...

    async def close(self) -> None: ...


def scheduled(checks: Checks) -> Callable[[Any, Any], dict[str, Any]]:
    """A Lambda handler that runs the checks. Each event has an event loop, and with it connections, of its own.

    What is for somebody else, such as what keeps an environment warm, is acknowledged and otherwise left alone.
    """

    async def once(event: object) -> dict[str, Any]:
        if is_foreign(event, "check"):
            return IGNORED
        try:
            return await checks.run(event)
        finally:
            await checks.close()

    return lambda event, _context: asyncio.run(once(event))


def _read(event: object) -> tuple[str, int]:
    """Which check, and how many seconds there are between two of them."""
    given = event if isinstance(event, dict) else {}
    check, every = given.get("check"), given.get("every", f"rate({DEFAULT_MINUTES} minutes)")
    if check not in CHECKS:
        raise InvalidRequest(f"event.check: is none of {', '.join(CHECKS)}.", param="check")
    every_s = interval_s(every) if isinstance(every, str) else None
    if every_s is None:
        raise InvalidRequest("event.every: is no rate. Write it like rate(5 minutes).", param="every")
    return check, every_s


def _upstreams(catalog: Catalog, provider: Provider) -> set[str]:
    return {m.deployment.upstream_model for m in catalog.models.values() if m.provider == provider.name}
