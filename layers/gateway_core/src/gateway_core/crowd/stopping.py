"""What a request is told that is cut because its process ends: an error like any other."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from gateway_core.domain.errors import ShuttingDown
from gateway_core.waiting import calm, was_stopped

RETRY_AFTER_S = 5.0
"""By then another process answers, or this one has been started anew."""
_TEXT = "The gateway is shutting down, and this request had not ended in time. Send it again."


@contextmanager
def stopped_as_error() -> Iterator[None]:
    """Raises ShuttingDown where what is within is stopped (`waiting.stop`)."""
    try:
        yield
    except asyncio.CancelledError as cancelled:
        if not was_stopped(cancelled):
            raise
        calm()
        raise ShuttingDown(_TEXT, retry_after_s=RETRY_AFTER_S) from None
