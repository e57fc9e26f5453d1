"""What the routers work with, wired by `bootstrap` for one state of the configuration."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Protocol, Self

from gateway_core.access.authenticator import Authenticator
from gateway_core.access.bookkeeper import Bookkeeper
from gateway_core.config.settings import GatewaySettings
from gateway_core.domain.caller import Attribution, Caller
from gateway_core.ports import Clock, JobFiles, JobStarter, Ledger, Store, TokenCounter
from gateway_core.telemetry.ports import EventSink
from gateway_core.telemetry.telemetry import Telemetry

if TYPE_CHECKING:  # functions that call no model start without it
    from gateway_core.batch.engine import Engine
    from gateway_core.batch.validation.registry import Registry
    from gateway_core.pipeline.caching import CachingGateway


class Current[T](Protocol):
    """Something that may be replaced while requests run. Ask once a request, and keep the answer until its end."""

    def now(self) -> T:
        """What new requests use."""
        ...


@dataclass(frozen=True, slots=True)
class Services:
    """Shared by all routes of a function; one that calls no model has no use for `gateway`.

    `ledger` is the store's request path, made to bear the store's absence; what only reads asks `store`. `events` takes
    what others may want to hear of.
    """

    settings: GatewaySettings
    store: Store
    authenticator: Authenticator
    telemetry: Telemetry
    clock: Clock
    ledger: Ledger
    events: EventSink

    @property
    def bookkeeper(self) -> Bookkeeper:
        """Books what nobody settled."""
        return Bookkeeper(self.store, self.events, self.clock, self.settings.unconfirmed_after_ms)

    @property
    def bookkeepers(self) -> list[Bookkeeper]:
        """One for each database: where one is away, the others are looked through."""
        return [replace(self.bookkeeper, store=store) for store in self.store.databases.values()]

    def now(self) -> Self:
        """Itself: implements `Current` for services that nothing replaces."""
        return self


@dataclass(frozen=True, slots=True)
class ModelServices(Services):
    """With a gateway that can call models, a counter of their tokens, and what answers of batches are checked by."""

    gateway: CachingGateway
    token_counter: TokenCounter
    registry: Registry

    def engine(
        self, caller: Caller, attribution: Attribution, request_id: str, *, least_call_s: float | None = None
    ) -> Engine:
        """Asks a caller's questions. With less than `least_call_s` left nobody is asked, None is as little as pays."""
        # Here, not above: functions that call no model start without it.
        from gateway_core.batch.answerer import QuestionAnswerer  # noqa: PLC0415
        from gateway_core.batch.engine import LEAST_CALL_S, BatchLimits, Engine  # noqa: PLC0415

        settings = self.settings
        answerer = QuestionAnswerer(
            self.gateway, settings.catalog, self.registry, caller, attribution, request_id, self.clock
        )
        limits = BatchLimits(
            settings.batch_concurrency,
            settings.default_timeout_s,
            settings.body_limit,
            LEAST_CALL_S if least_call_s is None else least_call_s,
        )
        return Engine(answerer, self.clock, limits, partial(self.telemetry.crashed, request_id, where="batch"))


@dataclass(frozen=True, slots=True)
class Jobs:
    """Where a job's questions and answers are, and who has jobs worked on. What else is known is in the store.

    `listed`: whether processes that work on the jobs of the store find them. Those of Lambda are not theirs.
    """

    files: JobFiles
    starter: JobStarter
    listed: bool = True
