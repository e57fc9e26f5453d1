"""What a provider has said of its rate limits, as `/health/providers` shows it. Pure."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from gateway_core.domain.rates import UNTOLD
from gateway_core.store.deployment_state import DeploymentState
from gateway_core.store.rate_limit import WORD_LIFE_MS, Gauge


def rate_limit_view(state: DeploymentState, now_ms: int) -> dict[str, Any] | None:
    """The provider's last word on requests and tokens; None where it has not spoken, or too long ago."""
    if state.room is None:
        return None
    gauges = {"requests": state.room.requests, "tokens": state.room.tokens}
    shown = {name: _shown(gauge, now_ms) for name, gauge in gauges.items()}
    return shown if any(shown.values()) else None


def _shown(gauge: Gauge, now_ms: int) -> dict[str, Any] | None:
    quota = gauge.quota
    if quota == UNTOLD or now_ms - gauge.seen_ms > WORD_LIFE_MS:
        return None
    reset_at = None if quota.reset_at_ms is None else _iso(quota.reset_at_ms)
    return {"limit": quota.limit, "remaining": quota.remaining, "reset_at": reset_at}


def _iso(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds")
