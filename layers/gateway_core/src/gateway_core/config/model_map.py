"""LiteLLM's map of all chat models, for identifiers outside the catalog.

`make prices` packs it, one model a line. It is unpacked when it is first asked, so that no cold start pays for it, and
of its lines only the one that is asked for is ever decoded.
"""

from __future__ import annotations

import gzip
import hashlib
import json
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib import resources
from typing import Any, Literal

from pydantic import Field

from gateway_core.config.documents import Schema, read_json, validate
from gateway_core.config.price_list import Day, Listing, Origin, PerTokens, PriceEntry, price_of
from gateway_core.domain.errors import ConfigError
from gateway_core.domain.prices import Price

MAP = "model_map.jsonl.gz"


class MapEntry(Schema):
    """What LiteLLM says of one model: `ListingEntry` without what it leaves out."""

    mode: Literal["chat", "responses"]
    context_window: int | None = Field(default=None, gt=0)
    max_output_tokens: int | None = Field(default=None, gt=0)
    capabilities: list[str]
    retires_on: Day | None = None
    price: PriceEntry | None = None


class MapHeader(Schema):
    """The first line; `sha256` is of all that follows it."""

    origin: Origin
    date: Day
    per_tokens: PerTokens
    sha256: str


@dataclass(frozen=True, slots=True)
class KnownModel:
    """A model of the map. What is None, LiteLLM does not say."""

    identifier: str
    mode: Literal["chat", "responses"]
    context_window: int | None
    max_output_tokens: int | None
    capabilities: frozenset[str]
    retires_on: date | None
    price: Price | None


class ModelMap:
    """Finds models by identifier. Made by `read_map`."""

    def __init__(self, header: MapHeader, body: str) -> None:
        self._header = header
        self._body = f"\n{body}"

    @property
    def sha256(self) -> str:
        return self._header.sha256

    def find(self, name: str) -> KnownModel | None:
        """The model `provider/model`, or that LiteLLM knows by this name alone."""
        entry = self._entry(name)
        if isinstance(entry, str):
            name, entry = entry, self._entry(entry)
        return self._known(name, entry) if isinstance(entry, dict) else None

    def names(self) -> list[str]:
        """Every name that `find` knows."""
        return [line.partition("\t")[0] for line in self._body.splitlines() if line]

    def _entry(self, name: str) -> dict[str, Any] | str | None:
        start = self._body.find(f"\n{name}\t")
        if start < 0 or "\n" in name or "\t" in name:
            return None
        begin = start + len(name) + 2
        found: dict[str, Any] | str = json.loads(self._body[begin : self._body.index("\n", begin)])
        return found

    def _known(self, identifier: str, line: dict[str, Any]) -> KnownModel:
        entry = validate(MapEntry, line, f"{MAP}: {identifier}")
        origin, per_tokens = self._header.origin, self._header.per_tokens
        source = f"{origin.package}-{origin.version}@{self._header.date.isoformat()}"
        return KnownModel(
            identifier=identifier,
            mode=entry.mode,
            context_window=entry.context_window,
            max_output_tokens=entry.max_output_tokens,
            capabilities=frozenset(entry.capabilities),
            retires_on=entry.retires_on,
            price=None if entry.price is None else price_of(entry.price, per_tokens, source),
        )


def read_map(text: str) -> ModelMap:
    """The map in `text`. Raises ConfigError if it was edited."""
    first, _, body = text.partition("\n")
    header = validate(MapHeader, read_json(first, MAP), MAP)
    if hashlib.sha256(body.encode()).hexdigest() != header.sha256:
        raise ConfigError(f"{MAP}: sha256 does not match. Run 'make prices'; to set a price, use pricing.models.")
    return ModelMap(header, body)


def listing_of(known: KnownModel | None) -> Listing | None:
    """The model as the catalog lists those that it has itself; None where something is missing."""
    if known is None or known.price is None or not (known.context_window and known.max_output_tokens):
        return None
    limits = known.context_window, known.max_output_tokens
    return Listing(known.mode, *limits, known.capabilities, known.retires_on, known.price)


@cache
def packaged_map() -> ModelMap:
    """The map that ships with the package, read once a process."""
    return read_map(gzip.decompress(resources.files("gateway_core").joinpath("data", MAP).read_bytes()).decode())
