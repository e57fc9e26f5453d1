"""Which keys a project has and in which order, without reading what they may do: there may be ten thousand."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from gateway_core.adapters.upstash import layout
from gateway_core.adapters.upstash.reading import moment, named
from gateway_core.store.virtual_keys import ID_DIGITS

# In JSON no text of a caller's can look like these: its quotes are escaped.
_CREATED = re.compile(r'"created_ms":([0-9]+)')
_OF = re.compile(r'"of":"([0-9a-f]{16})"')


class KeyPlace(NamedTuple):
    """A secret in the order of its project: that of its key, and then its own."""

    created_ms: int
    digest: str
    key_id: str


def key_places(project_id: str, stored: Mapping[str, str]) -> list[KeyPlace]:
    """The secrets among the fields of a project, the keys that were made first before others.

    Raises StoreUnreadable for what does not say when it was made.
    """
    prefix = len(layout.KEY_PREFIX)
    return sorted(
        _place(project_id, name[prefix:], text) for name, text in stored.items() if name.startswith(layout.KEY_PREFIX)
    )


def _place(project_id: str, digest: str, text: str) -> KeyPlace:
    own = digest[:ID_DIGITS]
    with named(f"key key_{project_id}_{own}"):
        created = _CREATED.search(text)
        if created is None:
            raise ValueError
        rotated = _OF.search(text)
        return KeyPlace(moment(created[1]), digest, f"key_{project_id}_{rotated[1] if rotated else own}")
