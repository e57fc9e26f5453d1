"""Where prices come from: the snapshot of LiteLLM's map, then a price book, then single overrides.

Prices are read in USD per `per_tokens` tokens and kept in nano-USD per token. Cached input and cache writes without
a rate of their own cost what plain input costs.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import localcontext
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from gateway_core.config.documents import Rate, Schema, packaged, packaged_names, read_json, read_yaml, validate
from gateway_core.domain.chat import ModelMode, Price, PriceTier
from gateway_core.domain.errors import ConfigError

SNAPSHOT = "prices.json"
PRICING = "pricing.yaml"
OVERRIDE = "override"

_EXACT_DIGITS = 40  # a rate has 20 at most: no change of unit is cut
_NANO_PER_TOKEN = {1: 10**9, 1_000: 10**6, 1_000_000: 10**3}

type PerTokens = Literal[1, 1_000, 1_000_000]
type Day = Annotated[date, Field(strict=False)]


class TierEntry(Schema):
    above_tokens: int = Field(gt=0)
    input: Rate
    output: Rate
    cached_input: Rate | None = None
    cache_write: Rate | None = None


class PriceEntry(Schema):
    input: Rate
    output: Rate
    cached_input: Rate | None = None
    cache_write: Rate | None = None
    tiers: list[TierEntry] = Field(default_factory=list)

    @model_validator(mode="after")
    def _tiers_differ(self) -> Self:
        if len({tier.above_tokens for tier in self.tiers}) != len(self.tiers):
            raise ValueError("two tiers start at the same above_tokens")
        return self


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
    own = validate(PricingSection, read_yaml(packaged(PRICING), PRICING), PRICING)
    listings, sha256, day = read_snapshot(packaged(SNAPSHOT))
    book = section.book or own.book
    declared = (_read_book(book, source) if book else {}) | _overrides(own) | _overrides(section)
    return PriceList(listings, declared, sha256, day)


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
    return Price(
        **_rates(entry, nano),
        source=source,
        tiers=tuple(PriceTier(above_tokens=tier.above_tokens, **_rates(tier, nano)) for tier in tiers),
    )


def _rates(entry: PriceEntry | TierEntry, nano: int) -> dict[str, Any]:
    with localcontext(prec=_EXACT_DIGITS):
        return {
            "input": entry.input * nano,
            "output": entry.output * nano,
            "cached_input": (entry.input if entry.cached_input is None else entry.cached_input) * nano,
            "cache_write": (entry.input if entry.cache_write is None else entry.cache_write) * nano,
        }
