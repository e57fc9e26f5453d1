"""The request path when the store is away: who has no limits goes on, with what this process knows.

An attempt that is admitted here has generation -1. What the store was not told is owed: it is told in order, as soon
as the store answers again, and at the end at the latest; what it does not hear of goes to the backlog, whole.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

from gateway_core.adapters.store_circuit import StoreCircuit
from gateway_core.domain.errors import InvalidRequest, LLMError, StoreUnavailable, StoreUnreadable
from gateway_core.ports import Backlog, Clock, Ledger
from gateway_core.ports.replaying import settle_alone
from gateway_core.store.changes import Change
from gateway_core.store.deployment_state import DeploymentState
from gateway_core.store.messages import (
    Admission,
    Admitted,
    Candidate,
    Refused,
    Settled,
    Settlement,
    StaleCaller,
    Terms,
    Ticket,
)
from gateway_core.store.placement import FIRST, Placement
from gateway_core.store.probes import FleetHealth
from gateway_core.store.records import Unsettled, UsageRecord
from gateway_core.store.response_cache import LookUp
from gateway_core.store.virtual_keys import KeyRecord

if TYPE_CHECKING:
    from gateway_core.adapters.memory.process import ProcessHealth

TRUSTED_S = 15 * 60
"""How long it counts that the store saw no limit."""
MOST_CALLERS = 4096


class ResilientLedger:
    """Implements the port `Ledger` over another. With `degrade` False it only spares a store that is away.

    Of `workers` processes that are one gateway, each has its share of the limits that we set for providers meanwhile.
    Where `placement` has several databases, one that is away leaves the projects of the others alone.
    """

    def __init__(
        self,
        store: Ledger,
        clock: Clock,
        backlog: Backlog,
        *,
        degrade: bool,
        workers: int = 1,
        placement: Placement | None = None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._backlog = backlog
        self._degrade = degrade
        self._workers = workers
        self._placement = placement or Placement()
        self._circuits: dict[str, StoreCircuit] = {}
        self._unlimited: OrderedDict[tuple[str, ...], float] = OrderedDict()
        self._owed: dict[str, list[Settlement]] = {}

    @cached_property
    def _health(self) -> ProcessHealth:
        # Here, not above: functions that call no model start without it.
        from gateway_core.adapters.memory.process import ProcessHealth  # noqa: PLC0415

        return ProcessHealth()

    async def find_key(self, project_id: str, digest: str) -> KeyRecord | None:
        return await self._of(project_id).ask(lambda: self._store.find_key(project_id, digest))

    async def admit(self, ticket: Ticket, candidates: Sequence[Candidate], terms: Terms) -> Admission:
        try:
            admission = await self._of(ticket.project_id).ask(lambda: self._store.admit(ticket, candidates, terms))
            _check(admission, candidates)
        except StoreUnreadable:
            raise
        except StoreUnavailable:
            if not self._may_go_on(ticket):
                raise
            return self._health.admit(ticket, 1, self._shares(candidates), terms)
        self._note_limits(ticket, admission)
        return admission

    async def next(
        self, ticket: Ticket, settlement: Settlement, candidates: Sequence[Candidate], terms: Terms
    ) -> Admission:
        local = self._health.settle(ticket, settlement, terms)
        try:
            changes = await self._catch_up(ticket, terms)
            admission = await self._of(ticket.project_id).ask(
                lambda: self._store.next(ticket, settlement, candidates, terms)
            )
            _check(admission, candidates)
        except StoreUnreadable:
            raise
        except StoreUnavailable:
            if not self._may_go_on(ticket):
                raise
            self._owe(ticket, settlement)
            admission = self._health.admit(ticket, settlement.attempt + 1, self._shares(candidates), terms)
            return replace(admission, changes=(*local, *admission.changes))
        self._note_limits(ticket, admission)
        return replace(admission, changes=(*changes, *admission.changes))

    async def settle(self, ticket: Ticket, settlement: Settlement | None, record: UsageRecord, terms: Terms) -> Settled:
        """As the port says, but what the store cannot take now goes to the backlog, and is not `written`.

        Then the changes are those of this process's own breaker.
        """
        local = self._health.settle(ticket, settlement, terms) if settlement else ()
        try:
            changes = await self._catch_up(ticket, terms)
            settled = await self._of(ticket.project_id).ask(
                lambda: self._store.settle(ticket, settlement, record, terms)
            )
            return replace(settled, changes=(*changes, *settled.changes))
        except InvalidRequest:
            raise  # what cannot be counted cannot be counted later either
        except LLMError as error:
            await self._keep(ticket, settlement, record, error)
        except Exception as error:  # noqa: BLE001 - a fault of ours may be mended by the time that it is replayed
            detail = f"unexpected {type(error).__name__} of the store's adapter"
            fault = StoreUnavailable("The gateway could not settle.", detail=detail)
            await self._keep(ticket, settlement, record, fault)
        finally:
            self._owed.pop(ticket.request_id, None)
        return Settled(written=False, changes=local)

    async def _keep(self, ticket: Ticket, settlement: Settlement | None, record: UsageRecord, error: LLMError) -> None:
        owed = tuple(ended.late() for ended in self._owed.get(ticket.request_id, ()))
        last = settlement.late() if settlement else None
        await self._backlog.put(Unsettled(ticket, owed, last, record), error)

    async def look_up(self, ticket: Ticket, entry: str | None, terms: Terms) -> LookUp:
        return await self._of(ticket.project_id).ask(lambda: self._store.look_up(ticket, entry, terms))

    async def keep(self, project_id: str, entry: str, value: str, *, ttl_s: int, now_ms: int) -> None:
        await self._of(project_id).ask(lambda: self._store.keep(project_id, entry, value, ttl_s=ttl_s, now_ms=now_ms))

    async def deployment_states(
        self, deployments: Sequence[tuple[str, str]], project_id: str = ""
    ) -> list[DeploymentState]:
        return await self._of(project_id).ask(lambda: self._store.deployment_states(deployments, project_id))

    async def fleet_health(self, deployments: Sequence[tuple[str, str]], project_id: str = "") -> FleetHealth:
        return await self._of(project_id).ask(lambda: self._store.fleet_health(deployments, project_id))

    def _of(self, project_id: str) -> StoreCircuit:
        """The circuit of the project's database; that of the first if none is named."""
        database = self._placement.database_of(project_id) if project_id else FIRST
        if database not in self._circuits:
            self._circuits[database] = StoreCircuit(self._clock)
        return self._circuits[database]

    def _shares(self, candidates: Sequence[Candidate]) -> Sequence[Candidate]:
        """The same with this process's share of what may be asked in a minute; 0 stays no limit."""
        if self._workers == 1:
            return candidates
        return [
            replace(
                candidate,
                rpm=candidate.rpm and max(1, candidate.rpm // self._workers),
                tpm=candidate.tpm and max(1, candidate.tpm // self._workers),
            )
            for candidate in candidates
        ]

    async def _catch_up(self, ticket: Ticket, terms: Terms) -> tuple[Change, ...]:
        changes: tuple[Change, ...] = ()
        owed = self._owed.get(ticket.request_id, [])
        while owed:
            done = await self._of(ticket.project_id).ask(lambda: settle_alone(self._store, ticket, owed[0], terms))
            changes += done.changes
            del owed[0]
        return changes

    def _owe(self, ticket: Ticket, settlement: Settlement) -> None:
        owed = self._owed.setdefault(ticket.request_id, [])
        if settlement not in owed:  # the same call may be made again
            owed.append(settlement)

    def _note_limits(self, ticket: Ticket, admission: Admission) -> None:
        """Remember whom nothing limits. Anything but a clear yes forgets it."""
        self._unlimited.pop(_payers(ticket), None)
        if isinstance(admission, Admitted) and not admission.limited:
            self._unlimited[_payers(ticket)] = self._clock.monotonic_s()
            if len(self._unlimited) > MOST_CALLERS:
                self._unlimited.popitem(last=False)

    def _may_go_on(self, ticket: Ticket) -> bool:
        seen_s = self._unlimited.get(_payers(ticket))
        return self._degrade and seen_s is not None and self._clock.monotonic_s() - seen_s < TRUSTED_S


def _check(admission: Admission, candidates: Sequence[Candidate]) -> None:
    """Raises StoreUnreadable for an answer about other candidates than were asked for."""
    if isinstance(admission, StaleCaller):
        return
    told = admission.passed_over if isinstance(admission, Admitted) else admission.refusals
    named = [refusal.index for refusal in told] + ([admission.index] if isinstance(admission, Admitted) else [])
    is_empty = isinstance(admission, Refused) and bool(candidates) and not told
    if is_empty or any(index >= len(candidates) for index in named):
        raise StoreUnreadable.of("the candidates of an admission")


def _payers(ticket: Ticket) -> tuple[str, ...]:
    """Whose limits the request meets, and the rights with which the key was seen."""
    return (ticket.project_id, ticket.digest, ticket.user_id, ticket.rights_tag)
