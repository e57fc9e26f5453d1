"""Names for labels: each makes series that are kept for good, and callers may make up as many models as they like."""

from __future__ import annotations

MOST_NAMES = 200
OTHER = "~other"


class FewNames:
    """The first names that are seen; those beyond are one. A process keeps one for each label."""

    def __init__(self, most: int = MOST_NAMES) -> None:
        self._most = most
        self._seen: set[str] = set()

    def of(self, name: str) -> str:
        """The name, or what stands for all others."""
        if name not in self._seen and len(self._seen) < self._most:
            self._seen.add(name)
        return name if name in self._seen else OTHER
