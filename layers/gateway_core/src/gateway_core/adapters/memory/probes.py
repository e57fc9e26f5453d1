"""Results of probes in the memory store."""

from __future__ import annotations

from collections.abc import Sequence

from gateway_core.adapters.memory.state import Part
from gateway_core.store.probes import Probe


class MemoryProbes(Part):
    """Implements the port `ProbeBoard` over a `State`. Stale results stay, and say themselves that they are."""

    async def post_probes(self, probes: Sequence[Probe], *, kept_ms: int) -> None:  # noqa: ARG002 - the port's signature
        self._state.probes = tuple(probes)
