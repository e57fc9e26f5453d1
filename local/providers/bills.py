"""What the simulator bills: tokens by provider, UTC day and model, at the list prices of the gateway's catalog.

A provider disagrees by a factor: it bills so many times as much.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from functools import cache
from typing import Any

from gateway_core.domain.answer import Usage
from gateway_core.domain.cost import NANO_PER_USD, price
from gateway_core.domain.prices import Price
from local.providers.calls import Call
from local.providers.model import Refused, Tokens

type Item = tuple[str, str, Decimal]
"""A model, `input` or `output`, and USD."""

BILLED = ("anthropic", "openai")


@dataclass(slots=True)
class Bills:
    """`sums` are nano-USD of input and output by provider, day and model."""

    sums: defaultdict[tuple[str, date, str], list[int]] = field(default_factory=lambda: defaultdict(lambda: [0, 0]))
    factors: dict[str, Decimal] = field(default_factory=dict)

    def add(self, call: Call, now_s: float) -> None:
        """Bill a call that ended; one that failed is free, and so is what the catalog has no price of."""
        listed = _prices().get((call.provider, call.model))
        if listed is None or call.outcome == "error":
            return
        tokens = call.tokens if call.outcome == "ok" else Tokens(input=call.tokens.input, output=call.generated)
        cost = price(_usage(tokens), listed, input_includes_cached=True)
        sums = self.sums[call.provider, datetime.fromtimestamp(now_s, UTC).date(), call.model]
        sums[0] += cost.input_nano
        sums[1] += cost.output_nano

    def disagree(self, given: Any) -> dict[str, str]:
        """From `{"provider", "factor"}`. Raises ValueError."""
        provider, factor = (given.get(name) if isinstance(given, dict) else None for name in ("provider", "factor"))
        if provider not in BILLED:
            raise ValueError(f"provider must be one of {', '.join(BILLED)}")
        try:
            self.factors[provider] = Decimal(str(factor))
        except InvalidOperation:
            raise ValueError("factor must be a number") from None
        return {"provider": provider, "factor": str(factor)}

    def clear(self) -> None:
        """Forget what was billed, and agree again."""
        self.sums.clear()
        self.factors.clear()

    def items(self, provider: str, day: date) -> list[Item]:
        """What is billed for a day."""
        factor = self.factors.get(provider, Decimal(1)) / NANO_PER_USD
        return [
            (model, kind, nano * factor)
            for (name, on, model), amounts in sorted(self.sums.items())
            if (name, on) == (provider, day)
            for kind, nano in zip(("input", "output"), amounts, strict=True)
        ]


@dataclass(frozen=True, slots=True)
class Window:
    """The days of one page, and the `page` that goes on."""

    days: Sequence[date]
    next_page: str | None

    @classmethod
    def of(cls, first: date, end: date, limit: int, page: str) -> Window:
        """Of the days from `first` up to `end`, without it, those behind `page`. Raises Refused."""
        skipped = page.removeprefix("page_") if page else "0"
        if not skipped.isdecimal():
            raise Refused("page: is no page of this report")
        days = [first + timedelta(days=ago) for ago in range((end - first).days)]
        until = int(skipped) + limit
        return cls(days[int(skipped) : until], f"page_{until}" if until < len(days) else None)


def number(text: str | None, default: int, most: int) -> int:
    """A limit from 1 to `most`. Raises Refused."""
    found = int(text) if text and text.isdecimal() else default if text is None else 0
    if not 1 <= found <= most:
        raise Refused(f"limit: must be between 1 and {most}")
    return found


def _usage(tokens: Tokens) -> Usage:
    return Usage(
        tokens.input,
        tokens.output,
        tokens.cached,
        tokens.cache_write,
        tokens.reasoning,
        tokens.cache_write_1h,
        tokens.audio_input,
        tokens.audio_output,
    )


@cache
def _prices() -> Mapping[tuple[str, str], Price]:
    from gateway_core.config.catalog_loader import load_catalog  # noqa: PLC0415 - half the start, and for bills alone

    models = load_catalog().models.values()
    return {(one.provider, one.deployment.upstream_model): one.price for one in models}
