"""What the simulator is told to do wrong, and for how many calls."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

type Kind = Literal[
    "answer",
    "auth",
    "content_filter",
    "context_length",
    "cut",
    "empty_choices",
    "error_text",
    "html",
    "malformed",
    "not_found",
    "rate_limit",
    "redirect",
    "reset",
    "server_error",
    "slow",
    "slow_first_token",
    "stall",
    "timeout",
    "unavailable",
]
"""`answer` is no fault: it sets what is said (see wishes), `headers` of the answer, and goes with any other kind."""

PROVIDERS = ("anthropic", "deepseek", "gemini", "openai")
_OWN_FIELDS = ("provider", "model", "kind", "times", "endpoint")


@dataclass(slots=True)
class Fault:
    """`times` is how many calls are left, None for all of them; `endpoint` None means every call of a model."""

    id: int
    provider: str
    kind: str
    model: str | None = None
    endpoint: str | None = None
    times: int | None = None
    params: dict[str, Any] = field(default_factory=dict)

    def matches(self, provider: str, model: str, endpoint: str) -> bool:
        if self.provider != provider or self.times == 0:
            return False
        if self.model is not None and self.model != model:
            return False
        return endpoint == self.endpoint if self.endpoint else endpoint in ("chat", "embeddings")

    def as_json(self) -> dict[str, Any]:
        own = {"id": self.id, "provider": self.provider, "model": self.model, "kind": self.kind}
        return own | {"endpoint": self.endpoint, "times": self.times} | self.params


class FaultBook:
    """The faults that are set, oldest first; of several that match, the oldest is played."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._next_id = 1

    def add(self, given: Mapping[str, Any]) -> Fault:
        """Raises ValueError that says what is wrong with the JSON object given."""
        kinds = get_args(Kind.__value__)
        if given.get("kind") not in kinds:
            raise ValueError(f"kind must be one of {', '.join(kinds)}")
        if given.get("provider") not in PROVIDERS:
            raise ValueError(f"provider must be one of {', '.join(PROVIDERS)}")
        params = {name: value for name, value in given.items() if name not in _OWN_FIELDS}
        own = {name: given.get(name) for name in _OWN_FIELDS}
        fault = Fault(id=self._next_id, params=params, **own)  # type: ignore[arg-type] # checked above
        self._next_id += 1
        self._faults.append(fault)
        return fault

    def claim(self, provider: str, model: str, endpoint: str) -> tuple[Fault | None, Fault | None]:
        """The fault and the `answer` that this call is to play; counts their `times` down."""
        matching = [fault for fault in self._faults if fault.matches(provider, model, endpoint)]
        fault = next((item for item in matching if item.kind != "answer"), None)
        answer = next((item for item in matching if item.kind == "answer"), None)
        for claimed in filter(None, (fault, answer)):
            if claimed.times is not None:
                claimed.times -= 1
        self._faults = [item for item in self._faults if item.times != 0]
        return fault, answer

    def clear(self) -> None:
        self._faults.clear()

    def as_json(self) -> list[dict[str, Any]]:
        return [fault.as_json() for fault in self._faults]
