"""A file of this machine."""

from __future__ import annotations

from pathlib import Path

from gateway_core.adapters.config_sources.reading import decoded, unreadable


class FileSource:
    """Implements the port `ConfigSource`."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def name(self) -> str:
        return str(self._path)

    def read(self) -> str:
        try:
            raw = self._path.read_bytes()
        except (OSError, ValueError) as error:
            raise unreadable(self.name, type(error).__name__) from None
        return decoded(raw, self.name)
