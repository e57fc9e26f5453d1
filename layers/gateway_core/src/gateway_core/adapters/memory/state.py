"""What the memory store remembers. It lives as long as its process; only kept answers end before."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from gateway_core.domain.caller import Limits
from gateway_core.store import breaker, rate_limit
from gateway_core.store.breaker import Breaker
from gateway_core.store.budget import Account, Hold
from gateway_core.store.changes import Change
from gateway_core.store.counters import Counters
from gateway_core.store.deployment_state import Measured
from gateway_core.store.invoices import InvoiceDay
from gateway_core.store.jobs import Job, JobName
from gateway_core.store.messages import Admitted, Ticket
from gateway_core.store.probes import Probe
from gateway_core.store.rate_limit import NO_SEQUENCE, AdmissionSequence, Arrival, ProviderLimits
from gateway_core.store.records import UsageRecord
from gateway_core.store.virtual_keys import KeyRecord

type AttemptId = tuple[str, int]
"""Request id and attempt number."""
type Bucket = tuple[str, str, Literal["rpm", "tpm"]]
"""Kind of owner (`provider` or `key`), its name, and which limit."""
type DeploymentKey = tuple[str, str]
"""Provider and deployment id."""
type Timed = tuple[str, str, bool]
"""Provider, deployment id, and whether streams are timed or whole answers."""


@dataclass(frozen=True, slots=True)
class StoredHold:
    """A hold with what is needed to answer a repeated admission and to settle it.

    `key_rpm` and `key_tpm` are the key's limits, 0 = none; `sequence` puts its provider's reports in order.
    `limits` are those of the ticket's scopes, in order, as they were at the admission; `counts_user` says that its user
    is one of these.
    """

    hold: Hold
    key_id: str
    user_id: str
    day: str
    since_ms: int
    key_tpm: int
    answer: Admitted
    limits: tuple[Limits, ...] = ()
    counts_user: bool = False
    key_rpm: int = 0
    sequence: AdmissionSequence = NO_SEQUENCE
    unconfirmed: bool = False
    unconfirmed_ms: int = 0
    booked: bool = False


@dataclass(frozen=True, slots=True)
class Mark:
    """What outs late copies of calls for a request whose first attempt failed, until it is closed.

    `settled`: attempts up to `attempt` are settled; `degraded`: the same, and it began while the store was away;
    `closed`: its record is written, where no hold proves that it is not. `changes` are those that a copy reports again.
    """

    kind: Literal["settled", "degraded", "closed"]
    attempt: int = 0
    changes: tuple[Change, ...] = ()


@dataclass(frozen=True, slots=True)
class Latency:
    """Moving average of successes, the last at `at_ms`; in whole microseconds so that Lua and Python agree."""

    average_us: int
    at_ms: int

    @property
    def measured(self) -> Measured:
        return Measured(self.average_us / 1000, self.at_ms)


@dataclass(slots=True)
class StoredJob:
    """A job with who works on it, and until when nobody else may."""

    job: Job
    listed: bool = True
    worker: str = ""
    lease_ms: int = 0


@dataclass(slots=True)
class MonthAccounts:
    """One project's month: what its budget hash holds. `admissions` counts them."""

    admissions: int = 0
    accounts: defaultdict[tuple[str, str], Account] = field(default_factory=lambda: defaultdict(Account))
    holds: dict[AttemptId, StoredHold] = field(default_factory=dict)
    marks: dict[str, Mark] = field(default_factory=dict)


@dataclass(slots=True)
class State:
    """All of it. Days are `20261120`, months `202611`; an account's period is one of both.

    `answers` are kept values with their end, by project and entry; `hits` the waits of those that are not recorded yet,
    by project and request. `unconfirmed` says of attempts by project and `index_name` from when on their wait to be
    booked is counted. `guests` are projects whose keys are here as copies. `job_names` are jobs by project and digest
    of the idempotency key.
    """

    keys: defaultdict[str, dict[str, KeyRecord]] = field(default_factory=lambda: defaultdict(dict))
    made_once: dict[tuple[str, str], str] = field(default_factory=dict)
    guests: set[str] = field(default_factory=set)
    budgets: dict[tuple[str, str], Limits] = field(default_factory=dict)
    months: defaultdict[tuple[str, str], MonthAccounts] = field(default_factory=lambda: defaultdict(MonthAccounts))
    breakers: defaultdict[DeploymentKey, Breaker] = field(default_factory=lambda: defaultdict(Breaker))
    latencies: dict[Timed, Latency] = field(default_factory=dict)
    provider_limits: dict[DeploymentKey, ProviderLimits] = field(default_factory=dict)
    arrivals: dict[Bucket, Arrival] = field(default_factory=dict)
    counters: defaultdict[tuple[str, str], dict[str, Counters]] = field(default_factory=lambda: defaultdict(dict))
    names: defaultdict[tuple[str, str], dict[str, list[str]]] = field(default_factory=lambda: defaultdict(dict))
    records: defaultdict[tuple[str, str], list[tuple[str, UsageRecord]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    probes: tuple[Probe, ...] = ()
    invoices: dict[tuple[str, date], InvoiceDay] = field(default_factory=dict)
    answers: dict[tuple[str, str], tuple[str, int]] = field(default_factory=dict)
    hits: dict[tuple[str, str], int] = field(default_factory=dict)
    unconfirmed: defaultdict[str, dict[str, int]] = field(default_factory=lambda: defaultdict(dict))
    jobs: dict[JobName, StoredJob] = field(default_factory=dict)
    job_names: dict[tuple[str, str], JobName] = field(default_factory=dict)
    job_inputs: dict[JobName, str] = field(default_factory=dict)
    job_logs: defaultdict[JobName, dict[int, str]] = field(default_factory=lambda: defaultdict(dict))

    def month_of(self, ticket: Ticket) -> MonthAccounts:
        """The month that a request is charged to."""
        return self.months[ticket.project_id, ticket.month]

    def arrival(self, bucket: Bucket, now_ms: int) -> Arrival:
        """What is known of a bucket; what only a wrong clock can have written is put right at once."""
        stored = self.arrivals.get(bucket, rate_limit.FULL)
        believed = rate_limit.believed(stored, now_ms)
        if believed != stored:
            self.arrivals[bucket] = believed
        return believed

    def breaker(self, deployment: DeploymentKey, now_ms: int) -> Breaker:
        """A deployment's breaker; the same holds."""
        believed = self.breakers[deployment] = breaker.believed(self.breakers[deployment], now_ms)
        return believed

    def reported(self, deployment: DeploymentKey, now_ms: int) -> ProviderLimits | None:
        """What its provider reported, None if nothing; the same holds."""
        if limits := self.provider_limits.get(deployment):
            limits = self.provider_limits[deployment] = rate_limit.believed_limits(limits, now_ms)
        return limits

    def has_user_account(self, ticket: Ticket) -> bool:
        """Users are as many as callers name: only one who has a budget, or had one this month, has accounts."""
        return (f"u:{ticket.user_id}", ticket.month) in self.month_of(ticket).accounts

    def home(self, ticket: Ticket, scope: str) -> MonthAccounts:
        """The month in which a scope's accounts are: a key's are kept where the key lives."""
        project = ticket.key_home if scope.startswith("k:") else ticket.project_id
        return self.months[project, ticket.month]


class Part:
    """A part of the store: its methods share one state."""

    def __init__(self, state: State) -> None:
        self._state = state
