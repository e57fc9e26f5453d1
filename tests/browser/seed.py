"""A month of a team's requests, written through the store's own port: the same ones each time, up to a given moment."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from gateway_core.domain.caller import Limits
from gateway_core.domain.request_ids import new_request_id
from gateway_core.domain.result import Attempt
from gateway_core.ports import Store
from gateway_core.store.messages import Admitted, Terms, Ticket
from gateway_core.store.trail import packed
from gateway_core.store.virtual_keys import KeyRecord, digest_of, new_key
from tests.contract.desk import POLICY, candidate, record_of, settled

DAY_MS = 86_400_000
MODELS = (
    ("claude-opus-4.5", "anthropic", 7, 5000, 25_000),
    ("gpt-5.1", "openai", 5, 1250, 10_000),
    ("claude-haiku-3.5", "anthropic", 9, 800, 4000),
    ("gemini-3-pro", "gemini", 3, 2000, 12_000),
    ("deepseek-v3.2", "deepseek", 4, 280, 420),
)
"""Model, provider, weight, nano-USD for a token of input and of output."""
AGENTS = ("reviewer", "support-bot", "release-notes", "")
USERS = ("ada", "grace", "linus", "")


@dataclass(frozen=True)
class Project:
    """Its id, a key of it, and that key's id."""

    id: str
    key: str
    key_id: str


async def project(store: Store, project_id: str, limits: Limits = Limits(), **rights: Any) -> Project:  # noqa: B008
    """One with a fresh key. `limits` are the project's."""
    key = new_key(project_id)
    record = KeyRecord(project_id=project_id, digest=digest_of(key), **rights)
    await store.put_key(record)
    await store.set_budget(project_id, "", limits)
    return Project(project_id, key, record.id)


@dataclass
class Writer:
    """Writes requests of one project's key. `now_ms` is the moment up to which all of it happened."""

    store: Store
    project: Project
    now_ms: int
    rights_tag: str = ""

    async def ticket(self, at_ms: int, **changes: Any) -> Ticket:
        digest = digest_of(self.project.key)
        if not self.rights_tag:
            found = await self.store.find_key(self.project.id, digest)
            assert found
            self.rights_tag = found.rights_tag
        ids = (new_request_id(at_ms), self.project.id, self.project.key_id, digest, self.rights_tag, at_ms)
        return replace(Ticket(*ids), **changes)

    async def admit(self, ticket: Ticket, nano: int = 0, tokens: int = 0) -> Admitted:
        """With a hold of so much."""
        chosen = candidate(nano=nano, tokens=tokens)
        answer = await self.store.admit(ticket, [chosen], Terms(ticket.admitted_ms, POLICY))
        assert isinstance(answer, Admitted), answer
        return answer

    async def write(self, ticket: Ticket, *, unconfirmed: bool = False, **record: Any) -> None:
        """A request from its admission to its settlement."""
        told = record_of(ticket, **{"at_ms": ticket.admitted_ms, **record})
        nano, tokens = told.cost_nano, told.input_tokens + told.output_tokens
        ended = settled(
            await self.admit(ticket, nano, tokens),
            candidate(),
            "skip",
            charge_nano=0 if unconfirmed else nano,
            charge_tokens=0 if unconfirmed else tokens,
            estimated=bool(told.estimated_nano),
            unconfirmed=unconfirmed,
        )
        await self.store.settle(ticket, ended, told, Terms(ticket.admitted_ms, POLICY))

    async def month(self, days: int = 30, each: int = 14) -> None:
        """Busier on working days, and growing a little."""
        chance = random.Random(7)  # noqa: S311 - the same month each time
        for before in range(days - 1, -1, -1):
            busy = each * (0.45 if (self.now_ms // DAY_MS - before + 4) % 7 in (0, 6) else 1) * (1 - before / 90)
            writes = []
            for at_ms in _moments(chance, self.now_ms, before, round(busy * chance.uniform(0.75, 1.25))):
                names = {"agent_id": chance.choice(AGENTS), "user_id": chance.choice(USERS)}
                writes.append(self.write(await self.ticket(at_ms, **names), **_record(chance)))
            await asyncio.gather(*writes)

    async def holds(self) -> None:
        """Two under way, and one of which nobody knows what it cost."""
        for ago_ms, nano in ((4000, 31_000_000), (61_000, 212_000_000)):
            await self.admit(await self.ticket(self.now_ms - ago_ms, user_id="ada"), nano, 9000)
        late = await self.ticket(self.now_ms - 900_000, user_id="linus")
        await self.write(
            late,
            unconfirmed=True,
            error_code="deadline_exceeded",
            model="gpt-5.1",
            provider="openai",
            input_nano=48_000_000,
            output_nano=0,
        )


def _moments(chance: random.Random, now_ms: int, before: int, count: int) -> Iterator[int]:
    """Within a day: that of now has only begun."""
    start = now_ms // DAY_MS * DAY_MS - before * DAY_MS
    last = now_ms - 1000 if before == 0 else start + DAY_MS - 1
    yield from sorted(chance.randint(start, last) for _ in range(count))


def _record(chance: random.Random) -> dict[str, Any]:
    model, provider, _, price_in, price_out = chance.choices(MODELS, [each[2] for each in MODELS])[0]
    tokens_in, tokens_out = round(chance.lognormvariate(8.8, 0.9)), round(chance.lognormvariate(6.4, 0.8))
    latency_ms = round(chance.lognormvariate(7.6, 0.6))
    told: dict[str, Any] = {
        "model": model, "provider": provider, "model_group": "", "price_source": "list", "latency_ms": latency_ms,
        "input_tokens": tokens_in, "output_tokens": tokens_out, "cached_input_tokens": tokens_in // 3,
        "reasoning_tokens": tokens_out // 4, "input_nano": tokens_in * price_in, "output_nano": tokens_out * price_out,
    }  # fmt: skip
    fate = chance.random()
    if fate < 0.05:
        return told | {"error_code": "provider_error", "input_nano": 0, "output_nano": 0, "output_tokens": 0}
    if fate < 0.12:
        return told | {"estimated_nano": told["output_nano"]}
    if fate < 0.25:
        first = Attempt("claude-opus-4.5", "anthropic", "failed", "rate_limited", 180)
        last = Attempt(model, provider, "ok", None, latency_ms - 180)
        return told | {"attempts": 2, "tried": packed([first, last])}
    return told
