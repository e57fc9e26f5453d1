"""Results of probes in Upstash: one value for all, replaced whole, so that nothing old is left among the new."""

from __future__ import annotations

from collections.abc import Sequence

from gateway_core.adapters.upstash import layout
from gateway_core.adapters.upstash.part import Part
from gateway_core.adapters.upstash.reading import done
from gateway_core.store.probes import Probe


class UpstashProbes(Part):
    """Implements the port `ProbeBoard`."""

    async def post_probes(self, probes: Sequence[Probe], *, kept_ms: int) -> None:
        asked = self._client.execute("SET", layout.PROBES, layout.pack_probes(probes), "PX", kept_ms)
        await done("answer of post_probes", asked)
