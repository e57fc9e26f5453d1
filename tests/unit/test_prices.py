"""The price snapshot: it equals the installed map, and nothing in it is guessed."""

from __future__ import annotations

import hashlib
import json
import re
from datetime import date
from decimal import Decimal
from functools import cache

import pytest

from gateway_core.config.catalog_loader import Overrides, load_catalog
from gateway_core.config.documents import packaged, packaged_names, read_json, read_yaml, validate
from gateway_core.config.price_list import BookFile, PricingSection, fingerprint, load_prices, read_snapshot
from gateway_core.domain.errors import ConfigError
from scripts.update_prices import UnusableEntryError, listing, main, map_keys, map_path, snapshot

SNAPSHOT = json.loads(packaged("prices.json"))
CATALOG = read_yaml(packaged("catalog.yaml"), "catalog.yaml")["models"]
LISTED = {key: entry["map_key"] for key, entry in CATALOG.items() if "map_key" in entry}


@cache
def installed_map():
    return json.loads(map_path().read_text("utf-8"), parse_float=Decimal)


@cache
def default_catalog():
    return load_catalog()


def test_snapshot_equals_the_installed_map():
    """What ships is what `make prices` makes from the pinned LiteLLM: any drift shows here."""
    day = date.fromisoformat(SNAPSHOT["date"])
    made = snapshot(map_path().read_text("utf-8"), map_keys(), version=SNAPSHOT["origin"]["version"], day=day)
    assert made == SNAPSHOT


def test_make_prices_writes_the_file_that_ships(tmp_path):
    """Run again, the update changes nothing, not even white space."""
    main(["--date", SNAPSHOT["date"], "--output", str(tmp_path / "prices.json")])
    assert (tmp_path / "prices.json").read_text("utf-8") == packaged("prices.json")


def test_snapshot_names_its_origin():
    """The snapshot carries the version and the hash of the file that it was taken from."""
    assert SNAPSHOT["origin"]["sha256"] == hashlib.sha256(map_path().read_bytes()).hexdigest()
    assert SNAPSHOT["sha256"] == fingerprint(SNAPSHOT["models"]) == default_catalog().prices_sha256


@pytest.mark.parametrize("key", LISTED)
def test_rates_are_the_maps(key):
    """Every rate of a model is the map's, in nano-USD per token, compared without the snapshot's own code."""
    entry, price = installed_map()[LISTED[key]], default_catalog().models[key].price
    assert price.input == entry["input_cost_per_token"] * 10**9
    assert price.output == entry["output_cost_per_token"] * 10**9
    assert price.cached_input == entry.get("cache_read_input_token_cost", entry["input_cost_per_token"]) * 10**9
    written = entry.get("cache_creation_input_token_cost") or entry["input_cost_per_token"]
    assert price.cache_write == written * 10**9
    assert price.source == f"litellm-{SNAPSHOT['origin']['version']}@{SNAPSHOT['date']}"


@pytest.mark.parametrize("key", LISTED)
def test_rates_for_an_hour_and_of_audio_are_the_maps(key):
    """Where the map has none, an hour costs what minutes do, and audio what text does."""
    entry, price = installed_map()[LISTED[key]], default_catalog().models[key].price
    hour = entry.get("cache_creation_input_token_cost_above_1hr")
    assert price.cache_write_1h == (price.cache_write if hour is None else hour * 10**9)
    for rate, name in ((price.audio_input, "input"), (price.audio_output, "output")):
        listed = entry.get(f"{name}_cost_per_audio_token")
        assert rate == (None if listed is None else listed * 10**9)


def test_claudes_hour_costs_twice_the_input():
    """As Anthropic says ("Prompt caching", prices)."""
    claudes = [model.price for model in default_catalog().models.values() if model.provider == "anthropic"]
    assert [price.cache_write_1h / price.input for price in claudes] == [2] * 3


@pytest.mark.parametrize("key", LISTED)
def test_service_tiers_are_the_maps(key):
    """Every tier that the map names a rate of, with the map's rates, and at all thresholds of the default."""
    entry, price = installed_map()[LISTED[key]], default_catalog().models[key].price
    named = [tier for tier in ("flex", "priority", "ultrafast") if f"input_cost_per_token_{tier}" in entry]
    assert list(price.service_tiers) == named
    for tier in named:
        served = price.service_tiers[tier]
        assert served.input == entry[f"input_cost_per_token_{tier}"] * 10**9
        assert served.output == entry[f"output_cost_per_token_{tier}"] * 10**9
        assert served.cached_input == entry[f"cache_read_input_token_cost_{tier}"] * 10**9
        assert served.source == price.source
        assert [longer.above_tokens for longer in served.tiers] == [longer.above_tokens for longer in price.tiers]


def test_priority_costs_twice_the_default_at_openai():
    """And flex half of it."""
    price = default_catalog().models["gpt-5.1"].price
    assert {name: (served.input, served.output) for name, served in price.service_tiers.items()} == {
        "flex": (625, 5000),
        "priority": (2500, 20_000),
    }


@pytest.mark.parametrize("key", LISTED)
def test_facts_are_the_maps(key):
    """Context window, mode and retirement date of a model are the map's."""
    entry, model = installed_map()[LISTED[key]], default_catalog().models[key]
    assert model.context_window == entry["max_input_tokens"]
    assert model.deployment.mode == entry["mode"]
    assert model.retires_on == (date.fromisoformat(entry["deprecation_date"]) if "deprecation_date" in entry else None)


@pytest.mark.parametrize("key", LISTED)
def test_served_models_are_not_retired(key):
    """No model of the catalog was retired when the snapshot was taken; the ones they succeed were, where known."""
    model, taken = default_catalog().models[key], date.fromisoformat(SNAPSHOT["date"])
    assert model.retires_on is None or model.retires_on > taken
    old = installed_map().get(model.successor_of) or installed_map().get(f"{model.provider}/{model.successor_of}") or {}
    assert date.fromisoformat(old.get("deprecation_date", "2000-01-01")) < taken


def test_known_retirements():
    """The map dates the retirements that made the catalog name a successor or will make it name one."""
    assert installed_map()["gpt-5.1-codex-max"]["deprecation_date"] == "2026-07-23"
    assert default_catalog().models["codex-max"].retires_on == date(2027, 4, 1)


def test_gemini_tier():
    """The tier above 200,000 tokens is in the price, with the input rate for cache writes."""
    (tier,) = default_catalog().models["gemini-3-pro"].price.tiers
    assert (tier.above_tokens, tier.input, tier.output, tier.cached_input) == (200_000, 4000, 18000, 400)
    assert tier.cache_write == tier.input


def test_tiers_of_the_map_are_complete():
    """Every threshold that the map has for a model is a tier of its price."""
    for key, map_key in LISTED.items():
        found = {int(m[1]) * 1000 for name in installed_map()[map_key] if (m := re.search(r"_above_(\d+)k_tok", name))}
        assert {tier.above_tokens for tier in default_catalog().models[key].price.tiers} == found


def test_every_model_has_a_price():
    """All prices are positive, except those declared to be 0 and the output of embeddings."""
    for model in default_catalog().models.values():
        free = model.price.source == "override"
        assert free or model.price.input > 0
        assert free or model.price.output > 0 or model.deployment.mode == "embedding"


def test_books_name_models_of_the_catalog():
    """A book's misspelt key would go unnoticed, as a model without a price in it."""
    for name in packaged_names("books"):
        book = validate(BookFile, read_yaml(packaged("books", f"{name}.yaml"), name), name)
        assert book.models.keys() <= CATALOG.keys()


def test_models_that_a_book_lacks_keep_list_prices():
    """The specification's table has no Codex: it costs what the list says."""
    prices = load_prices(PricingSection(book="spec-2026-01"), "test")
    assert "codex-max" not in prices.declared
    catalog = load_catalog(Overrides(pricing=PricingSection(book="spec-2026-01")))
    assert catalog.models["codex-max"].price == default_catalog().models["codex-max"].price


def test_edited_snapshot_is_refused():
    """A snapshot whose prices were edited by hand does not load."""
    edited = packaged("prices.json").replace('"input": "5"', '"input": "4"')
    assert edited != packaged("prices.json")
    with pytest.raises(ConfigError, match=r"sha256 does not match\. Run 'make prices'"):
        read_snapshot(edited)


PRICED = {
    "mode": "chat",
    "max_input_tokens": 10,
    "max_output_tokens": 5,
    "input_cost_per_token": Decimal("1e-6"),
    "output_cost_per_token": Decimal("2e-6"),
}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"input_cost_per_token": Decimal(0)}, "no price"),
        ({"input_cost_per_token": None}, "no price"),
        ({"output_cost_per_token": Decimal(0)}, "no price"),
        ({"output_cost_per_reasoning_token": Decimal("3e-6")}, "reasoning tokens"),
    ],
)
def test_unusable_map_entries(change, message):
    """A map entry without a price, or with one that cannot be kept, stops the update."""
    with pytest.raises(UnusableEntryError, match=message):
        listing("m", {"m": PRICED | change})


def test_models_missing_from_the_map():
    """So does a model that LiteLLM no longer knows."""
    with pytest.raises(UnusableEntryError, match="not in LiteLLM's map"):
        listing("m", {})


def test_rates_above_a_threshold_only_for_output():
    """A threshold that changes one rate makes a tier in which the others stay as they are."""
    made = listing("m", {"m": PRICED | {"output_cost_per_token_above_128k_tokens": Decimal("4e-6")}})
    assert made["price"]["tiers"] == [{"above_tokens": 128_000, "input": "1", "output": "4"}]


def test_service_tiers_of_a_map_entry():
    """What LiteLLM names for each, thresholds too; prices of batches are for nobody who asks here."""
    named = {
        "input_cost_per_token_flex": Decimal("5e-7"),
        "input_cost_per_token_above_128k_tokens": Decimal("4e-6"),
        "input_cost_per_token_above_128k_tokens_flex": Decimal("2e-6"),
        "cache_read_input_token_cost_priority": Decimal("2e-7"),
        "input_cost_per_token_batches": Decimal("5e-7"),
    }
    made = listing("m", {"m": PRICED | named})
    assert made["price"]["tiers"] == [{"above_tokens": 128_000, "input": "4", "output": "2"}]
    assert made["price"]["service_tiers"] == {
        "flex": {"input": "0.5", "tiers": [{"above_tokens": 128_000, "input": "2"}]},
        "priority": {"cached_input": "0.2"},
    }


def test_json_numbers_are_exact():
    """Fractions in JSON keep every digit."""
    assert read_json('{"a": 0.1000000000000000055511151231257827}', "x")["a"] == Decimal(
        "0.1000000000000000055511151231257827"
    )
