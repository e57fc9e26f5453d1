"""Tasks that run up to their first wait at once."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any


def start_eagerly[T](work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
    """A task that has run up to its first wait already: what never waits is done when this returns."""
    return asyncio.Task(work, loop=asyncio.get_running_loop(), eager_start=True)
