"""How long this invocation may still run."""

from __future__ import annotations

import math

from starlette.types import Scope

MARGIN_S = 2.0
"""Left for settling (the store may take a second) and for answering before `lambda_stream` cancels the app."""


def time_left_s(scope: Scope) -> float:
    """Seconds until the Lambda invocation must have answered, infinite outside Lambda."""
    context = scope.get("aws.context")
    remaining = getattr(context, "get_remaining_time_in_millis", None)
    return max(0.0, remaining() / 1000 - MARGIN_S) if remaining else math.inf
