"""The values that the store's three operations take and give: `admit`, `next` and `settle`.

A request is admitted once per attempt: `admit` before the first provider call, `next` between a failed attempt and
its fallback, `settle` at the end. Each is one atomic step, one HTTP round trip. An attempt's money is held under
`{request_id}.{attempt}` from its admission until it is settled; nothing else frees it, least of all time.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from gateway_core.domain.chat import BreakerEffect, RefusalReason
from gateway_core.domain.rates import RateView
from gateway_core.domain.times import day_key, hour_key, utc_date
from gateway_core.store.changes import Change

DEGRADED = -1
"""The generation of an attempt that was admitted while the store was away."""
STALE_MS = 60_000
"""An average that learned nothing for so long may be wrong by now: it is checked, and what is found weighs more."""
ASK_AGAIN_MS = 1000
"""When to ask again while a probe is under way: most probes end long before their lease does."""
PROBE = "probe"
"""The scope of a refusal by a breaker whose probe is under way."""
REFUSAL_ORDER: tuple[RefusalReason, ...] = ("budget", "rate", "breaker_open")


@dataclass(frozen=True, slots=True)
class Ticket:
    """One request as the store sees it. `admitted_ms` fixes the day and month that the request is charged to.

    `project_id` is whose books it goes to; `key_project_id` is where the key lives, another project only for an
    admin key.
    """

    request_id: str
    project_id: str
    key_id: str
    digest: str
    rights_tag: str
    admitted_ms: int
    user_id: str = ""
    agent_id: str = ""
    key_project_id: str = ""
    session_id: str = ""

    @property
    def key_home(self) -> str:
        """The project whose hash holds the key."""
        return self.key_project_id or self.project_id

    @property
    def day(self) -> str:
        """UTC day, `20261120`."""
        return day_key(utc_date(self.admitted_ms))

    @property
    def month(self) -> str:
        """UTC month, `202611`."""
        return self.day[:6]

    @property
    def hour(self) -> str:
        """UTC hour of the day, `00` to `23`."""
        return hour_key(self.admitted_ms)

    @property
    def scopes(self) -> tuple[str, ...]:
        """Whose budgets the request counts against: the project, the key and, where known, the user."""
        base = ("p", f"k:{self.key_id}")
        return (*base, f"u:{self.user_id}") if self.user_id else base


@dataclass(frozen=True, slots=True)
class Candidate:
    """A deployment that may serve the request, with the bound that would be held for it.

    `rpm` and `tpm` are limits per minute that we set for the provider; 0 means none. `likely_tokens` is what the
    provider will count against its own limit; the hold, which is a bound, would leave most of that unused.
    """

    provider: str
    deployment_id: str
    hold_nano: int
    hold_tokens: int
    rpm: int = 0
    tpm: int = 0
    likely_tokens: int = 0


@dataclass(frozen=True, slots=True)
class BreakerPolicy:
    """`failures` in a row, none older than `window_ms`, open the breaker for `cooldown_ms`.

    Each failed probe doubles the cool-down up to `max_cooldown_ms`. A probe that is not settled within `lease_ms`
    is presumed dead, and the next request may probe.
    """

    failures: int = 5
    window_ms: int = 60_000
    cooldown_ms: int = 30_000
    max_cooldown_ms: int = 480_000
    lease_ms: int = 60_000


@dataclass(frozen=True, slots=True)
class Terms:
    """On which terms the store is asked: at the moment `now_ms`, under the breaker's `policy`.

    A candidate that would have to wait for longer than `max_wait_ms` is refused; a settlement has no use for it.
    """

    now_ms: int
    policy: BreakerPolicy
    max_wait_ms: int = 0


@dataclass(frozen=True, slots=True)
class Shortage:
    """How a budget's limit stands, in nano-USD or tokens as its name says; what is `held` is not `left`.

    `room_nano` and `room_tokens` are the most that would fit under all limits of the request, 2^53 - 1 without any.
    """

    limit: int
    left: int
    held: int
    room_nano: int
    room_tokens: int


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why the candidate at `index` was passed over; `retry_after_ms` is when it could start at once, 0 = unknown.

    While a probe is under way that is the end of its lease: it may well be earlier. Only a rate limit's own moment is
    not put off by a probe. `shortage` goes with `budget`.

    `scope` is whose limit it is and which: `p:day_nano`, `k:{key_id}:rpm`, `u:{user_id}:month_tokens`, `provider:tpm`
    where we set the limit, `deployment:tpm` where the provider reported it, `deployment:reset` where nothing is left of
    it. For `breaker_open` it is empty, `probe` while a probe is under way, or `closed` when the request was over, which
    only a late message can meet.
    """

    index: int
    reason: RefusalReason
    scope: str = ""
    retry_after_ms: int = 0
    shortage: Shortage | None = None

    @property
    def ask_again_ms(self) -> int:
        """When it is worth while to ask again; 0 = unknown."""
        return min(self.retry_after_ms, ASK_AGAIN_MS) if self.scope == PROBE else self.retry_after_ms


@dataclass(frozen=True, slots=True)
class Admitted:
    """Candidate `index` may be called after `wait_ms`; its bound is held under attempt number `attempt` (from 1).

    `limited`: a budget of the project, key or user, or a rate limit of the key, is set, whether or not it binds now.
    `changes` are what this step changed, for `next` also by settling the attempt before. `serial` numbers the month's
    admissions, from 1; 0 is one that was made without the store.
    """

    index: int
    attempt: int
    generation: int
    probe: bool
    wait_ms: int = 0
    passed_over: tuple[Refusal, ...] = ()
    limited: bool = False
    changes: tuple[Change, ...] = ()
    serial: int = 0


@dataclass(frozen=True, slots=True)
class Refused:
    """No candidate can be called now; nothing is held. `changes`, as of `Admitted`, can only come from `next`."""

    refusals: tuple[Refusal, ...]
    changes: tuple[Change, ...] = ()

    @property
    def main(self) -> Refusal:
        """The refusal to report: budget before rate before breaker; among equals the soonest to end."""
        return min(self.refusals, key=lambda r: (REFUSAL_ORDER.index(r.reason), r.retry_after_ms))

    @property
    def reported(self) -> Refusal:
        """The main refusal with the first moment at which any candidate could start, whatever keeps it now.

        A rate limit's moment is certain, so a probe that may end any time does not make it "in a second"; where only
        breakers keep the request, that is the better answer.
        """
        main = self.main
        if main.reason == "budget":
            return main
        certain = main.reason == "rate"
        waits = [other.retry_after_ms if certain else other.ask_again_ms for other in self.refusals]
        return replace(main, retry_after_ms=min(filter(None, waits), default=0))


@dataclass(frozen=True, slots=True)
class StaleCaller:
    """The key was revoked or changed since the caller was looked up; nothing is held. Look it up again.

    `changes` as of `Refused`.
    """

    changes: tuple[Change, ...] = ()


type Admission = Admitted | Refused | StaleCaller


@dataclass(frozen=True, slots=True)
class Settlement:
    """How one admitted attempt ended.

    `charge_nano` and `charge_tokens` are what it is known to cost. With `unconfirmed` the provider may have billed
    an unknown part of the bound: the hold then stays, counting against limits but in no report, until reconciled.
    `retry_after_ms` goes with the effect `limit`. An attempt that was `unsent` gives its places back, in the limits
    that we set (`rpm` and `tpm` of the provider, the key's). `rates` are the limits that the provider reported.
    `latency_ms` is what a success tells of the deployment's speed: the time until the first content if it was
    `streamed`, else `comparable_ms` of the whole answer. `estimated` says that the charge is an estimate: it is spent,
    and told apart. `unconfirmed_nano` and `unconfirmed_tokens` are what stays held of an `unconfirmed` attempt, beside
    its charge and never more than the rest of its hold; None is that rest. `serial` is that of its admission: a hold
    with another one, which a late copy of the admission made, is not this attempt's. 0 takes any.
    """

    attempt: int
    provider: str
    deployment_id: str
    generation: int
    probe: bool
    effect: BreakerEffect
    latency_ms: int = 0
    charge_nano: int = 0
    charge_tokens: int = 0
    unconfirmed: bool = False
    retry_after_ms: int = 0
    tpm: int = 0
    rpm: int = 0
    unsent: bool = False
    rates: RateView | None = None
    streamed: bool = False
    estimated: bool = False
    unconfirmed_nano: int | None = None
    unconfirmed_tokens: int | None = None
    serial: int = 0

    def late(self) -> Settlement:
        """As it is settled later on: what the provider reported of its limits is out of date by then."""
        return replace(self, rates=None)

    def outdated(self) -> Settlement:
        """As it is settled when it says nothing any more of the deployment's health either."""
        return replace(self, rates=None, effect="skip")


@dataclass(frozen=True, slots=True)
class Settled:
    """What a settlement did: `written` says that it closed the request, which one call a request does.

    `folded` are the kinds of names that were counted among the rest, as their day or month has very many.
    """

    written: bool
    changes: tuple[Change, ...] = ()
    folded: tuple[str, ...] = ()
