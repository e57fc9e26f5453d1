"""Everything in this process: for the degraded mode, for small deployments of one process, and as the tests' oracle."""

from gateway_core.adapters.memory.store import MemoryStore

__all__ = ["MemoryStore"]
