"""What reports add up: counters by day and by month, one vector for each name of each kind and for pairs of them.

They are fields of the project's month, beside its budgets. `{p}` is a period: a day of the month (`20`), or `M`:

    c|{DD}, c|{DD}{HH}          all requests of a day, and of an hour of it
    c{kind}|{p}|{name}          those of a name; kinds are m model, p provider, k key, a agent, u user
    c{am,um}|{p}|{name}|{model} those of an agent or user with a model
    chm|{DD}{HH}|{model}        those of a model in an hour
    i|{kind}|{p}                the names of a kind in a period, in order of appearance, with commas in between

Names are percent-encoded, so `|` and `,` separate and `*` is free to mean the rest.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import zip_longest
from typing import Literal
from urllib.parse import quote

from gateway_core.store.records import UsageRecord

type Kind = Literal["m", "p", "k", "a", "u", "am", "um"]

MOST_NAMES = 500
"""So many names of a kind a day and project; further ones are counted together, as the rest."""
MOST_PAIRS = 4 * MOST_NAMES
"""So many pairs a day."""
MONTHS_SHARE = 4
"""A month has so many times as many."""
MONTH = "M"
"""The period that is the whole month."""
RECONCILED = "reconcile"
"""The kind of a record that only adds money to the books: an operator's decision on a hold, not a request."""
REST = "*"
LATENCY_BOUNDS_MS = (100, 250, 500, 1000, 2500, 5000, 10_000, 20_000, 40_000, 80_000)
"""Upper ends, included, of the histogram's buckets; the last bucket, beyond them, has none."""
_SUMS = 8
_ALL = _SUMS + len(LATENCY_BOUNDS_MS) + 1
_ZEROS = [0] * _SUMS


@dataclass(frozen=True, slots=True)
class Counters:
    """Sums over requests. `latency_ms` is the sum of latencies; `latencies` how many fell into each bucket.

    `estimated_nano` is how much of the cost is an estimate, `downgraded` how many were served by a cheaper group. Days
    of earlier releases know none of these, nor `latencies`.
    """

    requests: int = 0
    errors: int = 0
    cache_hits: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost_nano: int = 0
    latency_ms: int = 0
    estimated_nano: int = 0
    latencies: tuple[int, ...] = ()
    downgraded: int = 0

    @classmethod
    def of(cls, numbers: list[int]) -> Counters:
        """From the numbers of `vector`; those at the end that are missing are 0."""
        requests, errors, hits, given, made, cost, latency, estimated = (numbers + _ZEROS)[:_SUMS]
        latencies, beyond = tuple(numbers[_SUMS:_ALL]), sum(numbers[_ALL:])
        return cls(requests, errors, hits, given, made, cost, latency, estimated, latencies, beyond)

    @property
    def vector(self) -> tuple[int, ...]:
        """All numbers, sums first; what came later than the latencies is behind them, and only where it is anything."""
        sums = (self.requests, self.errors, self.cache_hits, self.input_tokens, self.output_tokens, self.cost_nano)
        known = (*sums, self.latency_ms, self.estimated_nano, *self.latencies)
        return (*known, *(0,) * (_ALL - len(known)), self.downgraded) if self.downgraded else known

    @property
    def successes(self) -> int:
        return self.requests - self.errors

    @property
    def cost_per_success_nano(self) -> int | None:
        """The whole cost, that of failed requests included, by successful requests; None where there is none."""
        number = self.successes
        return (2 * self.cost_nano + number) // (2 * number) if number > 0 else None  # rounded, in whole numbers

    def __add__(self, other: Counters) -> Counters:
        return Counters.of(add_vectors(self.vector, other.vector))

    def __sub__(self, other: Counters) -> Counters:
        """What is left of all when a part is taken away."""
        return Counters.of(add_vectors(self.vector, [-number for number in other.vector]))

    def latency_at_most_ms(self, share: float) -> int | None:
        """A bound that this share of the latencies keeps; None if none is known, or if it is beyond the last one."""
        needed, seen = share * sum(self.latencies), 0
        for bound, count in zip(LATENCY_BOUNDS_MS, self.latencies, strict=False):
            seen += count
            if seen and seen >= needed:
                return bound
        return None


@dataclass(frozen=True, slots=True)
class Dimension:
    """Fields that are counted together, under a name of which `index` has at most `most`.

    A name beyond them is counted in the fields `rest`, under `rest_name`. Without an index there is no bound.
    """

    fields: tuple[str, ...]
    rest: tuple[str, ...] = ()
    index: str = ""
    name: str = ""
    rest_name: str = ""
    most: int = 0

    @property
    def kind(self) -> str:
        """Of its names; empty without an index."""
        return self.index.split("|")[1] if self.index else ""


def add_vectors(one: Sequence[int], other: Sequence[int]) -> list[int]:
    """Number by number; those at the end that are missing are 0."""
    return [a + b for a, b in zip_longest(one, other, fillvalue=0)]


def count(record: UsageRecord) -> Counters:
    """What one record adds."""
    is_request = record.kind != RECONCILED
    bucket = bisect_left(LATENCY_BOUNDS_MS, record.latency_ms)
    return Counters(
        requests=int(is_request),
        errors=int(is_request and record.error_code != ""),
        cache_hits=int(record.cache_hit),
        input_tokens=record.input_tokens,
        output_tokens=record.output_tokens,
        cost_nano=record.cost_nano,
        latency_ms=record.latency_ms,
        estimated_nano=record.estimated_nano,
        latencies=(*(0,) * bucket, 1) if is_request else (),
        downgraded=int(record.downgraded != ""),
    )


def dimensions(record: UsageRecord, day: str, hour: str) -> tuple[Dimension, ...]:
    """The fields that a record of UTC day `20261120` and hour `00` to `23` counts in."""
    return _dimensions(day[6:], hour, record.model, record.provider, record.key_id, record.agent_id, record.user_id)


def all_field(day: str, hour: str = "") -> str:
    """Field of all requests of a day (`20`), or of an hour of it."""
    return f"c|{day}{hour}"


def named_field(kind: str, period: str, name: str) -> str:
    """Field of a name as it stands in the index; of kind `hm` the period is a day and an hour."""
    return f"c{kind}|{period}|{name}"


def index_field(kind: Kind, period: str) -> str:
    """Field that lists a kind's names of a period."""
    return f"i|{kind}|{period}"


@lru_cache(maxsize=1024)
def encode(name: str) -> str:
    """A name as it stands in a field."""
    return quote(name, safe="")


def pair(name: str, model: str) -> str:
    """An agent or user with a model, all encoded, as it stands in a field."""
    return f"{name}|{model}"


@lru_cache(maxsize=256)
def _dimensions(day: str, hour: str, *of: str) -> tuple[Dimension, ...]:
    """The same for a day of a month and the names of a record: requests of an hour have few different ones."""
    names = tuple(_names(*of))
    return (
        Dimension((all_field(day), all_field(day, hour))),
        *(_dimension(kind, day, name, rest, hour) for kind, name, rest in names),
        *(_dimension(kind, MONTH, name, rest) for kind, name, rest in names),
    )


def _names(model: str, provider: str, key: str, agent: str, user: str) -> Iterator[tuple[Kind, str, str]]:
    """Each kind that a record counts in, its name, and under which name it is counted among the rest."""
    model, agent, user = encode(model), encode(agent), encode(user)
    singles: tuple[tuple[Kind, str], ...] = (
        ("m", model),
        ("p", encode(provider)),
        ("k", encode(key)),
        ("a", agent),
        ("u", user),
    )
    pairs: tuple[tuple[Kind, str], ...] = (("am", agent), ("um", user))
    yield from ((kind, name, REST) for kind, name in singles if name)
    yield from ((kind, pair(name, model), pair(REST, model)) for kind, name in pairs if name and model)


def _dimension(kind: Kind, period: str, name: str, rest: str, hour: str = "") -> Dimension:
    most = MOST_PAIRS if len(kind) > 1 else MOST_NAMES
    by_hour = bool(hour) and kind == "m"

    def fields(of: str) -> tuple[str, ...]:
        hourly = (named_field("hm", period + hour, of),) if by_hour else ()
        return (named_field(kind, period, of), *hourly)

    return Dimension(
        fields(name),
        fields(rest),
        index_field(kind, period),
        name,
        rest,
        most if hour else most * MONTHS_SHARE,
    )
