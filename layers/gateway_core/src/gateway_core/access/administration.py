"""What an operator does to keys, budgets and holds, each answered with what is now true, ready to print as JSON."""

from __future__ import annotations

from gateway_core.access.administrator import Line
from gateway_core.access.budget_administration import BudgetAdministration
from gateway_core.access.key_administration import KeyAdministration
from gateway_core.access.reconciling import Reconciling

__all__ = ["Administration", "Line"]


class Administration(KeyAdministration, BudgetAdministration):
    """Works on one store. Every method raises StoreUnavailable, and ConfigError for limits that cannot be kept."""

    __slots__ = ()

    @property
    def reconciling(self) -> Reconciling:
        """What concerns holds."""
        return Reconciling(self.store, self.clock)
