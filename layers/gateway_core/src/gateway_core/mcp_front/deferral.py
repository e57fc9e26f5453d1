"""FastMCP, loaded without making the validators of all that it brings: a function needs a few dozen of the models."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from pydantic import BaseModel, ConfigDict


@contextlib.contextmanager
def built_on_use() -> Iterator[None]:
    """Models that are declared within the block get their validators when they are first used (`defer_build`)."""
    before = BaseModel.model_config
    BaseModel.model_config = ConfigDict({**before, "defer_build": True})
    try:
        yield
    finally:
        BaseModel.model_config = before


def load() -> None:
    """What is loaded already stays as it is."""
    with built_on_use():
        import fastmcp.server.server  # noqa: F401, PLC0415
