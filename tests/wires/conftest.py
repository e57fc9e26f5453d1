"""LiteLLM takes seconds of CPU to load: one worker has all tests that do."""

from __future__ import annotations

from pathlib import Path

import pytest

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """By the file's name."""
    for item in items:
        if item.path.parent == HERE and item.path.name.startswith("test_litellm"):
            item.add_marker(pytest.mark.xdist_group("litellm"))
