"""The names that a right may have. One that does not exist would grant nothing, and nobody would know why."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from gateway_core.access.rights import TOOLS
from gateway_core.domain.catalog import Catalog
from gateway_core.domain.errors import InvalidRequest

_SHOWN_NAME = 80
_LISTED = 12


@dataclass(frozen=True, slots=True)
class KnownNames:
    """Those of a catalog, and of the tools."""

    catalog: Catalog
    tools: Collection[str] = TOOLS

    def check(self, rights: Mapping[str, Any]) -> None:
        """Raises InvalidRequest (422) for a name in `groups`, `tools` or `models` that there is not.

        It names the field, and what comes close. Models with a slash, and `*`, are of identifiers outside the catalog:
        these cannot be listed.
        """
        for name in rights.get("groups") or ():
            if name not in self.catalog.groups:
                raise _unknown("groups", "model group", name, self.catalog.groups)
        for name in rights.get("tools") or ():
            if name not in self.tools:
                raise _unknown("tools", "tool", name, self.tools)
        for name in rights.get("models") or ():
            if not self._has_model(name):
                raise _unknown("models", "model", name, [*self.catalog.models, *self.catalog.aliases])

    def _has_model(self, pattern: str) -> bool:
        if "/" in pattern or pattern == "*":
            return True
        key = self.catalog.aliases.get(pattern, pattern)
        return any(fnmatchcase(known, key) for known in self.catalog.models)


def _unknown(field: str, noun: str, name: str, known: Collection[str]) -> InvalidRequest:
    close = difflib.get_close_matches(name[:_SHOWN_NAME], known, n=3, cutoff=0.5)
    few = sorted(known) if len(known) <= _LISTED else []
    hint = f" Did you mean {' or '.join(close)}?" if close else f" There is: {', '.join(few)}." if few else ""
    text = f"{field}: there is no {noun} '{name[:_SHOWN_NAME]}'.{hint}"
    return InvalidRequest(text, param=field, schema=True)
