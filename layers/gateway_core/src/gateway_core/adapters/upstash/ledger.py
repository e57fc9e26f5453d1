"""The request path over Upstash: one script, one HTTP round trip each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import batched

from gateway_core.adapters.upstash import layout
from gateway_core.adapters.upstash.calls import (
    ScriptCall,
    add_admission,
    add_attempt,
    add_books,
    add_news,
    add_policy,
    declare_books,
    news_call,
    parse_admission,
    parse_held,
    parse_settled,
    request_call,
    told_due,
)
from gateway_core.adapters.upstash.client import Client, Reply
from gateway_core.adapters.upstash.holds import MOST_TRIES, UpstashHolds, restless
from gateway_core.adapters.upstash.key_fields import key_field
from gateway_core.adapters.upstash.news import News, NewsDesk
from gateway_core.adapters.upstash.reading import done, named, read, rows, text, text_or_none, values, whole
from gateway_core.adapters.upstash.scripts import Script, Scripts
from gateway_core.domain.errors import StoreUnavailable
from gateway_core.store.changes import BudgetCrossed
from gateway_core.store.deployment_state import DeploymentState
from gateway_core.store.estimates import A_FEW, LEAST_WAIT_MS, told_along
from gateway_core.store.exact_amounts import check_candidates, check_record, check_settlement
from gateway_core.store.messages import Admission, Candidate, Settled, Settlement, Terms, Ticket
from gateway_core.store.probes import FleetHealth
from gateway_core.store.records import UsageRecord
from gateway_core.store.virtual_keys import KeyRecord

_BOOKED, _LATE = "b", "l"
"""What a script answers that has done nothing yet: see `lua/settle.lua`."""
_STATE_FIELDS = ("cb", "ew", "ft", "rl")
"""Kinds of a deployment's fields: breaker, averages of whole answers and first contents, what its provider says."""


class UpstashLedger(UpstashHolds):
    """Implements the port `Ledger`."""

    def __init__(self, client: Client, scripts: Scripts, unconfirmed_after_ms: int = LEAST_WAIT_MS) -> None:
        super().__init__(client, scripts, unconfirmed_after_ms)
        self._news = NewsDesk()

    async def find_key(self, project_id: str, digest: str) -> KeyRecord | None:
        asked = self._client.execute("HGET", layout.project_key(project_id), key_field(digest))
        found = await read(f"a key of project {project_id}", asked, text_or_none)
        return None if found is None else layout.parse_key(project_id, digest, found)

    async def admit(self, ticket: Ticket, candidates: Sequence[Candidate], terms: Terms) -> Admission:
        check_candidates(candidates)
        call = request_call(ticket, terms.now_ms)
        add_policy(call, terms.policy)
        add_news(call, self._news.take())
        add_admission(call, candidates, terms.max_wait_ms, terms.now_ms - self._wait_ms)
        asked = self._client.run(self._scripts.admit, call.keys, call.arguments)
        answer, is_due = await read("answer of admit", asked, _admission)
        return (
            replace(answer, changes=(*answer.changes, *await self._told_of_a_few(ticket, terms))) if is_due else answer
        )

    async def next(
        self, ticket: Ticket, settlement: Settlement, candidates: Sequence[Candidate], terms: Terms
    ) -> Admission:
        check_candidates(candidates)
        check_settlement(settlement)
        call = request_call(ticket, terms.now_ms)
        add_policy(call, terms.policy)
        add_news(call, self._news.take())
        add_attempt(call, ticket, settlement)
        add_admission(call, candidates, terms.max_wait_ms)
        reply = await self._unbooked("next", self._scripts.next, call, ticket, terms)
        with named("answer of next"):
            return parse_admission(reply)

    async def settle(self, ticket: Ticket, settlement: Settlement | None, record: UsageRecord, terms: Terms) -> Settled:
        check_record(record)
        if settlement is None:
            record_it = self._record_alone if record.attempts else self._record_hit
            return await record_it(ticket, record, terms)
        check_settlement(settlement)
        call = request_call(ticket, terms.now_ms)
        declare_books(call, ticket)
        add_policy(call, terms.policy)
        is_news = self._news.may_wait(settlement, terms)
        told = () if is_news else self._news.take()
        add_news(call, told)
        add_attempt(call, ticket, settlement, is_news=is_news)
        add_books(call, ticket, record, terms.now_ms)
        for _ in range(MOST_TRIES):
            reply = await self._unbooked("settle", self._scripts.settle, call, ticket, terms)
            if reply != _LATE:
                return self._settled(reply, settlement, terms)
            if (changes := await self._correct(ticket, settlement, terms.now_ms)) is not None:
                self._news.put_back(told)
                return Settled(written=False, changes=changes)
        raise restless()

    async def deployment_states(
        self,
        deployments: Sequence[tuple[str, str]],
        project_id: str = "",  # noqa: ARG002 - there is one database
    ) -> list[DeploymentState]:
        if not deployments:
            return []
        await self._tell()
        asked = self._client.execute(*_state_command(deployments))
        return await read("state of deployments", asked, lambda reply: _states(deployments, reply))

    async def fleet_health(
        self,
        deployments: Sequence[tuple[str, str]],
        project_id: str = "",  # noqa: ARG002 - as above
    ) -> FleetHealth:
        await self._tell()
        states = [_state_command(deployments)] if deployments else []
        asked = self._client.pipeline([*states, ["GET", layout.PROBES]])
        with named("state of deployments"):
            *replies, told = await read("state of deployments", asked, rows)
            found = [state for reply in replies for state in _states(deployments, reply)]
        with named(layout.PROBES):
            probes = text_or_none(told)
        return FleetHealth(tuple(found), () if probes is None else layout.parse_probes(probes))

    async def _tell(self) -> None:
        """Tell what this process knows alone, if there is anything."""
        if news := self._news.take():
            call = news_call(news)
            await done("answer of tell", self._client.run(self._scripts.tell, call.keys, call.arguments))

    def _settled(self, reply: str, settlement: Settlement, terms: Terms) -> Settled:
        with named("answer of settle"):
            if held := parse_held(reply):
                self._news.put(News(settlement, terms.now_ms, *held))
            return parse_settled(reply)

    async def _record_alone(self, ticket: Ticket, record: UsageRecord, terms: Terms) -> Settled:
        call = request_call(ticket, terms.now_ms)
        declare_books(call, ticket)
        add_books(call, ticket, record, terms.now_ms)
        call.add(record.attempts)
        reply = await self._unbooked("record", self._scripts.record, call, ticket, terms)
        with named("answer of record"):
            return parse_settled(reply)

    async def _unbooked(self, name: str, script: Script, call: ScriptCall, ticket: Ticket, terms: Terms) -> str:
        """The reply of a script, once nothing that it settles is booked as an estimate."""
        for _ in range(MOST_TRIES):
            reply = await read(f"answer of {name}", self._client.run(script, call.keys, call.arguments), text)
            if not reply.startswith(_BOOKED):
                return reply
            with named(f"answer of {name}"):
                attempt = whole(reply[1:])
            await self._unbook(ticket.project_id, ticket.month, ticket.request_id, attempt, terms.now_ms)
        raise restless()

    async def _told_of_a_few(self, ticket: Ticket, terms: Terms) -> tuple[BudgetCrossed, ...]:
        """Book some of what is due. The request is admitted: nothing here may spoil that."""
        try:
            return told_along(await self.book_due(ticket.project_id, now_ms=terms.now_ms, limit=A_FEW), ticket)
        except StoreUnavailable:  # the schedule books what is left
            return ()

    async def _record_hit(self, ticket: Ticket, record: UsageRecord, terms: Terms) -> Settled:
        call = request_call(ticket, terms.now_ms)
        declare_books(call, ticket)
        call.keys.append(layout.hit_key(ticket.project_id, ticket.request_id))
        add_books(call, ticket, record, terms.now_ms)
        asked = self._client.run(self._scripts.record_hit, call.keys, call.arguments)
        return await read("answer of record_hit", asked, lambda reply: parse_settled(text(reply)))


def _admission(reply: Reply) -> tuple[Admission, bool]:
    """The answer of `admit`, and whether some attempts are to be booked."""
    told, is_due = told_due(text(reply))
    return parse_admission(told), is_due


def _state_command(deployments: Sequence[tuple[str, str]]) -> list[str | int]:
    fields = [layout.deployment_field(kind, *pair) for pair in deployments for kind in _STATE_FIELDS]
    return ["HMGET", layout.DEPLOYMENTS, *fields]


def _states(deployments: Sequence[tuple[str, str]], reply: Reply) -> list[DeploymentState]:
    stored = batched(values(reply, len(deployments) * len(_STATE_FIELDS)), len(_STATE_FIELDS))
    return [_state(*pair, texts) for pair, texts in zip(deployments, stored, strict=True)]


def _state(provider: str, deployment_id: str, texts: Sequence[str | None]) -> DeploymentState:
    with named(f"state of {deployment_id} of {provider} in {layout.DEPLOYMENTS}"):
        breaker, whole_answers, first, reported = texts
        state, failures, until_ms = layout.parse_breaker(breaker)
        averages = (layout.parse_latency(whole_answers), layout.parse_latency(first))
        limits = layout.parse_provider_limits(reported)
    return DeploymentState(provider, deployment_id, state, failures, until_ms, *averages, limits)
