"""What pytest works out anew for each step of each test, and `make test` once: it takes half a millisecond a test."""

from __future__ import annotations

from functools import cache
from typing import Any

import _pytest.fixtures
import pytest


def share_hooks(session: pytest.Session) -> None:
    """From here on a file's hooks are looked up once. To be called when every conftest has been read."""
    session.gethookproxy = cache(session.gethookproxy)  # type: ignore[method-assign]


def know_requests() -> None:
    """The fixture `request`, made for each test by a function without parameters, has none."""
    names_of = _pytest.fixtures.getfuncargnames

    def names(function: Any, name: str = "", **more: Any) -> tuple[str, ...]:
        return () if name == "request" else names_of(function, name=name, **more)

    _pytest.fixtures.getfuncargnames = names
