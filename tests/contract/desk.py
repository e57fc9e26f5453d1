"""A short way to say what a test does to a store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from gateway_core.domain.caller import Limits
from gateway_core.ports import Store
from gateway_core.store.counters import Counters, Kind, all_field, index_field, named_field
from gateway_core.store.deployment_state import DeploymentState
from gateway_core.store.earlier_counters import HOURS
from gateway_core.store.messages import (
    Admission,
    Admitted,
    BreakerPolicy,
    Candidate,
    Settled,
    Settlement,
    Terms,
    Ticket,
)
from gateway_core.store.records import BudgetLine, UsageRecord
from gateway_core.store.response_cache import Hit, LookUp
from gateway_core.store.virtual_keys import KeyRecord, digest_of

NOON = 1_795_176_000_000
"""2026-11-20 12:00:00 UTC."""
DAY, MONTH = "20261120", "202611"
KINDS: tuple[Kind, ...] = ("m", "p", "k", "a", "u", "am", "um")
POLICY = BreakerPolicy()
DIGEST = digest_of("gk_alpha_secret")


def candidate(
    deployment: str = "m1", provider: str = "one", nano: int = 100, tokens: int = 10, **limits: int
) -> Candidate:
    """A deployment with a hold of 100 nano-USD and 10 tokens."""
    return Candidate(provider, deployment, nano, tokens, **limits)


def settled(admitted: Admitted, chosen: Candidate, effect: str = "ok", **changes: Any) -> Settlement:
    """How the admitted attempt ended; free unless `changes` name a charge."""
    outcome = Settlement(
        attempt=admitted.attempt,
        provider=chosen.provider,
        deployment_id=chosen.deployment_id,
        generation=admitted.generation,
        probe=admitted.probe,
        effect=effect,  # type: ignore[arg-type]
        tpm=chosen.tpm,
        serial=admitted.serial,
    )
    return replace(outcome, **changes)


def record_of(ticket: Ticket, **changes: Any) -> UsageRecord:
    """The record of a request that took one attempt."""
    fields: dict[str, Any] = {
        "request_id": ticket.request_id,
        "at_ms": ticket.admitted_ms,
        "project_id": ticket.project_id,
        "key_id": ticket.key_id,
        "agent_id": ticket.agent_id,
        "user_id": ticket.user_id,
        "kind": "chat",
        "model": "claude",
        "provider": "one",
        "model_group": "reasoning",
        "error_code": "",
        "attempts": 1,
        "input_tokens": 6,
        "output_tokens": 4,
        "cached_input_tokens": 1,
        "cache_write_tokens": 0,
        "reasoning_tokens": 2,
        "input_nano": 30,
        "output_nano": 40,
        "latency_ms": 900,
        "cache_hit": False,
        "price_source": "list",
        "input_includes_cached": True,
    }
    return UsageRecord(**{**fields, **changes})


async def counted(store: Store, project: str, month: str, period: str) -> dict[str, Counters]:
    """Each field of a period, found by way of the lists of names."""
    indexes = {index_field(kind, period): kind for kind in KINDS}
    lists = (await store.names(project, {month: list(indexes)}))[month]
    named = [named_field(indexes[index], period, name) for index, names in lists.items() for name in names]
    hourly = [named_field("hm", period + hour, name) for hour in HOURS for name in lists.get(f"i|m|{period}", [])]
    every = [all_field(period, hour) for hour in ("", *HOURS)]
    return (await store.counted(project, {month: [*every, *named, *hourly]}))[month]


@dataclass
class Desk:
    """One key of one project at one store. `at` is milliseconds after noon, the moment of what is done next."""

    store: Store
    project: str = "alpha"
    at: int = 0
    user: str = ""
    agent: str = ""
    tag: str = ""
    key_id: str = ""
    policy: BreakerPolicy = POLICY

    @property
    def now(self) -> int:
        return NOON + self.at

    async def open(self, **limits: int) -> Desk:
        """Store the key with these limits and know its rights."""
        await self.store.put_key(KeyRecord(self.project, DIGEST, limits=Limits(**limits)))
        key = await self.store.find_key(self.project, DIGEST)
        assert key
        self.tag, self.key_id = key.rights_tag, key.id
        return self

    async def budget(self, user: str = "", **limits: int) -> None:
        await self.store.set_budget(self.project, user, Limits(**limits))

    def ticket(self, request_id: str = "r1", **changes: Any) -> Ticket:
        return replace(
            Ticket(request_id, self.project, self.key_id, DIGEST, self.tag, NOON, self.user, self.agent), **changes
        )

    async def admit(self, request_id: str, *candidates: Candidate, wait: int = 0) -> Admission:
        return await self.admit_as(self.ticket(request_id), candidates or (candidate(),), wait)

    async def admit_as(self, ticket: Ticket, candidates: Sequence[Candidate], wait: int = 0) -> Admission:
        return await self.store.admit(ticket, candidates, Terms(self.now, self.policy, wait))

    async def admitted(self, request_id: str, *candidates: Candidate, wait: int = 0) -> Admitted:
        """As `admit`, where a refusal is a failed test."""
        answer = await self.admit(request_id, *candidates, wait=wait)
        assert isinstance(answer, Admitted), answer
        return answer

    async def next(self, request_id: str, ended: Settlement, *candidates: Candidate, wait: int = 0) -> Admission:
        return await self.store.next(
            self.ticket(request_id),
            ended,
            candidates or (candidate("m2", "two"),),
            Terms(self.now, self.policy, wait),
        )

    async def settle(self, request_id: str, ended: Settlement | None, **record: Any) -> bool:
        """Whether the record was written."""
        return (await self.close(request_id, ended, **record)).written

    async def close(self, request_id: str, ended: Settlement | None, **record: Any) -> Settled:
        ticket = self.ticket(request_id)
        return await self.store.settle(ticket, ended, record_of(ticket, **record), Terms(self.now, self.policy))

    async def call(self, request_id: str, effect: str = "ok", chosen: Candidate | None = None, **changes: Any) -> bool:
        """A whole request: admitted and settled."""
        chosen = chosen or candidate()
        return await self.settle(
            request_id, settled(await self.admitted(request_id, chosen), chosen, effect, **changes)
        )

    async def look_up(self, request_id: str, entry: str | None = None, wait: int = 0, **changes: Any) -> LookUp:
        return await self.store.look_up(self.ticket(request_id, **changes), entry, Terms(self.now, self.policy, wait))

    async def keep(self, entry: str, value: str, ttl_s: int = 60) -> None:
        await self.store.keep(self.project, entry, value, ttl_s=ttl_s, now_ms=self.now)

    async def hit(self, request_id: str) -> bool:
        """A whole request that is answered by what was kept."""
        assert isinstance(await self.look_up(request_id), Hit)
        return await self.settle(request_id, None, attempts=0, cache_hit=True, input_nano=0, output_nano=0)

    async def lines(self, scope: str = "p", project: str = "") -> tuple[BudgetLine, BudgetLine]:
        """The scope's day and month."""
        day, month = await self.store.budget_lines(project or self.project, day=DAY, scopes=[scope])
        return day, month

    async def money(self, scope: str = "p", project: str = "") -> tuple[int, int]:
        """Nano-USD spent and held in the scope's month."""
        _, month = await self.lines(scope, project)
        return month.spent_nano, month.held_nano

    async def tokens(self, scope: str = "p") -> tuple[int, int]:
        """Tokens spent and held in the scope's month."""
        _, month = await self.lines(scope)
        return month.spent_tokens, month.held_tokens

    async def holds(self) -> list[tuple[str, int, int, bool]]:
        """Request, attempt, nano-USD and whether it is unconfirmed, of each hold."""
        holds = await self.store.open_holds(self.project, month=MONTH)
        return [(hold.request_id, hold.attempt, hold.hold_nano, hold.unconfirmed) for hold in holds]

    async def state(self, deployment: str = "m1", provider: str = "one") -> DeploymentState:
        (found,) = await self.store.deployment_states([(provider, deployment)], self.project)
        return found

    async def counters(self, period: str = DAY[6:]) -> dict[str, Counters]:
        """All that was counted in a day or, as `M`, in the month, with its names as they are listed."""
        return await counted(self.store, self.project, MONTH, period)

    async def records(self) -> list[UsageRecord]:
        page = await self.store.usage_records(self.project, day=DAY, limit=10_000)
        return list(page.records)
