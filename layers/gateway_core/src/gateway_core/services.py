"""What the routers work with, wired once by `bootstrap`."""

from __future__ import annotations

from dataclasses import dataclass

from gateway_core.authenticator import Authenticator
from gateway_core.config import Settings
from gateway_core.gateway import Gateway
from gateway_core.ports import Clock, Ledger, Store, TokenCounter
from gateway_core.telemetry import Telemetry


@dataclass(frozen=True, slots=True)
class Services:
    """Shared by all routes of a function; one that calls no model has no use for `gateway`.

    `ledger` is the store's request path, made to bear the store's absence; what only reads asks `store`.
    """

    settings: Settings
    store: Store
    authenticator: Authenticator
    telemetry: Telemetry
    clock: Clock
    ledger: Ledger


@dataclass(frozen=True, slots=True)
class ModelServices(Services):
    """With a gateway that can call models, and a counter of their tokens."""

    gateway: Gateway
    token_counter: TokenCounter
