"""The whole store over several databases, as requests use it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date

from gateway_core.adapters.spread.homes import told
from gateway_core.adapters.spread.operator import SpreadOperatorStore
from gateway_core.domain.caller import Limits
from gateway_core.domain.errors import Forbidden, StoreUnavailable
from gateway_core.ports import Connected, Store
from gateway_core.store.deployment_state import DeploymentState
from gateway_core.store.invoices import InvoiceDay
from gateway_core.store.jobs import Claim, Job, JobName, JobProgress, JobState
from gateway_core.store.messages import Admission, Candidate, Settled, Settlement, StaleCaller, Terms, Ticket
from gateway_core.store.placement import FIRST
from gateway_core.store.probes import FleetHealth, Probe
from gateway_core.store.records import UsageRecord
from gateway_core.store.response_cache import LookUp
from gateway_core.store.virtual_keys import KeyRecord

_LIMITED = (
    "This key has limits of its own, which are kept in another database than that of the project. "
    "Use a key without limits, or one of that project."
)


class SpreadStore(SpreadOperatorStore[Store]):
    """Implements the port `Store` over `databases`.

    Each has its part of the limits that we set for providers, and learns of deployments for itself.
    """

    @property
    def databases(self) -> Mapping[str, Store]:
        return self._databases

    async def find_key(self, project_id: str, digest: str) -> KeyRecord | None:
        async with self._homes.at(project_id) as store:
            found = await store.find_key(project_id, digest)
            if found:
                return found
            # Unknown, unless the project has been moved, or was while we asked.
            await self._homes.check(project_id)
            return await store.find_key(project_id, digest)

    async def admit(self, ticket: Ticket, candidates: Sequence[Candidate], terms: Terms) -> Admission:
        shared = self._shared(ticket, candidates)
        async with self._homes.at(ticket.project_id) as store:
            return await self._as_guest(ticket, lambda: store.admit(ticket, shared, terms))

    async def next(
        self, ticket: Ticket, settlement: Settlement, candidates: Sequence[Candidate], terms: Terms
    ) -> Admission:
        shared, ended = self._shared(ticket, candidates), self._ended(ticket, settlement)
        async with self._homes.at(ticket.project_id) as store:
            return await self._as_guest(ticket, lambda: store.next(ticket, ended, shared, terms))

    async def settle(self, ticket: Ticket, settlement: Settlement | None, record: UsageRecord, terms: Terms) -> Settled:
        ended = self._ended(ticket, settlement) if settlement else None
        async with self._homes.at(ticket.project_id) as store:
            return await store.settle(ticket, ended, record, terms)

    async def look_up(self, ticket: Ticket, entry: str | None, terms: Terms) -> LookUp:
        async with self._homes.at(ticket.project_id) as store:
            return await self._as_guest(ticket, lambda: store.look_up(ticket, entry, terms))

    async def keep(self, project_id: str, entry: str, value: str, *, ttl_s: int, now_ms: int) -> None:
        async with self._homes.at(project_id) as store:
            await store.keep(project_id, entry, value, ttl_s=ttl_s, now_ms=now_ms)

    async def deployment_states(
        self, deployments: Sequence[tuple[str, str]], project_id: str = ""
    ) -> list[DeploymentState]:
        name = self._known_by(project_id)
        with told(name):
            return await self._databases[name].deployment_states(deployments)

    async def fleet_health(self, deployments: Sequence[tuple[str, str]], project_id: str = "") -> FleetHealth:
        name = self._known_by(project_id)
        with told(name):
            return await self._databases[name].fleet_health(deployments)

    async def post_probes(self, probes: Sequence[Probe], *, kept_ms: int) -> None:
        """In all databases that answer. Raises StoreUnavailable if one does not."""
        posts = (store.post_probes(probes, kept_ms=kept_ms) for store in self._databases.values())
        done = await asyncio.gather(*posts, return_exceptions=True)
        for name, failure in zip(self._databases, done, strict=True):
            if failure:
                with told(name):
                    raise failure

    async def put_invoices(self, found: Sequence[InvoiceDay], *, kept_ms: int) -> None:
        """In the first database: they are of no project."""
        with told(FIRST):
            await self._databases[FIRST].put_invoices(found, kept_ms=kept_ms)

    async def invoices(self, providers: Sequence[str], days: Sequence[date]) -> list[InvoiceDay]:
        with told(FIRST):
            return await self._databases[FIRST].invoices(providers, days)

    async def create_job(self, job: Job, *, most_open: int, listed: bool = True) -> Job | None:
        async with self._homes.at(job.name.project_id) as store:
            return await store.create_job(job, most_open=most_open, listed=listed)

    async def find_job(self, name: JobName) -> Job | None:
        async with self._homes.at(name.project_id) as store:
            return await store.find_job(name)

    async def claim_job(
        self, name: JobName, worker: str, *, lease_ms: int, now_ms: int, progress: JobProgress | None = None
    ) -> Claim:
        async with self._homes.at(name.project_id) as store:
            return await store.claim_job(name, worker, lease_ms=lease_ms, now_ms=now_ms, progress=progress)

    async def end_job(
        self,
        name: JobName,
        state: JobState,
        *,
        now_ms: int,
        error_code: str = "",
        progress: JobProgress | None = None,
    ) -> JobState | None:
        async with self._homes.at(name.project_id) as store:
            return await store.end_job(name, state, now_ms=now_ms, error_code=error_code, progress=progress)

    async def forget_job(self, job: Job) -> None:
        async with self._homes.at(job.name.project_id) as store:
            await store.forget_job(job)

    async def open_jobs(self) -> list[JobName]:
        """Those of the databases that answer. Raises StoreUnavailable if one does not, and the others have none."""
        asked = (store.open_jobs() for store in self._databases.values())
        answers = await asyncio.gather(*asked, return_exceptions=True)
        found = [name for answer in answers if not isinstance(answer, BaseException) for name in answer]
        for failure in answers:
            if isinstance(failure, BaseException) and not (found and isinstance(failure, StoreUnavailable)):
                raise failure
        return found

    async def put_input(self, name: JobName, text: str) -> None:
        async with self._homes.at(name.project_id) as store:
            await store.put_input(name, text)

    async def read_input(self, name: JobName) -> str | None:
        async with self._homes.at(name.project_id) as store:
            return await store.read_input(name)

    async def drop_input(self, name: JobName) -> None:
        async with self._homes.at(name.project_id) as store:
            await store.drop_input(name)

    async def append(self, name: JobName, start: int, lines: Sequence[str]) -> None:
        async with self._homes.at(name.project_id) as store:
            await store.append(name, start, lines)

    async def read(self, name: JobName, start: int, limit: int) -> list[str]:
        async with self._homes.at(name.project_id) as store:
            return await store.read(name, start, limit)

    def forget_connections(self) -> None:
        """For a process that was restored from a snapshot."""
        for store in self._databases.values():
            if isinstance(store, Connected):
                store.forget_connections()

    async def close(self) -> None:
        for store in self._databases.values():
            await store.close()

    async def _as_guest[A](self, ticket: Ticket, ask: Callable[[], Awaitable[A]]) -> A:
        """What is asked, once more where the key of another database's project had still to be let in."""
        answer = await ask()
        if not isinstance(answer, StaleCaller) or not await self._let_in(ticket):
            return answer
        return await ask()

    async def _let_in(self, ticket: Ticket) -> bool:
        """Whether the key is a guest now. Raises Forbidden for one with limits: they are counted in one database."""
        own = self._homes.placement.database_of(ticket.project_id)
        if self._homes.placement.database_of(ticket.key_home) == own:
            return False
        try:
            key = await self.find_key(ticket.key_home, ticket.digest)
        except StoreUnavailable:  # the caller is looked up anew, and its own database says so
            return False
        if key is None or key.rights_tag != ticket.rights_tag or key.revoked_ms is not None:
            return False
        if key.limits != Limits():
            raise Forbidden(_LIMITED, param="project_id")
        await self._databases[own].put_guest(key)
        return True

    def _known_by(self, project_id: str) -> str:
        """The database that knows of deployments what the project's requests meet."""
        return self._homes.placement.database_of(project_id) if project_id else FIRST

    def _shared(self, ticket: Ticket, candidates: Sequence[Candidate]) -> Sequence[Candidate]:
        """The same with the database's part of what providers may be asked in a minute."""
        if not any(candidate.rpm or candidate.tpm for candidate in candidates):
            return candidates
        return [replace(one, rpm=self._share(ticket, one.rpm), tpm=self._share(ticket, one.tpm)) for one in candidates]

    def _ended(self, ticket: Ticket, settlement: Settlement) -> Settlement:
        """The same with the limits that the attempt was admitted under."""
        if not (settlement.rpm or settlement.tpm):
            return settlement
        return replace(settlement, rpm=self._share(ticket, settlement.rpm), tpm=self._share(ticket, settlement.tpm))

    def _share(self, ticket: Ticket, limit: int) -> int:
        placement = self._homes.placement
        return placement.share_of(placement.database_of(ticket.project_id), limit)
