"""What the parts of the store share."""

from __future__ import annotations

from gateway_core.adapters.upstash.client import Client
from gateway_core.adapters.upstash.scripts import Scripts


class Part:
    """A part of the store: its methods share one client and one set of scripts."""

    def __init__(self, client: Client, scripts: Scripts) -> None:
        self._client = client
        self._scripts = scripts
