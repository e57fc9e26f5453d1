"""The store that an address or several name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from gateway_core.adapters.clock import SystemClock
from gateway_core.adapters.upstash import UpstashStore
from gateway_core.domain.credentials import Secret
from gateway_core.ports import ConnectedStore
from gateway_core.store.placement import Placement


class Address(Protocol):
    """Where a database is, and the token that opens it."""

    @property
    def url(self) -> str: ...

    @property
    def token(self) -> Secret: ...


@dataclass(frozen=True, slots=True)
class StoreTimes:
    """How long a trip may take, how much of it connecting, and see `HoldBook`."""

    connect_s: float
    whole_s: float
    unconfirmed_after_ms: int


def open_databases(
    addresses: Mapping[str, Address], placement: Placement, times: StoreTimes, clock: SystemClock | None = None
) -> ConnectedStore:
    """The store in one database, or spread over several, which tell `clock` the time.

    Nothing is connected before the first call.
    """
    opened = {name: _open(address, times, clock) for name, address in addresses.items()}
    if len(opened) == 1:
        return next(iter(opened.values()))
    from gateway_core.adapters.spread import SpreadStore  # noqa: PLC0415 - most have one database

    return SpreadStore(opened, placement)


def _open(address: Address, times: StoreTimes, clock: SystemClock | None) -> UpstashStore:
    return UpstashStore(
        address.url,
        address.token.reveal(),
        connect_timeout_s=times.connect_s,
        timeout_s=times.whole_s,
        unconfirmed_after_ms=times.unconfirmed_after_ms,
        clock=clock,
    )
