"""What a probe of a provider tells: its list of models, asked for at no charge, and what follows from the answer.

Probes inform only. No breaker moves by them: a provider that lists its models may still fail to run one, and the
other way round.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal, get_args

from gateway_core.domain.catalog import Catalog
from gateway_core.domain.chat import Model
from gateway_core.domain.errors import ConfigError, LLMError
from gateway_core.domain.lifecycle import lifecycle, retirement_warning
from gateway_core.domain.provider_errors import BadCredentials, ProviderRejected, ProviderTimeout, RateLimitError
from gateway_core.domain.times import LATEST_MS
from gateway_core.store.deployment_state import DeploymentState
from gateway_core.store.soundness import check_texts, check_types

type ProbeStatus = Literal[
    "ok", "bad_credentials", "rate_limited", "unavailable", "timeout", "unsupported", "not_configured"
]
"""`unsupported`: it answers, but has no list. `not_configured`: no key is set, or nothing runs on this machine."""
type ProviderStatus = Literal["healthy", "degraded", "unhealthy", "unknown"]
_STATUSES = get_args(ProbeStatus.__value__)
type WarningCode = Literal["model_retiring", "model_retired", "model_unlisted", "prices_old"]

FRESH_INTERVALS = 3
KEPT_MS = 24 * 3_600_000
"""How long a result is kept once it is stale, to tell when the last probe was."""
_UNIT_S = {"minute": 60, "hour": 3_600, "day": 86_400}
_RATE = re.compile(r"rate\(([1-9][0-9]{0,4}) (minute|hour|day)s?\)")
_VERSION = r"(?:[-:@](?:latest|[0-9]{3}|[0-9]{8}|[0-9]{4}-[0-9]{2}-[0-9]{2}))?"
"""How providers pin a model in their lists: `-20251101`, `-2025-11-13`, `-001`, `:latest`."""
_FLOATING = re.compile(r"[-:]latest$")


@dataclass(frozen=True, slots=True)
class ModelList:
    """The models that a provider lists for our key; `complete` is False where there were more pages."""

    names: frozenset[str]
    complete: bool = True


@dataclass(frozen=True, slots=True)
class Probe:
    """One provider, probed. `latency_ms` is None where nothing came back; after `fresh_until_ms` it counts no more.

    `listed` says of the catalog's upstream models whether the provider lists them; those that nobody knows are absent.
    """

    provider: str
    status: ProbeStatus
    latency_ms: int | None
    checked_ms: int
    fresh_until_ms: int
    listed: Mapping[str, bool] = field(default_factory=dict)

    def is_fresh(self, now_ms: int) -> bool:
        return now_ms < self.fresh_until_ms

    @property
    def is_fine(self) -> bool:
        """It answered, or is not in use: nobody has to do anything."""
        return self.status in {"ok", "unsupported", "not_configured"}


def parse_probe(*parts: Any) -> Probe:
    """A probe from its parts in order. Raises TypeError, ValueError."""
    probe = Probe(*parts)
    check_types(probe)
    check_texts(*probe.listed)
    if probe.status not in _STATUSES or not all(isinstance(is_listed, bool) for is_listed in probe.listed.values()):
        raise ValueError(probe.status)
    if not 0 <= probe.checked_ms <= LATEST_MS:
        raise ValueError(probe.checked_ms)
    return probe


@dataclass(frozen=True, slots=True)
class FleetHealth:
    """What the fleet knows: breakers and latencies in the order asked, and the last probe of each provider."""

    states: tuple[DeploymentState, ...]
    probes: tuple[Probe, ...] = ()


@dataclass(frozen=True, slots=True)
class CatalogWarning:
    """Something that needs an operator before it needs a user. `model` is empty where it is about no single one."""

    code: WarningCode
    message: str
    provider: str = ""
    model: str = ""


def interval_s(schedule: str) -> int | None:
    """Seconds between two runs of a schedule like `rate(5 minutes)`; None for any other."""
    match = _RATE.fullmatch(schedule)
    return int(match[1]) * _UNIT_S[match[2]] if match else None


def failed_status(error: LLMError) -> ProbeStatus:
    """What a probe that ended in this error tells of the provider."""
    match error:
        case ConfigError():
            return "not_configured"
        case BadCredentials():
            return "bad_credentials"
        case RateLimitError():
            return "rate_limited"
        case ProviderTimeout():
            return "timeout"
        case ProviderRejected():
            return "unsupported"
        case _:
            return "unavailable"


def listed(wanted: Iterable[str], found: ModelList) -> dict[str, bool]:
    """Whether the provider lists each wanted model, by that name or by a version of it.

    What a list leaves out that is not complete is unknown, so it is left out here.
    """
    seen = {name: _is_listed(name, found.names) for name in wanted}
    return {name: is_listed for name, is_listed in seen.items() if is_listed or found.complete}


def _is_listed(name: str, names: frozenset[str]) -> bool:
    if name in names:
        return True
    versions = re.compile(re.escape(_FLOATING.sub("", name)) + _VERSION)
    return any(versions.fullmatch(other) for other in names)


def provider_status(breakers: Sequence[str], probe: ProbeStatus | None) -> ProviderStatus:
    """A provider's state from its models' breakers and its last fresh probe (None: there is none).

    Breakers decide: all closed is healthy, none is unhealthy. A probe can only make it worse, and only a refused key
    makes it unhealthy: no call can succeed with that.
    """
    if all(state == "unknown" for state in breakers):
        return "unknown"
    closed = sum(state == "closed" for state in breakers)
    if not closed or probe == "bad_credentials":
        return "unhealthy"
    if closed < len(breakers) or probe in {"rate_limited", "unavailable", "timeout"}:
        return "degraded"
    return "unknown" if probe == "not_configured" else "healthy"


def model_warnings(models: Iterable[Model], probes: Iterable[Probe], today: date) -> list[CatalogWarning]:
    """Models that retire soon or are gone by their date, and those that a fresh probe did not find in the list."""
    missing = {(probe.provider, name) for probe in probes for name, is_listed in probe.listed.items() if not is_listed}
    warnings = []
    for model in models:
        if message := retirement_warning(model, today):
            code: WarningCode = "model_retired" if lifecycle(model, today) == "retired" else "model_retiring"
            warnings.append(CatalogWarning(code, message, model.provider, model.key))
        if (model.provider, model.deployment.upstream_model) in missing:
            warnings.append(CatalogWarning("model_unlisted", _unlisted(model), model.provider, model.key))
    return warnings


def _unlisted(model: Model) -> str:
    upstream = model.deployment.upstream_model
    return f"{model.provider} does not list {upstream}: it may be gone, or not open to this account."


def price_warning(priced_on: date | None, today: date, most_days: int) -> CatalogWarning | None:
    """That the snapshot of list prices is older than `most_days`. What changed since, nobody can tell offline."""
    if priced_on is None or (today - priced_on).days <= most_days:
        return None
    age = (today - priced_on).days
    return CatalogWarning(
        "prices_old", f"List prices are of {priced_on}, {age} days old, and may have changed. Update the gateway."
    )


def catalog_warnings(
    catalog: Catalog, fresh: tuple[Probe, ...], today: date, price_age_days: int
) -> list[CatalogWarning]:
    """Everything in the catalog that needs an operator, by the date and by the probes that still count."""
    prices = price_warning(catalog.prices_date, today, price_age_days)
    return [*model_warnings(catalog.models.values(), fresh, today), *([prices] if prices else [])]
