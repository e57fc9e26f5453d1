"""Drives a running simulator from tests and benchmarks: set faults, read what was counted."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Self

import httpx

_TIMEOUT_S = 60.0


class Control:
    """A client of `/__faults` and `/__calls` at the simulator's root URL. Use as a context manager, or close it."""

    def __init__(self, root: str) -> None:
        self._http = httpx.Client(base_url=root, timeout=_TIMEOUT_S)

    def fault(self, provider: str, kind: str, **params: Any) -> dict[str, Any]:
        """Set a fault, see `faults.KINDS`; it is appended to those that are set. Raises httpx.HTTPStatusError."""
        response = self._http.post("/__faults", json={"provider": provider, "kind": kind, **params})
        return dict(response.raise_for_status().json())

    def answer(self, provider: str, **params: Any) -> dict[str, Any]:
        """Set what the provider's models say, see `wishes.Wishes`, and `headers` of their answers."""
        return self.fault(provider, "answer", **params)

    def disagree(self, provider: str, factor: str) -> None:
        """Have a provider bill so many times as much as its calls cost. Raises httpx.HTTPStatusError."""
        self._http.post("/__bills", json={"provider": provider, "factor": factor}).raise_for_status()

    def heal(self) -> None:
        """Clear all faults."""
        self._http.delete("/__faults").raise_for_status()

    def calls(self, wait_idle_s: float = 30.0) -> dict[str, Any]:
        """The count, taken once no call is under way any more, or after that long."""
        response = self._http.get("/__calls", params={"wait_idle_s": wait_idle_s})
        return dict(response.raise_for_status().json())

    def counts(self, provider: str, model: str, wait_idle_s: float = 30.0) -> dict[str, int]:
        """The count of one model; empty if it was never called."""
        return dict(self.calls(wait_idle_s)["providers"].get(provider, {}).get(model, {}))

    def reset(self) -> None:
        """Clear faults and counts."""
        self.heal()
        self._http.delete("/__calls").raise_for_status()

    def close(self) -> None:
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
