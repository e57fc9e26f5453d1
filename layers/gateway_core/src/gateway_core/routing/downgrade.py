"""A cheaper group in the place of the one that was asked for, from a share of a budget on. Pure.

Of the rules for a group the one with the highest share counts that what is spent has reached, under any limit of the
scopes that it looks at. What is held does not count: a bound comes back, for the most part. But a request that a budget
has no room for is served by the cheaper group as well, instead of being refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from gateway_core.domain.caller import Caller
from gateway_core.domain.catalog import Catalog
from gateway_core.domain.chat import ChatRequest
from gateway_core.domain.downgrade import BudgetOwner, Downgrade, Reached
from gateway_core.domain.errors import UnknownModel
from gateway_core.routing.plan import DEFAULT_GROUP
from gateway_core.store.messages import Refusal, Ticket
from gateway_core.store.records import BudgetLine

_OWNERS: dict[str, BudgetOwner] = {"p": "project", "k": "key", "u": "user"}


def rules_for(
    request: ChatRequest, caller: Caller, catalog: Catalog, rules: Sequence[Downgrade]
) -> tuple[Downgrade, ...]:
    """The rules that may apply to the request, whatever is spent; the highest share first.

    None where the key may use only one of the two groups, or the request names where it is to be served.
    """
    if not rules or request.api_base is not None:
        return ()
    found = [rule for rule in rules if _is_asked(rule, request, catalog) and _may_use(caller, rule)]
    return tuple(sorted(found, key=lambda rule: -rule.at_percent))


def reached(rules: Iterable[Downgrade], lines: Sequence[BudgetLine]) -> Reached | None:
    """The first of the rules whose share a budget has reached; None if no budget has."""
    for rule in rules:
        for line in lines:
            owner = _OWNERS[line.scope[0]]
            if owner in rule.owners and (percent := _percent(line)) >= rule.at_percent:
                return Reached(rule, owner, line.period, percent)
    return None


def instead_of(refusal: Refusal, ticket: Ticket, rules: Iterable[Downgrade]) -> Reached | None:
    """The first of the rules that looks at the budget which refuses the request, however much of that is spent."""
    owner, _, limit = refusal.scope.rpartition(":")
    kind, short = _OWNERS[owner[0]], refusal.shortage
    spent = short.limit - short.left - short.held if short else 0
    period = ticket.day if limit.startswith("day") else ticket.month
    percent = 100 * spent // short.limit if short and short.limit else 100
    return next((Reached(rule, kind, period, percent) for rule in rules if kind in rule.owners), None)


def _is_asked(rule: Downgrade, request: ChatRequest, catalog: Catalog) -> bool:
    if request.model is None:
        return (request.model_group or DEFAULT_GROUP) == rule.source
    if not rule.explicit:
        return False
    try:
        asked = catalog.resolve(request.model)
    except UnknownModel:
        return False  # planning says so
    return any(model.key == asked.key for model in catalog.group(rule.source))


def _may_use(caller: Caller, rule: Downgrade) -> bool:
    return not caller.groups or {rule.source, rule.target} <= caller.groups


def _percent(line: BudgetLine) -> int:
    """How much of its tightest limit is spent, in whole percent; 0 without any."""
    parts = ((line.spent_nano, line.limit_nano), (line.spent_tokens, line.limit_tokens))
    return max((100 if not limit else 100 * spent // limit for spent, limit in parts if limit is not None), default=0)
