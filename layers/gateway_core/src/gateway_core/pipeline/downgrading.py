"""Looks up whether a budget is so far spent that a request is served by a cheaper group."""

from __future__ import annotations

from collections.abc import Sequence

from gateway_core.access.rights import attribute
from gateway_core.domain.caller import Caller
from gateway_core.domain.catalog import Catalog
from gateway_core.domain.chat import ChatRequest
from gateway_core.domain.downgrade import Downgrade, Reached
from gateway_core.domain.errors import StoreUnavailable
from gateway_core.domain.times import day_key, utc_date
from gateway_core.ports import Clock, KeyStore
from gateway_core.routing.downgrade import reached, rules_for
from gateway_core.store.messages import Ticket
from gateway_core.telemetry.events import Downgraded


class Downgrading:
    """A trip to the store for requests that a rule may apply to, none for all others."""

    def __init__(self, rules: Sequence[Downgrade], budgets: KeyStore, clock: Clock) -> None:
        self._rules = rules
        self._budgets = budgets
        self._clock = clock

    async def reached(self, request: ChatRequest, caller: Caller, catalog: Catalog) -> Reached | None:
        """The rule that applies. Without the store none does: a limit refuses then, or there is none."""
        rules = rules_for(request, caller, catalog, self._rules)
        if not rules:
            return None
        asked = request.attribution
        counted = attribute(caller, asked.project_id, asked.agent_id, asked.user_id)
        scopes = ["p", *([f"u:{counted.user_id}"] if counted.user_id else [])]
        if counted.project_id == caller.project_id:  # elsewhere an admin's key has no account
            scopes.append(f"k:{caller.key_id}")
        day = day_key(utc_date(self._clock.now_ms()))
        try:
            lines = await self._budgets.budget_lines(counted.project_id, day=day, scopes=scopes)
        except StoreUnavailable:
            return None
        return reached(rules, lines)


def event_of(reached: Reached, ticket: Ticket, now_ms: int) -> Downgraded:
    """What is told of a request that a cheaper group serves."""
    return Downgraded(
        at_ms=now_ms,
        project_id=ticket.project_id,
        request_id=ticket.request_id,
        from_group=reached.rule.source,
        to_group=reached.rule.target,
        owner=reached.owner,
        period=reached.period,
        percent=reached.percent,
        at_percent=reached.rule.at_percent,
    )
