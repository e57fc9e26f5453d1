"""What a stream is told that is cut because its process ends, with its bill so far."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from gateway_core.crowd.stopping import stopped_as_error
from gateway_core.domain.errors import ShuttingDown
from gateway_core.pipeline.request_state import RequestState


@contextmanager
def stopped_with_bill(state: RequestState) -> Iterator[None]:
    """Raises ShuttingDown with what the request has cost, once that is settled within."""
    try:
        with stopped_as_error():
            yield
    except ShuttingDown as error:
        error.attempts = tuple(state.attempts)
        error.billed = (state.usage, state.cost) if state.costs else None
        raise
