"""The store over several databases: each project lives in one of them, see docs/decisions/0024."""

from gateway_core.adapters.spread.homes import told
from gateway_core.adapters.spread.operator import SpreadOperatorStore
from gateway_core.adapters.spread.store import SpreadStore

__all__ = ["SpreadOperatorStore", "SpreadStore", "told"]
