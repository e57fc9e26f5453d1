"""The catalog that ships, and what a document adds to it."""

from __future__ import annotations

from gateway_core.config.catalog_loader import Overrides, load_catalog

CATALOG = load_catalog()


def sections(**given):
    return Overrides(source="config.yaml", layers=(given,))


def new_model(**given):
    entry = {"provider": "openai", "upstream": "up", "tier": 1, "context_window": 100, "max_output_tokens": 10}
    return entry | given
