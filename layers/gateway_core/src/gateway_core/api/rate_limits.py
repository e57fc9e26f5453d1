"""The rate limits that a provider reported, as `/health/providers` shows it. Pure."""

from __future__ import annotations

from typing import Any

from gateway_core.domain.rates import UNREPORTED
from gateway_core.domain.times import iso
from gateway_core.store.deployment_state import DeploymentState
from gateway_core.store.rate_limit import REPORT_LIFE_MS, LimitCounter


def rate_limit_view(state: DeploymentState, now_ms: int) -> dict[str, Any] | None:
    """The last report on requests and tokens; None where there is none, or only an old one."""
    if state.provider_limits is None:
        return None
    counters = {"requests": state.provider_limits.requests, "tokens": state.provider_limits.tokens}
    shown = {name: _shown(counter, now_ms) for name, counter in counters.items()}
    return shown if any(shown.values()) else None


def _shown(counter: LimitCounter, now_ms: int) -> dict[str, Any] | None:
    reported = counter.reported
    if reported == UNREPORTED or now_ms - counter.seen_ms > REPORT_LIFE_MS:
        return None
    reset_at = None if reported.reset_at_ms is None else iso(reported.reset_at_ms)
    return {"limit": reported.limit, "remaining": reported.remaining, "reset_at": reset_at}
