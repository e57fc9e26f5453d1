"""Where prices come from: the snapshot of LiteLLM's map, then a price book, then single overrides.

Prices are read in USD per `per_tokens` tokens and kept in nano-USD per token. Cached input and cache writes without
a rate of their own cost what plain input costs, writes for an hour what other writes cost, audio what text costs. What
a service tier does not name costs no less there than it does by default.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal, localcontext
from functools import cache
from types import MappingProxyType
from typing import Annotated, Any, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from gateway_core.config.documents import Rate, Schema, packaged, packaged_names, read_json, read_yaml, validate
from gateway_core.domain.chat import ModelMode
from gateway_core.domain.cost import Rates, rates_at
from gateway_core.domain.errors import ConfigError
from gateway_core.domain.prices import Price, PriceTier

SNAPSHOT = "prices.json"
PRICING = "pricing.yaml"
OVERRIDE = "override"

_EXACT_DIGITS = 40  # a rate has 20 at most: no change of unit is cut
_BASIS = {
    "input": "",
    "output": "",
    "cached_input": "input",
    "cache_write": "input",
    "cache_write_1h": "cache_write",
    "audio_input": "input",
    "audio_output": "output",
}
"""What each rate is like where it is not named."""
_NANO_PER_TOKEN = {1: 10**9, 1_000: 10**6, 1_000_000: 10**3}

type PerTokens = Literal[1, 1_000, 1_000_000]
type Day = Annotated[date, Field(strict=False)]
type ServiceTierName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,31}$")]


class OptionalRates(Schema):
    cached_input: Rate | None = None
    cache_write: Rate | None = None
    cache_write_1h: Rate | None = None
    audio_input: Rate | None = None
    audio_output: Rate | None = None


class TierEntry(OptionalRates):
    above_tokens: int = Field(gt=0)
    input: Rate
    output: Rate


class ServiceRates(OptionalRates):
    input: Rate | None = None
    output: Rate | None = None


class ServiceLengthEntry(ServiceRates):
    above_tokens: int = Field(gt=0)


class ServiceTierEntry(ServiceRates):
    tiers: list[ServiceLengthEntry] = Field(default_factory=list)

    @model_validator(mode="after")
    def _tiers_differ(self) -> Self:
        return _with_distinct_tiers(self, self.tiers)


class PriceEntry(OptionalRates):
    """`tiers` are by length of the input, `service_tiers` by the provider's name (`flex`, `priority`)."""

    input: Rate
    output: Rate
    tiers: list[TierEntry] = Field(default_factory=list)
    service_tiers: dict[ServiceTierName, ServiceTierEntry] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _tiers_differ(self) -> Self:
        return _with_distinct_tiers(self, self.tiers)


def _with_distinct_tiers[E](entry: E, tiers: Sequence[TierEntry | ServiceLengthEntry]) -> E:
    if len({tier.above_tokens for tier in tiers}) != len(tiers):
        raise ValueError("two tiers start at the same above_tokens")
    return entry


class PricingSection(Schema):
    """`pricing.yaml`, and the section `pricing` of config.yaml. `models` is keyed by model key."""

    book: str | None = None
    per_tokens: PerTokens = 1_000_000
    models: dict[str, PriceEntry] = Field(default_factory=dict)


class BookFile(Schema):
    title: str
    per_tokens: PerTokens
    models: dict[str, PriceEntry]


class ListingEntry(Schema):
    """What LiteLLM's map says of one model, in our terms."""

    mode: ModelMode
    context_window: int = Field(gt=0)
    max_output_tokens: int = Field(ge=0)
    capabilities: list[str]
    retires_on: Day | None = None
    price: PriceEntry


class Origin(Schema):
    package: str
    version: str
    sha256: str


class SnapshotFile(Schema):
    """`prices.json`: made by `make prices`, never edited. `sha256` is `fingerprint(models)`."""

    origin: Origin
    date: Day
    per_tokens: PerTokens
    sha256: str
    models: dict[str, ListingEntry]


@dataclass(frozen=True, slots=True)
class Listing:
    """Facts and list price of a model as its provider serves it."""

    mode: ModelMode
    context_window: int
    max_output_tokens: int
    capabilities: frozenset[str]
    retires_on: date | None
    price: Price


@dataclass(frozen=True, slots=True)
class PriceList:
    """All prices in effect: `declared` by model key, `listings` by key of LiteLLM's map.

    `sha256` and `day` are the snapshot's.
    """

    listings: Mapping[str, Listing]
    declared: Mapping[str, Price]
    sha256: str
    day: date

    def price(self, key: str, listing: Listing | None) -> Price | None:
        """The price of model `key`, which is served as `listing`; None if nobody names one."""
        return self.declared.get(key) or (listing.price if listing else None)


def load_prices(section: PricingSection, source: str) -> PriceList:
    """The packaged prices under the overrides of `section`, which came from `source`. Raises ConfigError."""
    own, (listings, sha256, day) = _packaged_pricing(), _packaged_snapshot()
    book = section.book or own.book
    declared = (_read_book(book, source) if book else {}) | _overrides(own) | _overrides(section)
    return PriceList(listings, declared, sha256, day)


@cache
def _packaged_pricing() -> PricingSection:
    return validate(PricingSection, read_yaml(packaged(PRICING), PRICING), PRICING)


@cache
def _packaged_snapshot() -> tuple[Mapping[str, Listing], str, date]:
    listings, sha256, day = read_snapshot(packaged(SNAPSHOT))
    return MappingProxyType(listings), sha256, day


def fingerprint(models: Mapping[str, Any]) -> str:
    """SHA-256 in hex of a snapshot's models as canonical JSON: what a usage record names to be priced again."""
    text = json.dumps(models, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def read_snapshot(text: str) -> tuple[dict[str, Listing], str, date]:
    """The listings of a snapshot by key of LiteLLM's map, its sha256 and day. Raises ConfigError if it was edited."""
    document = read_json(text, SNAPSHOT)
    snapshot = validate(SnapshotFile, document, SNAPSHOT)
    if fingerprint(document["models"]) != snapshot.sha256:
        raise ConfigError(f"{SNAPSHOT}: sha256 does not match. Run 'make prices'; to set a price, use pricing.models.")
    source = f"{snapshot.origin.package}-{snapshot.origin.version}@{snapshot.date.isoformat()}"
    per_tokens = snapshot.per_tokens
    listings = {key: _listing(entry, per_tokens, source) for key, entry in snapshot.models.items()}
    return listings, snapshot.sha256, snapshot.date


def _listing(entry: ListingEntry, per_tokens: int, source: str) -> Listing:
    return Listing(
        mode=entry.mode,
        context_window=entry.context_window,
        max_output_tokens=entry.max_output_tokens,
        capabilities=frozenset(entry.capabilities),
        retires_on=entry.retires_on,
        price=price_of(entry.price, per_tokens, source),
    )


def _read_book(name: str, source: str) -> dict[str, Price]:
    books = packaged_names("books")
    if name not in books:
        raise ConfigError(f"{source}: pricing.book: there is no such price book. Choose one of: {', '.join(books)}.")
    file = f"books/{name}.yaml"
    book = validate(BookFile, read_yaml(packaged("books", f"{name}.yaml"), file), file)
    return {key: price_of(entry, book.per_tokens, f"book:{name}") for key, entry in book.models.items()}


def _overrides(section: PricingSection) -> dict[str, Price]:
    return {key: price_of(entry, section.per_tokens, OVERRIDE) for key, entry in section.models.items()}


def price_of(entry: PriceEntry, per_tokens: int, source: str) -> Price:
    """The price that an entry declares, in nano-USD per token."""
    nano = _NANO_PER_TOKEN[per_tokens]
    tiers = sorted(entry.tiers, key=lambda tier: tier.above_tokens)
    default = Price(
        **_rates(entry, nano),
        source=source,
        tiers=tuple(PriceTier(above_tokens=tier.above_tokens, **_rates(tier, nano)) for tier in tiers),
    )
    served = {name: _service_price(served, default, nano) for name, served in entry.service_tiers.items()}
    return replace(default, service_tiers=MappingProxyType(served))


def _rates(entry: PriceEntry | TierEntry, nano: int) -> dict[str, Any]:
    rates: dict[str, Any] = _named(entry, nano)
    for name in ("cached_input", "cache_write", "cache_write_1h"):
        rates.setdefault(name, rates[_BASIS[name]])
    return rates


def _named(entry: OptionalRates, nano: int) -> dict[str, Decimal]:
    with localcontext(prec=_EXACT_DIGITS):
        return {name: rate * nano for name in _BASIS if (rate := getattr(entry, name, None)) is not None}


def _service_price(entry: ServiceTierEntry, default: Price, nano: int) -> Price:
    """A service tier's own price, with every threshold that it or the default has."""
    longer = {tier.above_tokens: _named(tier, nano) for tier in entry.tiers}
    rates = base = _filled(_named(entry, nano), default, {})
    tiers = []
    for above in sorted(longer.keys() | {tier.above_tokens for tier in default.tiers}):
        rates = _filled(longer.get(above, {}), rates_at(default, above + 1), rates)
        tiers.append(PriceTier(above_tokens=above, **rates))
    return Price(**base, source=default.source, tiers=tuple(tiers))


def _filled(named: dict[str, Decimal], default: Rates, shorter: dict[str, Any]) -> dict[str, Any]:
    """The rates that are named, and for each other the dearest that is known for the like of it.

    That is what it costs by default, or for a shorter input at this service tier, or what its basis costs.
    """
    rates: dict[str, Any] = {}
    for name, basis in _BASIS.items():
        known = (getattr(default, name), shorter.get(name))
        if name in named:
            rates[name] = named[name]
        elif all(rate is None for rate in known):
            rates[name] = None
        else:
            like = None if shorter else rates.get(basis)
            rates[name] = max(rate for rate in (*known, like) if rate is not None)
    return rates
