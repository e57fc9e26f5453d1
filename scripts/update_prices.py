"""Snapshots prices and facts from the installed LiteLLM map into the package.

Run by `make prices`: `prices.json` has the catalog's models, and its diff is reviewed like code; `model_map.jsonl.gz`
has all chat models, for identifiers outside the catalog. LiteLLM is read as a file, never imported.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import importlib.metadata
import importlib.util
import json
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from gateway_core.config.documents import packaged, read_json, read_yaml, validate
from gateway_core.config.model_map import MAP, read_map
from gateway_core.config.price_list import SnapshotFile, fingerprint

MAP_NAME = "model_prices_and_context_window_backup.json"
TARGET = Path(__file__).parents[1] / "layers/gateway_core/src/gateway_core/data/prices.json"
MAP_TARGET = TARGET.with_name(MAP)
PER_TOKENS = 1_000_000

_RATES = {
    "input": "input_cost_per_token",
    "output": "output_cost_per_token",
    "cached_input": "cache_read_input_token_cost",
    "cache_write": "cache_creation_input_token_cost",
    "cache_write_1h": "cache_creation_input_token_cost_above_1hr",
    "audio_input": "input_cost_per_audio_token",
    "audio_output": "output_cost_per_audio_token",
}
_SERVICE_TIERS = ("flex", "priority", "ultrafast")
"""Tiers that a request may ask for and an answer names, as LiteLLM's fields end."""
_CAPABILITIES = {
    "json": "supports_response_schema",
    "json_schema": "supports_response_schema",
    "reasoning": "supports_reasoning",
    "tools": "supports_function_calling",
    "vision": "supports_vision",
}
_TIER = re.compile(rf"(?:{'|'.join(_RATES.values())})_above_(\d+)k_tokens")


_CHAT_MODES = frozenset({"chat", "responses"})
_FAMILIES = {"bedrock_converse": "bedrock", "cohere_chat": "cohere", "vertex_ai-": "vertex_ai"}
"""How LiteLLM names parts of one provider, which identifiers do not tell apart, by how such names begin."""


class UnusableEntryError(Exception):
    """LiteLLM's entry lacks a price or has one that we cannot represent."""


def map_path() -> Path:
    """The map inside the installed LiteLLM, found without importing it."""
    spec = importlib.util.find_spec("litellm")
    if spec is None or spec.origin is None:
        raise SystemExit("LiteLLM is not installed here. Run 'make setup', then again.")
    return Path(spec.origin).with_name(MAP_NAME)


def map_keys() -> list[str]:
    """The keys of LiteLLM's map that the packaged catalog refers to, sorted."""
    models = read_yaml(packaged("catalog.yaml"), "catalog.yaml")["models"]
    return sorted({entry["map_key"] for entry in models.values() if "map_key" in entry})


def snapshot(map_text: str, keys: list[str], *, version: str, day: date) -> dict[str, Any]:
    """The snapshot document of `keys`, with all rates as decimal strings in USD per million tokens.

    Raises UnusableEntryError.
    """
    entries = read_json(map_text, MAP_NAME)
    models = {key: listing(key, entries) for key in keys}
    return {
        "origin": {"package": "litellm", "version": version, "sha256": hashlib.sha256(map_text.encode()).hexdigest()},
        "date": day.isoformat(),
        "per_tokens": PER_TOKENS,
        "sha256": fingerprint(models),
        "models": models,
    }


def listing(key: str, entries: Mapping[str, Any]) -> dict[str, Any]:
    """One model of the snapshot. Raises UnusableEntryError."""
    entry = entries.get(key)
    if entry is None:
        raise UnusableEntryError(f"{key}: not in LiteLLM's map")
    embeds = entry["mode"] == "embedding"
    _refuse_unpriced(key, entry, embeds=embeds)
    facts = {
        "mode": entry["mode"],
        "context_window": entry["max_input_tokens"],
        "max_output_tokens": 0 if embeds else entry["max_output_tokens"],
        "capabilities": _capabilities(entry, embeds=embeds),
    }
    if "deprecation_date" in entry:
        facts["retires_on"] = entry["deprecation_date"]
    return facts | {"price": _price(entry)}


def model_map(map_text: str, *, version: str, day: date) -> str:
    """All chat models as lines: what they were taken from, then `identifier<TAB>entry`, sorted.

    An entry is a listing as in `prices.json`, without what LiteLLM does not say; or, for a name that LiteLLM takes
    without its provider, the identifier that it stands for.
    """
    lines: dict[str, Any] = {}
    entries = read_json(map_text, MAP_NAME)
    for key, entry in entries.items():
        if entry.get("mode") in _CHAT_MODES:
            identifier = _identifier(key, entry["litellm_provider"])
            if identifier == key or identifier not in lines:
                lines[identifier] = _known(key, entry)
            if "/" not in key:
                lines[key] = identifier
    body = "".join(f"{name}\t{json.dumps(lines[name], separators=(',', ':'))}\n" for name in sorted(lines))
    origin = {"package": "litellm", "version": version, "sha256": hashlib.sha256(map_text.encode()).hexdigest()}
    about = {"origin": origin, "date": day.isoformat(), "per_tokens": PER_TOKENS}
    return json.dumps({**about, "sha256": hashlib.sha256(body.encode()).hexdigest()}) + "\n" + body


def _identifier(key: str, named: str) -> str:
    provider = next((whole for part, whole in _FAMILIES.items() if named.startswith(part)), named)
    prefixes = (f"{provider}/", f"{provider.replace('_', '-')}/")
    return key if key.startswith(prefixes) else f"{provider}/{key}"


def _known(key: str, entry: Mapping[str, Any]) -> dict[str, Any]:
    """What LiteLLM knows of a model; no price where it has none that we can represent."""
    window, most_out = entry.get("max_input_tokens"), entry.get("max_output_tokens") or entry.get("max_tokens")
    known = {
        "mode": entry["mode"],
        **({"context_window": window} if isinstance(window, int) and window > 0 else {}),
        **({"max_output_tokens": most_out} if isinstance(most_out, int) and most_out > 0 else {}),
        "capabilities": _capabilities(entry, embeds=False),
    }
    if "deprecation_date" in entry:
        known["retires_on"] = entry["deprecation_date"]
    try:
        _refuse_unpriced(key, entry, embeds=False)
    except UnusableEntryError:
        return known
    return known | {"price": _price(entry)}


def _refuse_unpriced(key: str, entry: Mapping[str, Any], *, embeds: bool) -> None:
    # LiteLLM writes 0 for "unknown" as well as for "free": neither is to become a price by itself.
    if not entry.get("input_cost_per_token") or not (embeds or entry.get("output_cost_per_token")):
        raise UnusableEntryError(f"{key}: LiteLLM names no price; declare it in pricing.yaml and drop its map_key")
    if entry.get("output_cost_per_reasoning_token", entry["output_cost_per_token"]) != entry["output_cost_per_token"]:
        raise UnusableEntryError(f"{key}: reasoning tokens have a price of their own, which Price cannot hold")
    if "tiered_pricing" in entry:
        raise UnusableEntryError(f"{key}: its tiers are of a form that this script does not read")


def _capabilities(entry: Mapping[str, Any], *, embeds: bool) -> list[str]:
    listed = [name for name, flag in _CAPABILITIES.items() if entry.get(flag)]
    return sorted([*listed, "embeddings"] if embeds else listed)


def _price(entry: Mapping[str, Any]) -> dict[str, Any]:
    price: dict[str, Any] = _rates(entry, "")
    if tiers := _thresholds(entry):
        price["tiers"] = [_tier(entry, price, thousands) for thousands in tiers]
    if served := {name: found for name in _SERVICE_TIERS if (found := _service_tier(entry, name))}:
        price["service_tiers"] = served
    return price


def _thresholds(names: Iterable[str]) -> list[int]:
    """Where long inputs begin, in thousands of tokens."""
    return sorted({int(match[1]) for name in names if (match := _TIER.fullmatch(name))})


def _tier(entry: Mapping[str, Any], base: Mapping[str, Any], thousands: int) -> dict[str, Any]:
    """Rates above a threshold; a rate without one of its own there stays as it is below."""
    return {"above_tokens": thousands * 1000, **base, **_rates(entry, f"_above_{thousands}k_tokens")}


def _service_tier(entry: Mapping[str, Any], tier: str) -> dict[str, Any]:
    """What LiteLLM names of a service tier, and nothing else; empty where it names no price of it."""
    own = {name.removesuffix(f"_{tier}"): rate for name, rate in entry.items() if name.endswith(f"_{tier}")}
    found: dict[str, Any] = _rates(own, "")
    longer = [
        {"above_tokens": thousands * 1000, **_rates(own, f"_above_{thousands}k_tokens")}
        for thousands in _thresholds(own)
    ]
    return found | ({"tiers": longer} if longer else {})


def _rates(entry: Mapping[str, Any], suffix: str) -> dict[str, str]:
    """A rate of 0 for cache writes (DeepSeek) means that they cost nothing on top of input: it is left out."""
    found = {name: entry.get(field + suffix) for name, field in _RATES.items()}
    return {name: _per_million(rate) for name, rate in found.items() if rate or (rate == 0 and name == "output")}


def _per_million(rate: Decimal | int) -> str:
    text = f"{rate * PER_TOKENS:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--date", type=date.fromisoformat, default=datetime.now(UTC).date(), help="date of the prices")
    parser.add_argument("--output", type=Path, default=TARGET, help="where to write, instead of into the package")
    parser.add_argument("--map-output", type=Path, default=MAP_TARGET, help="the same for all chat models")
    options = parser.parse_args(arguments)
    version, map_text = importlib.metadata.version("litellm"), map_path().read_text("utf-8")
    try:
        document = snapshot(map_text, map_keys(), version=version, day=options.date)
    except UnusableEntryError as error:
        sys.exit(f"{error}.")
    text = json.dumps(document, indent=2) + "\n"
    validate(SnapshotFile, read_json(text, TARGET.name), TARGET.name)
    options.output.write_text(text, "utf-8")
    all_models = model_map(map_text, version=version, day=options.date)
    read_map(all_models)
    options.map_output.write_bytes(gzip.compress(all_models.encode(), mtime=0))
    for path, count in ((options.output, len(document["models"])), (options.map_output, all_models.count("\n") - 1)):
        print(f"{path.name}: {count} models from LiteLLM {version} as of {options.date}")


if __name__ == "__main__":
    main()
