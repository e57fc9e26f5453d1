"""The state of one request while its candidates are tried. Does no I/O."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from gateway_core.domain.answer import Cost, Usage
from gateway_core.domain.chat import BreakerEffect, Outcome, RefusalReason
from gateway_core.domain.provider_errors import ProviderError
from gateway_core.domain.rates import RateView
from gateway_core.domain.result import Attempt, Drop, Explanation
from gateway_core.routing.bounds import BoundedCandidate
from gateway_core.store.changes import Change
from gateway_core.store.deployment_state import comparable_ms
from gateway_core.store.messages import DEGRADED, Admission, Admitted, Candidate, Refusal, Settlement, Ticket
from gateway_core.telemetry.events import Event

if TYPE_CHECKING:  # what only tells events has no use for it
    from gateway_core.pipeline.calls import Calls
    from gateway_core.pipeline.fitting import Fitting

type Bound = tuple[int, int]
"""The most that an attempt can cost, in nano-USD and tokens."""

_SKIP_CODES: dict[RefusalReason, str] = {
    "budget": "budget_exceeded",
    "rate": "rate_limited",
    "breaker_open": "breaker_open",
}


@dataclass(slots=True)
class RequestState:
    """One request, from its plan to its settlement.

    Attributes:
        ticket: The request as the store knows it.
        untried: Candidates that may still be admitted, in order; one that failed may be put back.
        deadline_s: When the answer must be there, in seconds of the monotonic clock.
        model_group: The group that was asked for, empty for a model.
        kind: `chat` or `embedding`.
        price_hash: The beginning of the SHA-256 of the list prices in force.
        began_s: When the current attempt was sent, in seconds of the monotonic clock.
        degraded: An attempt was admitted without the store.
        explanation: Why the candidates stand in their order, if the request asked.
        attempts: What is reported to the caller: calls, and candidates that were passed over.
        current: The candidate that was admitted last, or whose kept answer is given.
        cache_hit: A kept answer is given.
        pending: The settlement that the store does not have yet.
        ended: How the last attempt ended, settled or not.
        waited_ms: How much of the time that it may queue is used up.
        errors: One for each failed attempt, oldest first.
        failures: Failed attempts by model key.
        usage: Tokens of all attempts.
        costs: Cost of each attempt that was billed.
        first_token_ms: Time from the request's start to the first content of a stream.
        events: Events that are not handed on yet.
        emitting: Deliveries of events that are under way.
        reported_changes: Changes of the store that have become events already.
        caller_left: Nobody waits for the answer any more: what is under way is read to its end, and nothing begun.
        fitting: How its holds may be made to fit into a budget; None if they are what they are.
        downgraded: `reasoning->fast`, where a budget made the latter serve who asked for the former.
        calls: What candidates are asked; None where nothing of it can be prepared.
        answered_ms: When the attempt that answered had ended, in wall time.
        models: Model keys of all candidates, by provider and deployment id.
    """

    ticket: Ticket
    untried: list[BoundedCandidate]
    deadline_s: float
    model_group: str
    kind: str = "chat"
    price_hash: str = ""
    began_s: float = 0.0
    degraded: bool = False
    explanation: Explanation | None = None
    attempts: list[Attempt] = field(default_factory=list)
    current: BoundedCandidate | None = None
    cache_hit: bool = False
    pending: Settlement | None = None
    ended: Settlement | None = None
    waited_ms: int = 0
    errors: list[ProviderError] = field(default_factory=list)
    failures: Counter[str] = field(default_factory=Counter)
    usage: Usage = field(default_factory=Usage)
    costs: list[Cost] = field(default_factory=list)
    first_token_ms: int | None = None
    events: list[Event] = field(default_factory=list)
    emitting: list[asyncio.Task[None]] = field(default_factory=list)
    reported_changes: set[Change] = field(default_factory=set)
    caller_left: bool = False
    fitting: Fitting | None = None
    downgraded: str = ""
    calls: Calls | None = None
    answered_ms: int = 0
    models: dict[tuple[str, str], str] = field(init=False)
    _skipped: set[str] = field(default_factory=set)
    _under_way: bool = False

    def __post_init__(self) -> None:
        self.models = {(o.candidate.provider, o.candidate.deployment_id): o.model.key for o in self.untried}

    @property
    def candidates(self) -> list[Candidate]:
        return [bounded.candidate for bounded in self.untried]

    def drop(self, drops: tuple[Drop, ...]) -> None:
        """Note the candidates that routing left out."""
        self.attempts += [Attempt(drop.model, drop.provider, "skipped", drop.reason) for drop in drops]

    def skip(self, refusals: tuple[Refusal, ...]) -> None:
        """Note, once each, the candidates that the store passed over; they stay open for a later try.

        What has failed already has its lines.
        """
        for refusal in refusals:
            model = self.untried[refusal.index].model
            if model.key not in self._skipped and model.key not in self.failures:
                self._skipped.add(model.key)
                self.attempts.append(Attempt(model.key, model.provider, "skipped", _SKIP_CODES[refusal.reason]))

    def take(self, admitted: Admitted) -> BoundedCandidate:
        """Make the admitted candidate the current one."""
        self.skip(admitted.passed_over)
        self.degraded = self.degraded or admitted.generation == DEGRADED
        bounded = self.current = self.untried.pop(admitted.index)
        self.pending = Settlement(
            attempt=admitted.attempt,
            provider=bounded.candidate.provider,
            deployment_id=bounded.candidate.deployment_id,
            generation=admitted.generation,
            probe=admitted.probe,
            effect="skip",
            tpm=bounded.candidate.tpm,
            rpm=bounded.candidate.rpm,
            unsent=True,
            serial=admitted.serial,
        )
        return bounded

    def serve_kept(self, bounded: BoundedCandidate) -> None:
        """Nothing is asked: an answer that this candidate gave before is given."""
        self.current, self.cache_hit = bounded, True

    def leave(self, admission: Admission) -> None:
        """The caller left while the store was asked: what it admitted will not be made use of."""
        self.pending = None
        if isinstance(admission, Admitted):
            self.take(admission)

    def begin(self, now_s: float) -> None:
        """The current attempt is about to be sent: from here on the provider may bill it, whatever we learn."""
        self.began_s, self._under_way = now_s, True
        self.pending = replace(self._pending, unconfirmed=True, unsent=False)

    def lost(self, error: ProviderError, cost: Cost | None, latency_ms: int, most: Bound | None = None) -> None:
        """The current attempt failed; `cost` is what the provider is known, or estimated, to bill for it.

        `most` is what an unconfirmed one may cost in all, None if that is its bound.
        """
        self._note("failed", error.code, latency_ms)
        self.errors.append(error)
        self.failures[self.last.model.key] += 1
        retry_after = round((error.retry_after_s or 0) * 1000)
        self._settle_as(
            error.usage,
            cost,
            latency_ms,
            effect=error.effect,
            rates=error.rates,
            retry_after_ms=retry_after,
            estimated=error.estimated,
        )
        if error.unconfirmed:
            self._keep_held(most)
        self.ended = self.pending

    def won(
        self,
        usage: Usage,
        cost: Cost,
        latency_ms: int,
        rates: RateView | None = None,
        first_content_ms: int | None = None,
    ) -> None:
        """The current attempt answered; `rates` is what its provider said of its limits.

        If it streamed, its first content came after `first_content_ms`.
        """
        self._note("ok", None, latency_ms)
        streamed = first_content_ms is not None
        speed_ms = comparable_ms(latency_ms, usage.output_tokens) if first_content_ms is None else first_content_ms
        self._settle_as(usage, cost, speed_ms, effect="ok", rates=rates, streamed=streamed)

    def interrupted(self, latency_ms: int, most: Bound | None = None) -> None:
        """The work ends now: an attempt that is under way has failed, and may be billed `most`, as in `lost`."""
        self._note("failed", "cancelled", latency_ms)
        self._keep_held(most)

    def abandoned(
        self, usage: Usage, cost: Cost, latency_ms: int, rates: RateView | None = None, *, estimated: bool
    ) -> None:
        """The caller left in the middle of a stream that costs this much, as it is known or estimated."""
        self._note("failed", "cancelled", latency_ms)
        self._settle_as(usage, cost, latency_ms, effect="skip", rates=rates, estimated=estimated)

    @property
    def made(self) -> int:
        """How many attempts have ended: the calls, without the candidates that were passed over."""
        return sum(attempt.outcome != "skipped" for attempt in self.attempts)

    @property
    def cost(self) -> Cost:
        """Of all attempts together."""
        return Cost(
            sum(cost.input_nano for cost in self.costs),
            sum(cost.output_nano for cost in self.costs),
            self.last.model.price.source,
            sum(cost.estimated_nano for cost in self.costs),
        )

    @property
    def is_under_way(self) -> bool:
        """Whether an attempt was sent of which no end is known yet."""
        return self._under_way

    @property
    def has_won(self) -> bool:
        """Whether an attempt answered."""
        return bool(self.attempts) and self.attempts[-1].outcome == "ok"

    @property
    def last(self) -> BoundedCandidate:
        if self.current is None:
            raise RuntimeError("no attempt was admitted yet")
        return self.current

    @property
    def _pending(self) -> Settlement:
        if self.pending is None:
            raise RuntimeError("no attempt is under way")
        return self.pending

    def _note(self, outcome: Outcome, code: str | None, latency_ms: int) -> None:
        model, self._under_way = self.last.model, False
        self.attempts.append(Attempt(model.key, model.provider, outcome, code, latency_ms))

    def _keep_held(self, most: Bound | None) -> None:
        """Nobody knows the bill: what may be billed beside the charge stays held."""
        pending = replace(self._pending, unconfirmed=True)
        if most is not None:
            nano, tokens = max(0, most[0] - pending.charge_nano), max(0, most[1] - pending.charge_tokens)
            pending = replace(pending, unconfirmed_nano=nano, unconfirmed_tokens=tokens)
        self.pending = pending

    def _kept(self, rates: RateView | None) -> RateView | None:
        """What the fleet is to know of the deployment's limits."""
        return rates if self.last.model.is_watched else None

    def _settle_as(
        self,
        usage: Usage | None,
        cost: Cost | None,
        latency_ms: int,
        *,
        effect: BreakerEffect,
        rates: RateView | None,
        retry_after_ms: int = 0,
        streamed: bool = False,
        estimated: bool = False,
    ) -> None:
        if usage is not None:
            self.usage += usage
        if cost is not None:
            self.costs.append(cost)
        self.pending = replace(
            self._pending,
            effect=effect if self.last.model.is_watched else "skip",
            latency_ms=latency_ms,
            charge_nano=cost.total_nano if cost else 0,
            charge_tokens=usage.total_tokens if usage else 0,
            unconfirmed=False,
            retry_after_ms=retry_after_ms,
            rates=self._kept(rates),
            streamed=streamed,
            estimated=estimated,
        )
