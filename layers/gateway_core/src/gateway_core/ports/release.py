"""The seam to whatever releases: what gets traffic next, how it is asked before, and who hears of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Version:
    """A published version of a function, by its physical name."""

    function: str
    number: str


class Release(Protocol):
    """Deployments, by their ids. Any of these may raise whatever AWS's SDK does, and blocks."""

    def version(self, deployment_id: str) -> Version:
        """What is about to get traffic."""
        ...

    def ask(self, version: Version, event: Mapping[str, Any]) -> bytes:
        """What this very version answers. Raises FunctionUnavailable where it failed."""
        ...

    def report(self, deployment_id: str, execution_id: str, *, passed: bool) -> None:
        """Let the deployment go on, or have it taken back."""
        ...
