"""Does while the stack runs what the schedules do on AWS: probes providers, looks after catalog, holds and invoices."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator

import anyio
from anyio.from_thread import start_blocking_portal

from gateway_core.domain.errors import StoreUnavailable
from gateway_core.triggers.health_checks import HealthChecks
from gateway_core.triggers.invoices import InvoiceChecks

HOUR_S, DAY_S = 3_600, 86_400


@contextlib.contextmanager
def probing(checks: HealthChecks, every_s: float) -> Iterator[None]:
    """Probe at once and every `every_s` seconds, in a thread of its own; leaving the block ends it, mid-probe too."""
    with start_blocking_portal() as portal:
        tasks = [
            portal.start_task_soon(_probes, checks, every_s),
            portal.start_task_soon(_catalog, checks),
            portal.start_task_soon(_holds, checks),
        ]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()


@contextlib.contextmanager
def comparing(checks: InvoiceChecks, every_s: float) -> Iterator[None]:
    """The same for what providers bill, where anybody's key may ask."""
    with start_blocking_portal() as portal:
        task = portal.start_task_soon(_invoices, checks, every_s)
        try:
            yield
        finally:
            task.cancel()


async def _invoices(checks: InvoiceChecks, every_s: float) -> None:
    try:
        while True:
            with contextlib.suppress(StoreUnavailable):  # the next round finds the same
                await checks.check()
            await asyncio.sleep(every_s)
    finally:
        with anyio.CancelScope(shield=True):
            await checks.close()


async def _probes(checks: HealthChecks, every_s: float) -> None:
    try:
        while True:
            with contextlib.suppress(StoreUnavailable):  # the log told; the next round tries again
                await checks.probe_providers(every_s)
            await asyncio.sleep(every_s)
    finally:
        with anyio.CancelScope(shield=True):
            await checks.close()


async def _catalog(checks: HealthChecks) -> None:
    while True:
        await checks.check_catalog()
        await asyncio.sleep(DAY_S)


async def _holds(checks: HealthChecks) -> None:
    while True:
        with contextlib.suppress(StoreUnavailable):  # nothing is lost: the next round finds the same
            await checks.check_holds()
        await asyncio.sleep(HOUR_S)
