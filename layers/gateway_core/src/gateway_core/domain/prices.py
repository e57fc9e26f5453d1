"""List prices of models: frozen values, in Decimal nano-USD per token."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Price:
    """List price of one model in nano-USD per token; `source` names the price list and its date.

    None: cache writes that last an hour cost what others do, and audio what text does. `service_tiers` are whole
    prices by the provider's name of the tier, such as `flex` and `priority`; they have no service tiers themselves.
    """

    input: Decimal
    output: Decimal
    cached_input: Decimal
    cache_write: Decimal
    source: str
    tiers: tuple[PriceTier, ...] = ()
    cache_write_1h: Decimal | None = None
    audio_input: Decimal | None = None
    audio_output: Decimal | None = None
    service_tiers: Mapping[str, Price] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class PriceTier:
    """Rates that replace a price's own when the whole input is longer than `above_tokens`."""

    above_tokens: int
    input: Decimal
    output: Decimal
    cached_input: Decimal
    cache_write: Decimal
    cache_write_1h: Decimal | None = None
    audio_input: Decimal | None = None
    audio_output: Decimal | None = None
