"""What the simulator is told to do wrong, and for how many calls."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from local.providers.wishes import Wishes

ANSWER = "answer"
"""No fault: sets what is said (see wishes) and the answer's `headers`, and goes with any other kind."""
KINDS: dict[str, frozenset[str]] = {
    ANSWER: frozenset(field.name for field in dataclasses.fields(Wishes)),
    "auth": frozenset({"message", "status", "after_chunks"}),
    "content_filter": frozenset({"message", "status", "after_chunks", "as_error"}),
    "context_length": frozenset({"message", "status", "after_chunks", "limit"}),
    "cut": frozenset({"after_chunks"}),
    "empty_choices": frozenset(),
    "error_text": frozenset({"failed", "text", "status", "after_chunks"}),
    "html": frozenset({"status"}),
    "malformed": frozenset({"after_chunks"}),
    "not_found": frozenset({"message", "status", "after_chunks"}),
    "rate_limit": frozenset({"failed", "message", "status", "after_chunks", "retry_after"}),
    "redirect": frozenset({"url"}),
    "reset": frozenset({"after_chunks"}),
    "server_error": frozenset({"failed", "message", "status", "after_chunks", "retry_after"}),
    "slow": frozenset({"delay_ms"}),
    "slow_first_token": frozenset({"delay_ms", "keep_alive_ms"}),
    "stall": frozenset({"after_chunks", "keep_alive_ms"}),
    "timeout": frozenset(),
    "unavailable": frozenset({"failed", "message", "status", "after_chunks", "retry_after"}),
}
"""Every kind with its own parameters; all of them take `headers` too."""
PROVIDERS = ("anthropic", "bedrock", "deepseek", "gemini", "openai")
ENDPOINTS = ("chat", "embeddings", "models", "count_tokens", "costs")
_OF_MODELS = ("chat", "embeddings")
_OWN_FIELDS = ("provider", "model", "kind", "times", "endpoint")


@dataclasses.dataclass(slots=True)
class Fault:
    """`times` is how many calls are left, None for all of them; `endpoint` None means every call of a model."""

    id: int
    provider: str
    kind: str
    model: str | None = None
    endpoint: str | None = None
    times: int | None = None
    params: dict[str, Any] = dataclasses.field(default_factory=dict)

    def matches(self, provider: str, model: str, endpoint: str, input_tokens: int) -> bool:
        """A context length with a `limit` spares the requests within it."""
        if self.provider != provider or self.model not in (None, model):
            return False
        if self.kind == "context_length" and input_tokens <= self.params.get("limit", -1):
            return False
        return endpoint == self.endpoint if self.endpoint else endpoint in _OF_MODELS

    def as_json(self) -> dict[str, Any]:
        own = {"id": self.id, "provider": self.provider, "model": self.model, "kind": self.kind}
        return own | {"endpoint": self.endpoint, "times": self.times} | self.params


class FaultBook:
    """The faults that are set, oldest first; of several that match, the oldest is played."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._next_id = 1

    def add(self, given: Any) -> Fault:
        """Raises ValueError that says what is wrong with the JSON value given."""
        _check(given if isinstance(given, dict) else {})
        params = {name: value for name, value in given.items() if name not in _OWN_FIELDS}
        own = {name: given[name] for name in _OWN_FIELDS if name in given}
        fault = Fault(id=self._next_id, params=params, **own)
        self._next_id += 1
        self._faults.append(fault)
        return fault

    def claim(self, provider: str, model: str, endpoint: str, input_tokens: int) -> tuple[Fault | None, Fault | None]:
        """The fault and the `answer` that this call is to play; counts their `times` down."""
        matching = [fault for fault in self._faults if fault.matches(provider, model, endpoint, input_tokens)]
        fault = next((item for item in matching if item.kind != ANSWER), None)
        answer = next((item for item in matching if item.kind == ANSWER), None)
        for claimed in filter(None, (fault, answer)):
            self._count_down(claimed)
        return fault, answer

    def _count_down(self, fault: Fault) -> None:
        if fault.times is not None:
            fault.times -= 1
            if fault.times == 0:
                self._faults.remove(fault)

    def clear(self) -> None:
        self._faults.clear()

    def as_json(self) -> list[dict[str, Any]]:
        return [fault.as_json() for fault in self._faults]


def _check(given: Mapping[str, Any]) -> None:
    _one_of("kind", given.get("kind"), tuple(KINDS))
    _one_of("provider", given.get("provider"), PROVIDERS)
    if given.get("endpoint") is not None:
        _one_of("endpoint", given["endpoint"], ENDPOINTS)
    times = given.get("times")
    if times is not None and (not isinstance(times, int) or times < 1):
        raise ValueError("times must be a positive integer")
    known = KINDS[given["kind"]]
    unknown = sorted(set(given) - known - {*_OWN_FIELDS, "headers"})
    if unknown:
        raise ValueError(f"{given['kind']} takes {', '.join(sorted(known))}, not {unknown[0]}")
    Wishes().updated(given)


def _one_of(name: str, value: Any, known: tuple[str, ...]) -> None:
    if value not in known:
        raise ValueError(f"{name} must be one of {', '.join(known)}")
