"""What a provider says that it bills for a day, beside what was booked for it. Pure."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from gateway_core.domain.compact_json import compact
from gateway_core.domain.times import LATEST_MS
from gateway_core.store.soundness import check_types

KEPT_MS = 400 * 86_400_000
"""As long as the counters that it is compared with."""
MOST_LINES = 200
"""Of a day; what is beyond is one line, so that a value has a bound."""
REST = "(rest)"
_VERSION = 1
_LEAST_NANO = 10_000_000
"""A cent: less is no difference that anybody looks for."""
_LEAST_SHARE = 100
"""Nor is less than a hundredth of the bill."""
_PINNED = re.compile(r"[-:@](?:latest|[0-9]{3}|[0-9]{8}|[0-9]{4}-[0-9]{2}-[0-9]{2})$")
"""What providers put behind a model's name to pin it."""


@dataclass(frozen=True, slots=True)
class InvoiceLine:
    """One model by the provider's own name, or another item of its bill. Nano-USD."""

    name: str
    billed_nano: int
    booked_nano: int

    @property
    def difference_nano(self) -> int:
        """What was billed beyond what was booked; negative the other way round."""
        return self.billed_nano - self.booked_nano


@dataclass(frozen=True, slots=True)
class InvoiceDay:
    """A UTC day of one provider, as it was at `checked_ms`. `partial`: the day was not over, so nothing follows."""

    provider: str
    day: date
    checked_ms: int
    lines: tuple[InvoiceLine, ...]
    partial: bool = False

    @property
    def billed_nano(self) -> int:
        return sum(line.billed_nano for line in self.lines)

    @property
    def booked_nano(self) -> int:
        return sum(line.booked_nano for line in self.lines)

    @property
    def difference_nano(self) -> int:
        return self.billed_nano - self.booked_nano

    @property
    def differs(self) -> bool:
        """Whether an operator should look: by a cent and by one percent of the larger sum, or more."""
        apart, larger = abs(self.difference_nano), max(abs(self.billed_nano), abs(self.booked_nano))
        return not self.partial and apart >= _LEAST_NANO and apart * _LEAST_SHARE >= larger


def compare(
    billed: Iterable[tuple[str, str, int]], booked: Mapping[str, int], booked_nano: int
) -> tuple[InvoiceLine, ...]:
    """A line for each model, then one for each other item; their sums are those of both sides.

    Args:
        billed: Name, model (empty where it is none's) and nano-USD of each item of the provider's.
        booked: Nano-USD by the provider's own names of models.
        booked_nano: All that was booked for the provider; what is of no model in `booked` is the line `(rest)`.
    """
    sides: defaultdict[str, list[int]] = defaultdict(lambda: [0, 0])
    for model, nano in booked.items():
        sides[model][1] += nano
    for name, model, nano in billed:
        sides[_our_name(model, booked) if model else name][0] += nano
    if rest := booked_nano - sum(booked.values()):
        sides[REST][1] += rest
    lines = [InvoiceLine(name, *amounts) for name, amounts in sides.items() if any(amounts)]
    return _bounded(sorted(lines, key=lambda line: (-max(line.billed_nano, line.booked_nano), line.name)))


def _our_name(model: str, booked: Mapping[str, int]) -> str:
    """The name that was asked for, where the bill has a pinned version of it."""
    if model in booked:
        return model
    plain = _PINNED.sub("", model)
    return next((name for name in booked if _PINNED.sub("", name) == plain), model)


def _bounded(lines: list[InvoiceLine]) -> tuple[InvoiceLine, ...]:
    if len(lines) <= MOST_LINES:
        return tuple(lines)
    shown = [line for line in lines if line.name != REST][: MOST_LINES - 1]
    billed = sum(line.billed_nano for line in lines) - sum(line.billed_nano for line in shown)
    booked = sum(line.booked_nano for line in lines) - sum(line.booked_nano for line in shown)
    return (*shown, InvoiceLine(REST, billed, booked))


def pack_invoice(found: InvoiceDay) -> str:
    """As a JSON array; provider and day are in its key."""
    lines = [[line.name, line.billed_nano, line.booked_nano] for line in found.lines]
    return compact([_VERSION, found.checked_ms, found.partial, lines])


def parse_invoice(provider: str, day: date, text: str) -> InvoiceDay:
    """The same back. Raises ValueError, TypeError for what is none."""
    _version, checked_ms, partial, rows = json.loads(text)
    found = InvoiceDay(provider, day, checked_ms, tuple(_line(*row) for row in rows), partial)
    if type(checked_ms) is not int or not 0 <= checked_ms <= LATEST_MS or type(partial) is not bool:
        raise TypeError
    return found


def _line(*parts: Any) -> InvoiceLine:
    line = InvoiceLine(*parts)
    check_types(line)
    return line
