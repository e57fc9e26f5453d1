"""What the routers work with, wired once by `bootstrap`."""

from __future__ import annotations

from dataclasses import dataclass

from gateway_core.authenticator import Authenticator
from gateway_core.config import Settings
from gateway_core.gateway import Gateway
from gateway_core.ports import Clock, Store, TokenCounter
from gateway_core.telemetry import Telemetry


@dataclass(frozen=True, slots=True)
class Services:
    """Shared by all routes of a function. A function that calls no model has no use for `gateway`."""

    settings: Settings
    store: Store
    authenticator: Authenticator
    telemetry: Telemetry
    clock: Clock


@dataclass(frozen=True, slots=True)
class ModelServices(Services):
    """With a gateway that can call models, and a counter of their tokens."""

    gateway: Gateway
    token_counter: TokenCounter
