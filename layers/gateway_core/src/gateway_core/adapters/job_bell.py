"""Starts jobs in this process: rings a bell that whoever works on them hears."""

from __future__ import annotations

from collections.abc import Callable

from gateway_core.store.jobs import JobName


class JobBell:
    """Implements the port `JobStarter`. Without anybody who listens, a job waits until somebody looks for it."""

    def __init__(self) -> None:
        self._listeners: list[Callable[[JobName], None]] = []

    def attach(self, listener: Callable[[JobName], None]) -> None:
        """`listener` hears of each job, in the thread of the request that brought it."""
        self._listeners.append(listener)

    async def start(self, name: JobName) -> None:
        self.ring(name)

    def ring(self, name: JobName) -> None:
        """As `start`, for who waits for nothing."""
        for listener in self._listeners:
            listener(name)
