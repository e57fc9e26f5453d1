"""The models of the batches' tests."""

from __future__ import annotations

import pytest

from tests.conftest import World, catalog_of, model, settings_for


@pytest.fixture
def world() -> World:
    """Two models, one of which is the specification's default."""
    catalog = catalog_of(model("openai/gpt-4o-mini", "openai"), model("other"))
    return World(catalog, settings_for(catalog, batch_max_questions=20))
