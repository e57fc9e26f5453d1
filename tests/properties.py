"""How many examples property tests try, and where they come from.

`make test` tries the same ones each time: what it says depends on the change that is tested, and on nothing else.
`make test-properties` looks for new ones, and for many more.
"""

from __future__ import annotations

from typing import Any

from hypothesis import settings

_FIXED, _FREE, _USUAL = 15, 1000, 40

# A deadline for an example says how busy the machine is.
settings.register_profile("fixed", max_examples=_FIXED, derandomize=True, database=None, deadline=None)
settings.register_profile("free", max_examples=_FREE, derandomize=False, deadline=None, print_blob=True)
settings.load_profile("fixed")


def examples(count: int, **more: Any) -> settings:
    """So many where 40 are usual: in `make test` three in eight of them, in `make test-properties` 25 times."""
    return settings(max_examples=count * settings.default.max_examples // _USUAL, **more)
