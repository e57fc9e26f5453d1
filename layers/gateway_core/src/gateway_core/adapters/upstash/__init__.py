"""The store in Upstash Redis, over its REST API: see `layout` for the keys and `lua/` for what is atomic."""

from gateway_core.adapters.upstash.store import UpstashStore

__all__ = ["UpstashStore"]
