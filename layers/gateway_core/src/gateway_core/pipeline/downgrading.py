"""Looks up whether a budget is so far spent that a request is served by a cheaper group."""

from __future__ import annotations

from collections.abc import Sequence

from gateway_core.access.rights import attribute
from gateway_core.domain.caller import Caller
from gateway_core.domain.catalog import Catalog
from gateway_core.domain.chat import ChatRequest
from gateway_core.domain.downgrade import Downgrade, Reached
from gateway_core.domain.errors import Forbidden, InvalidRequest, StoreUnavailable
from gateway_core.domain.provider_errors import ContextLengthError
from gateway_core.domain.result import Explanation, Plan
from gateway_core.domain.times import day_key, utc_date
from gateway_core.pipeline.model_router import ModelRouter
from gateway_core.pipeline.request_state import RequestState
from gateway_core.ports import Clock, KeyStore
from gateway_core.routing.bounds import PromptSize
from gateway_core.routing.downgrade import instead_of, reached, rules_for
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

    def instead(self, request: ChatRequest, caller: Caller, catalog: Catalog, state: RequestState) -> Reached | None:
        """The rule for a request that a budget has no room for, as long as nobody was asked and none was applied."""
        refusal = state.fitting.refusal if state.fitting else None
        if refusal is None or state.current or state.downgraded:
            return None
        return instead_of(refusal, state.ticket, rules_for(request, caller, catalog, self._rules))


async def planned(
    router: ModelRouter,
    request: ChatRequest,
    size: PromptSize,
    catalog: Catalog,
    caller: Caller,
    lesser: Reached | None,
    *,
    streams: bool,
) -> tuple[ChatRequest, Plan, Explanation | None, Reached | None]:
    """The request as it is served: by the cheaper group if anybody there can serve it, else as it was asked."""
    if lesser:
        try:
            served = lesser.rule.applied_to(request)
            return served, *await router.plan(served, size, catalog, caller, streams=streams), lesser
        except (InvalidRequest, ContextLengthError, Forbidden):
            pass
    return request, *await router.plan(request, size, catalog, caller, streams=streams), None


def note(reached: Reached, state: RequestState, now_ms: int) -> None:
    """Have the request tell that a cheaper group serves it."""
    state.downgraded = reached.rule.told
    event = Downgraded(
        at_ms=now_ms,
        project_id=state.ticket.project_id,
        request_id=state.ticket.request_id,
        from_group=reached.rule.source,
        to_group=reached.rule.target,
        owner=reached.owner,
        period=reached.period,
        percent=reached.percent,
        at_percent=reached.rule.at_percent,
    )
    state.events.append(event)
