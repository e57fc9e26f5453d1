"""The request path over Upstash: one script, one HTTP round trip each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gateway_core.adapters.upstash import layout
from gateway_core.adapters.upstash.calls import (
    ScriptCall,
    add_admission,
    add_attempt,
    add_books,
    add_policy,
    declare_books,
    parse_admission,
    parse_settled,
    request_call,
)
from gateway_core.adapters.upstash.client import Reply
from gateway_core.adapters.upstash.part import Part
from gateway_core.adapters.upstash.reading import named, read, rows, text, text_or_none, values
from gateway_core.adapters.upstash.scripts import Script
from gateway_core.store.deployment_state import DeploymentState, deployments_by_provider
from gateway_core.store.exact_amounts import check_candidates, check_record, check_settlement
from gateway_core.store.messages import Admission, Candidate, Settled, Settlement, Terms, Ticket
from gateway_core.store.probes import FleetHealth
from gateway_core.store.records import UsageRecord
from gateway_core.store.virtual_keys import KeyRecord

_STATE_FIELDS = ("cb", "ew", "ft", "rl")
"""Prefixes of a deployment's fields: breaker, averages of whole answers and first contents, what its provider says."""


class UpstashLedger(Part):
    """Implements the port `Ledger`."""

    async def find_key(self, project_id: str, digest: str) -> KeyRecord | None:
        asked = self._client.execute("HGET", layout.project_key(project_id), layout.KEY_PREFIX + digest)
        found = await read(f"a key of project {project_id}", asked, text_or_none)
        return None if found is None else layout.parse_key(project_id, digest, found)

    async def admit(self, ticket: Ticket, candidates: Sequence[Candidate], terms: Terms) -> Admission:
        check_candidates(candidates)
        call = request_call(ticket, terms.now_ms)
        add_policy(call, terms.policy)
        add_admission(call, candidates, terms.max_wait_ms)
        asked = self._client.run(self._scripts.admit, call.keys, call.arguments)
        return await read("answer of admit", asked, lambda reply: parse_admission(text(reply)))

    async def next(
        self, ticket: Ticket, settlement: Settlement, candidates: Sequence[Candidate], terms: Terms
    ) -> Admission:
        check_candidates(candidates)
        check_settlement(settlement)
        call = request_call(ticket, terms.now_ms)
        add_policy(call, terms.policy)
        add_attempt(call, settlement)
        add_admission(call, candidates, terms.max_wait_ms)
        asked = self._client.run(self._scripts.next, call.keys, call.arguments)
        return await read("answer of next", asked, lambda reply: parse_admission(text(reply)))

    async def settle(self, ticket: Ticket, settlement: Settlement | None, record: UsageRecord, terms: Terms) -> Settled:
        check_record(record)
        if settlement is None:
            record_it = self._record_alone if record.attempts else self._record_hit
            return await record_it(ticket, record, terms)
        check_settlement(settlement)
        call = request_call(ticket, terms.now_ms)
        declare_books(call, ticket)
        add_policy(call, terms.policy)
        add_attempt(call, settlement)
        add_books(call, ticket, record)
        return await self._settled("settle", self._scripts.settle, call)

    async def deployment_states(self, deployments: Sequence[tuple[str, str]]) -> list[DeploymentState]:
        groups = deployments_by_provider(deployments)
        if not groups:
            return []
        asked = self._client.pipeline([_state_command(name, ids) for name, ids in groups.items()])
        return _states(deployments, groups, await read("state of deployments", asked, rows))

    async def fleet_health(self, deployments: Sequence[tuple[str, str]]) -> FleetHealth:
        groups = deployments_by_provider(deployments)
        commands = [_state_command(name, ids) for name, ids in groups.items()]
        asked = self._client.pipeline([*commands, ["GET", layout.PROBES]])
        *replies, told = await read("state of deployments", asked, rows)
        with named(layout.PROBES):
            probes = text_or_none(told)
        found = () if probes is None else layout.parse_probes(probes)
        return FleetHealth(tuple(_states(deployments, groups, replies)), found)

    async def _record_alone(self, ticket: Ticket, record: UsageRecord, terms: Terms) -> Settled:
        call = request_call(ticket, terms.now_ms)
        declare_books(call, ticket)
        add_books(call, ticket, record)
        call.add(record.attempts)
        return await self._settled("record", self._scripts.record, call)

    async def _record_hit(self, ticket: Ticket, record: UsageRecord, terms: Terms) -> Settled:
        call = request_call(ticket, terms.now_ms)
        declare_books(call, ticket)
        call.keys.append(layout.hit_key(ticket.project_id, ticket.request_id))
        add_books(call, ticket, record)
        return await self._settled("record_hit", self._scripts.record_hit, call)

    async def _settled(self, name: str, script: Script, call: ScriptCall) -> Settled:
        asked = self._client.run(script, call.keys, call.arguments)
        return await read(f"answer of {name}", asked, parse_settled)


def _state_command(provider: str, deployment_ids: Sequence[str]) -> list[str | int]:
    fields = [f"{prefix}|{deployment_id}" for deployment_id in deployment_ids for prefix in _STATE_FIELDS]
    return ["HMGET", layout.provider_key(provider), *fields]


def _states(
    deployments: Sequence[tuple[str, str]], groups: Mapping[str, Sequence[str]], replies: Sequence[Reply]
) -> list[DeploymentState]:
    found: dict[tuple[str, str], DeploymentState] = {}
    with named("state of deployments"):
        for (provider, ids), reply in zip(groups.items(), replies, strict=True):
            stored = values(reply, len(ids) * len(_STATE_FIELDS))
            for index, deployment_id in enumerate(ids):
                fields = stored[index * len(_STATE_FIELDS) :][: len(_STATE_FIELDS)]
                found[provider, deployment_id] = _state(provider, deployment_id, fields)
    return [found[pair] for pair in deployments]


def _state(provider: str, deployment_id: str, fields: Sequence[str | None]) -> DeploymentState:
    with named(f"state of {deployment_id} in {layout.provider_key(provider)}"):
        breaker, whole, first, reported = fields
        state, failures, until_ms = layout.parse_breaker(breaker)
        averages = (layout.parse_latency(whole), layout.parse_latency(first))
        limits = layout.parse_provider_limits(reported)
    return DeploymentState(provider, deployment_id, state, failures, until_ms, *averages, limits)
