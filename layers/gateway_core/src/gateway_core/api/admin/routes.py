"""All of `/admin/*`."""

from __future__ import annotations

from collections.abc import Callable

from gateway_core.api.admin.backlog import add_backlog
from gateway_core.api.admin.budgets import add_budgets
from gateway_core.api.admin.holds import add_holds
from gateway_core.api.admin.keys import add_keys
from gateway_core.api.admin.operator import Desk, Gate
from gateway_core.api.routes import Routes
from gateway_core.ports.replaying import BacklogKeeper
from gateway_core.services import Current, Services


def admin_router(gate: Gate, keeper: BacklogKeeper | None) -> Callable[[Current[Services]], Routes]:
    """A router whose every route lets in whom `gate` does."""

    def router(source: Current[Services]) -> Routes:
        routes, desk = Routes(), Desk(source, gate)
        add_keys(routes, desk)
        add_budgets(routes, desk)
        add_holds(routes, desk)
        add_backlog(routes, desk, keeper)
        return routes

    return router
