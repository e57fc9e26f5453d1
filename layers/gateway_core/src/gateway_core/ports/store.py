"""The shared store, by who uses which part of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Protocol

from gateway_core.ports.jobs import JobBook, JobFiles
from gateway_core.ports.keys import KeyStore, Residents
from gateway_core.ports.outside import Connected
from gateway_core.store.counters import Counters
from gateway_core.store.deployment_state import DeploymentState
from gateway_core.store.earlier_counters import EarlierFields
from gateway_core.store.estimates import Booked
from gateway_core.store.messages import Admission, Candidate, Settled, Settlement, Terms, Ticket
from gateway_core.store.probes import FleetHealth, Probe
from gateway_core.store.records import (
    AttemptName,
    HoldPage,
    HourPlace,
    HourRecords,
    OpenHold,
    RecordPage,
    UsageRecord,
)
from gateway_core.store.response_cache import LookUp
from gateway_core.store.virtual_keys import KeyRecord

if TYPE_CHECKING:
    from gateway_core.store.invoices import InvoiceDay


class ResponseCache(Protocol):
    """Answers that are kept for equal requests of their project. Raises like `Ledger`.

    `entry` is a digest of all that an answer depends on, see `store.kept_answers`.
    """

    async def look_up(self, ticket: Ticket, entry: str | None, terms: Terms) -> LookUp:
        """The answer kept under `entry`, None if the caller has it already, for a key that is what it was.

        A hit takes one of the key's requests a minute, as an admission does, and is then to be settled, with
        `attempts` 0. Idempotent until that is done.
        """
        ...

    async def keep(self, project_id: str, entry: str, value: str, *, ttl_s: int, now_ms: int) -> None:
        """Keep a value, in the place of an older one, for `ttl_s` seconds."""
        ...


class Ledger(ResponseCache, Protocol):
    """The request path of the store. Every call raises StoreUnavailable within its deadline when it cannot answer.

    All are idempotent: the same call again changes nothing and answers the same (`settle` answers not `written`).
    What a step changed comes with its answer. A copy tells it again, unless the request has moved on.
    """

    async def find_key(self, project_id: str, digest: str) -> KeyRecord | None:
        """The virtual key with this SHA-256 hex digest, revoked ones included."""
        ...

    async def admit(self, ticket: Ticket, candidates: Sequence[Candidate], terms: Terms) -> Admission:
        """Admit the first candidate that can start at once, else the one with the shortest wait within the limit.

        On the way a few holds of the project are booked that are due, see `HoldBook`; that never fails an admission.
        """
        ...

    async def next(
        self, ticket: Ticket, settlement: Settlement, candidates: Sequence[Candidate], terms: Terms
    ) -> Admission:
        """Settle a failed attempt and admit the next one (attempt number + 1) in one step.

        The attempt stays settled when nothing is admitted, and the same call may be made again, say after a wait.
        """
        ...

    async def settle(self, ticket: Ticket, settlement: Settlement | None, record: UsageRecord, terms: Terms) -> Settled:
        """Close the request: settle its last attempt, write the record and the counters. Not `written` if already done.

        `settlement` is None when the last attempt was settled by a `next` that admitted nothing, and for a record
        with `attempts` 0, which is that of a hit: it was looked up instead of admitted. Generation -1 says that the
        attempt was admitted while the store was away: it is charged, and counts once like any other. What a later call
        settles with a known charge, after `unconfirmed`, corrects the money and adds a record of the difference.

        Raises RecordRefused where the store settled the money and cannot take the record: a later call writes it.
        """
        ...

    async def deployment_states(
        self, deployments: Sequence[tuple[str, str]], project_id: str = ""
    ) -> list[DeploymentState]:
        """Breaker state and latency of (provider, deployment id) pairs, in the order asked.

        Of several databases that of the project knows what its requests meet; the first answers if none is named.
        """
        ...

    async def fleet_health(self, deployments: Sequence[tuple[str, str]], project_id: str = "") -> FleetHealth:
        """The same with the results of the last probes, stale ones included, in one trip."""
        ...


class HoldBook(Protocol):
    """Money that is held. What nobody settles is booked as an estimate, and replaced as soon as somebody knows better.

    A hold is due once its UTC day is over and it has been unconfirmed, since both, for `unconfirmed_after_ms`. Spent
    and held together stay what they are by it; the record and the counters are those of a reconciliation.
    """

    async def open_holds(self, project_id: str, *, month: str) -> list[OpenHold]:
        """All that is held, oldest first; nothing that is booked."""
        ...

    async def hold_page(self, project_id: str, *, month: str, cursor: str = "") -> HoldPage:
        """Some of what is held or booked, in no order, from the cursor on."""
        ...

    async def find_hold(self, project_id: str, *, month: str, name: AttemptName) -> OpenHold | None:
        """What is held or booked for one attempt."""
        ...

    async def book_hold(self, project_id: str, hold: OpenHold, *, now_ms: int) -> Booked | None:
        """Book a hold, whether or not it is due. Once: None if it is booked, or is not what `hold` says any more."""
        ...

    async def book_holds(self, project_id: str, holds: Sequence[OpenHold], *, now_ms: int) -> list[Booked]:
        """The same for many at once, in few trips; those that were booked."""
        ...

    async def book_due(self, project_id: str, *, now_ms: int, limit: int) -> list[Booked]:
        """Book up to `limit` unconfirmed attempts of the project that are due; `admit` does that with a few.

        Attempts that nobody settled at all are found in `hold_page` only.
        """
        ...

    async def resolve_hold(
        self,
        project_id: str,
        *,
        month: str,
        request_id: str,
        attempt: int,
        charge_nano: int,
        charge_tokens: int,
        now_ms: int,
    ) -> bool:
        """Release a hold, spending the charge instead, which then shows in reports. False if there is no such hold.

        A booking as an estimate is taken back before. An attempt that is resolved while it still runs cannot be settled
        any more: its record is not written.
        """
        ...


class ProbeBoard(Protocol):
    """Where probes put what they found, for `Ledger.fleet_health`."""

    async def post_probes(self, probes: Sequence[Probe], *, kept_ms: int) -> None:
        """Replace all results; they are forgotten after `kept_ms`."""
        ...


class Books(Protocol):
    """What reports read. Days are UTC, `20261120`."""

    async def names(self, project_id: str, indexes: Mapping[str, Sequence[str]]) -> dict[str, dict[str, list[str]]]:
        """What indexes (see `counters`) list, asked for and told by month (`202611`) and field, if it is there.

        This and what follows is read in pages, each within the store's deadline: the whole may take longer.
        """
        ...

    async def counted(self, project_id: str, wanted: Mapping[str, Sequence[str]]) -> dict[str, dict[str, Counters]]:
        """Counters, asked for and told by month and field. What was never counted is left out."""
        ...

    async def earlier_counters(
        self, project_id: str, days: Sequence[str], wanted: EarlierFields
    ) -> list[dict[str, Counters]]:
        """What an earlier release counted, one mapping a day, in the order asked; empty for a day without any."""
        ...

    async def usage_records(self, project_id: str, *, day: str, after: str = "", limit: int = 100) -> RecordPage:
        """The day's records, by hour and oldest first, from the one behind the cursor `after`."""
        ...

    async def hour_records(
        self, project_id: str, places: Sequence[HourPlace], *, limit: int, newest: bool = False
    ) -> list[HourRecords]:
        """For each place up to `limit` records behind it, or the `newest` of its hour, in one trip."""
        ...

    async def projects(self) -> list[str]:
        """Every project that ever had a request, sorted."""
        ...


class InvoiceBook(Protocol):
    """Where it is kept what providers billed."""

    async def put_invoices(self, found: Sequence[InvoiceDay], *, kept_ms: int) -> None:
        """Keep each in the place of an earlier one of its provider and day; they are forgotten after `kept_ms`."""
        ...

    async def invoices(self, providers: Sequence[str], days: Sequence[date]) -> list[InvoiceDay]:
        """What is kept of these, by day and then provider, as they were given."""
        ...


class OperatorStore(KeyStore, Residents, HoldBook, Books, Protocol):
    """What the `gateway` command line works with."""


class Store(Ledger, KeyStore, Residents, HoldBook, ProbeBoard, Books, JobBook, JobFiles, InvoiceBook, Protocol):
    """All of it; `close` releases connections."""

    @property
    def databases(self) -> Mapping[str, Store]:
        """Each for itself, by its name, where there are several; else itself, as the first."""
        ...

    async def close(self) -> None: ...


class ConnectedStore(Store, Connected, Protocol):
    """A store that is reached over a network."""
