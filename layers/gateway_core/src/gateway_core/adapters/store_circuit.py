"""One process's circuit breaker around the store: an outage costs a few timeouts, not one a request."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from gateway_core.domain.chat import BreakerEffect
from gateway_core.domain.errors import StoreUnavailable, StoreUnreadable
from gateway_core.ports import Clock
from gateway_core.store import breaker
from gateway_core.store.breaker import Breaker, Effect
from gateway_core.store.messages import BreakerPolicy

POLICY = BreakerPolicy(failures=3, window_ms=60_000, cooldown_ms=3_000, max_cooldown_ms=3_000, lease_ms=60_000)
"""Three failures in a row open it for 3 s; then a single call asks the store again while the others stay away."""


class StoreCircuit:
    """Lets calls through to the store, or refuses them at once while it is known to be away."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._breaker = Breaker()
        self._why = ""

    async def ask[R](self, call: Callable[[], Awaitable[R]]) -> R:
        """What `call` gives. Raises StoreUnavailable: the call's own, or without a call while the circuit is open."""
        if wait_ms := breaker.closed_for_ms(self._breaker, self._now_ms()):
            raise StoreUnavailable(
                "The gateway's store does not answer.",
                detail=f"not asked: {self._why}",
                retry_after_s=min(wait_ms, POLICY.cooldown_ms) / 1000,
            )
        self._breaker = breaker.admit(self._breaker, self._now_ms(), POLICY)
        generation, probe = self._breaker.generation, self._breaker.state == "half_open"
        effect: BreakerEffect = "skip"
        try:
            reply = await call()
            effect = "ok"
        except StoreUnreadable:
            raise  # it does answer: what one project cannot read is no reason to spare it
        except StoreUnavailable as error:
            effect, self._why = "fail", error.detail
            raise
        finally:
            self._end(effect, generation, probe=probe)
        return reply

    def _end(self, kind: BreakerEffect, generation: int, *, probe: bool) -> None:
        self._breaker = breaker.settle(self._breaker, Effect(kind, generation, probe), self._now_ms(), POLICY)

    def _now_ms(self) -> int:
        return round(self._clock.monotonic_s() * 1000)
