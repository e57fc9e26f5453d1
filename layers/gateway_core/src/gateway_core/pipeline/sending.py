"""How an attempt is sent: read to its end if the caller leaves, and failing only in ways that failover knows."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from gateway_core.domain.errors import LLMError
from gateway_core.domain.provider_errors import DeploymentUnusable
from gateway_core.pipeline.request_state import RequestState
from gateway_core.routing.bounds import BoundedCandidate
from gateway_core.waiting import heard_out

type Send[A] = Callable[[BoundedCandidate, float], Coroutine[Any, Any, A]]
"""Makes one attempt at a candidate within so many seconds. Raises a ProviderError."""


async def to_its_end[A](state: RequestState, send: Send[A], bounded: BoundedCandidate, timeout_s: float) -> A:
    """What the attempt gives; that the caller left meanwhile is noted in `state`. Raises what `send` raises."""

    def note() -> None:
        state.caller_left = True

    return await heard_out(send(bounded, timeout_s), note)


async def sent[A](send: Send[A], bounded: BoundedCandidate, timeout_s: float) -> A:
    """What the attempt gives. Raises LLMErrors only: DeploymentUnusable for whatever else went wrong."""
    try:
        return await send(bounded, timeout_s)
    except LLMError:
        raise
    except Exception as error:
        # A fault of ours or of a library: nobody knows what was billed, and another candidate may still work.
        detail = f"unexpected {type(error).__name__} in the provider adapter"
        raise DeploymentUnusable("The provider call failed.", detail=detail, unconfirmed=True) from error
