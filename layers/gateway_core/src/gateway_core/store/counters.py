"""What reports add up: counters of one UTC day, one vector for each dimension and combination that is served.

Field names: `t` all, `h{HH}` hour, `m|` model, `a|` agent, `u|` user, `k|` key, and the combinations `h{HH}|m|{model}`,
`am|{agent}|{model}`, `um|{user}|{model}`. Names are percent-encoded, so `|` separates and `*` is free to mean the rest.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass
from urllib.parse import quote

from gateway_core.store.records import UsageRecord

CARDINALITY_CAP = 2000
"""A day with this many fields folds further agents and users into `a|*` and `u|*`."""
RECONCILED = "reconcile"
"""The kind of a record that only adds money to the books: an operator's decision on a hold, not a request."""
REST = "*"


@dataclass(frozen=True, slots=True)
class Counters:
    """Sums over requests. `latency_ms` is the sum of latencies."""

    requests: int = 0
    errors: int = 0
    cache_hits: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost_nano: int = 0
    latency_ms: int = 0

    def __add__(self, other: Counters) -> Counters:
        return Counters(*(mine + theirs for mine, theirs in zip(astuple(self), astuple(other), strict=True)))


@dataclass(frozen=True, slots=True)
class Dimension:
    """Fields that are counted together. Where `rest` is not empty, a new name may be folded into those fields."""

    fields: tuple[str, ...]
    rest: tuple[str, ...] = ()


def count(record: UsageRecord) -> Counters:
    """What one record adds."""
    is_request = record.kind != RECONCILED
    return Counters(
        requests=int(is_request),
        errors=int(is_request and record.error_code != ""),
        cache_hits=int(record.cache_hit),
        input_tokens=record.input_tokens,
        output_tokens=record.output_tokens,
        cost_nano=record.cost_nano,
        latency_ms=record.latency_ms,
    )


def dimensions(record: UsageRecord, hour: str) -> tuple[Dimension, ...]:
    """The fields that a record of UTC hour `hour` (`00` to `23`) counts in."""
    key, model = encode(record.key_id), encode(record.model)
    by_model = (f"m|{model}", f"h{hour}|m|{model}") if model else ()
    return (
        Dimension(("t", f"h{hour}", f"k|{key}", *by_model)),
        *_party("a", record.agent_id, model),
        *_party("u", record.user_id, model),
    )


def encode(name: str) -> str:
    """A name as it stands in a field."""
    return quote(name, safe="")


def _party(letter: str, name: str, model: str) -> tuple[Dimension, ...]:
    if not name:
        return ()
    return (Dimension(_party_fields(letter, encode(name), model), _party_fields(letter, REST, model)),)


def _party_fields(letter: str, name: str, model: str) -> tuple[str, ...]:
    return (f"{letter}|{name}", f"{letter}m|{name}|{model}") if model else (f"{letter}|{name}",)
