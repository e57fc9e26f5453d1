"""When the sources of the configuration are read again, and whether what they say is news. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

_SHOWN_DIGITS = 16


@dataclass(frozen=True, slots=True)
class Freshness:
    """When documents and secrets were read last (seconds of the monotonic clock; None reads them at once).

    `version` identifies the documents in use, `refused` the last ones that were found invalid.
    """

    version: str
    documents_s: float | None
    secrets_s: float | None
    refused: str = ""

    def is_news(self, version: str) -> bool:
        """Whether documents of this version are neither in use nor known to be invalid."""
        return version not in {self.version, self.refused}

    def accepted(self, version: str) -> Self:
        """These documents are in use now."""
        return replace(self, version=version, refused="")

    def rejected(self, version: str) -> Self:
        """These documents are invalid: the same ones are not looked at again."""
        return replace(self, refused=version)


def is_due(read_s: float | None, now_s: float, max_age_s: float) -> bool:
    """Whether what was read at `read_s` is older than `max_age_s` seconds; 0 means that it never is.

    A clock that went back, as in a snapshot that is restored on another machine, tells nothing: then it is due.
    """
    if not max_age_s:
        return False
    return read_s is None or now_s < read_s or now_s - read_s >= max_age_s


def version_of(parts: Sequence[tuple[str, str]]) -> str:
    """Sixteen hexadecimal digits of the SHA-256 of (name, text) pairs: it identifies documents and tells nothing."""
    digest = hashlib.sha256()
    for part in parts:
        for text in part:
            raw = text.encode()
            digest.update(len(raw).to_bytes(8, "big") + raw)
    return digest.hexdigest()[:_SHOWN_DIGITS]
