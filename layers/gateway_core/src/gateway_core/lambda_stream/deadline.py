"""When an invocation must be over, in the event loop's time."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Deadline:
    """Three moments, in order: the app is cancelled, is waited for no longer, and the answer is given up.

    `None` is never. Between the first two the app settles what it used; between the last two the answer is ended in
    order, before Lambda ends the whole environment.
    """

    cancel_at: float | None = None
    leave_at: float | None = None
    drop_at: float | None = None

    @classmethod
    def of(cls, context: Any, margin_s: float) -> Deadline:
        """From Lambda's context: `margin_s` seconds before its end, no deadline for a context that knows none."""
        remaining_ms = getattr(context, "get_remaining_time_in_millis", None)
        if remaining_ms is None:
            return cls()
        ends = asyncio.get_running_loop().time() + remaining_ms() / 1000
        return cls(ends - margin_s, ends - margin_s / 2, ends - margin_s / 4)


class DeadlineExceededError(TimeoutError):
    """The app was cancelled because Lambda was about to end the invocation."""


def time_until(moment: float | None) -> float | None:
    """Seconds until a moment of the running loop's clock, not below 0; None stays None."""
    return None if moment is None else max(0.0, moment - asyncio.get_running_loop().time())
