"""What the simulator itself counted: the oracle of usage tests.

A call is counted the moment its request is read, and its end before the last byte of its answer leaves, so that a
client that has its answer always finds it counted. Everything runs on one event loop; no count can be torn. Lists of
models and reports of costs are among the requests alone: they call no model, and are asked for at any time.
"""

from __future__ import annotations

import asyncio
import hashlib
import math
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from local.providers.model import Request, Tokens

LOG_SIZE = 500
_MAX_KEPT_BYTES = 256 * 1024
_CREDENTIALS = ("authorization", "x-amz-security-token", "x-api-key", "x-goog-api-key", "cookie")
_UNCOUNTED = ("costs", "models")
_COUNTERS = (
    "calls",
    "ok",
    "errors",
    "unfinished",
    "disconnects",
    "input_tokens",
    "output_tokens",
    "cached_tokens",
    "cache_write_tokens",
    "reasoning_tokens",
    "unfinished_input_tokens",
    "unfinished_output_tokens",
)

type Outcome = Literal["pending", "ok", "error", "unfinished", "disconnected"]


@dataclass(slots=True)
class Call:
    """One received request.

    `generated` is the output tokens that were written until its end, whether or not they or a usage report arrived.
    """

    number: int
    provider: str
    endpoint: str
    request: Request
    model: str
    epoch: int = 0
    outcome: Outcome = "pending"
    status: int | None = None
    fault: str | None = None
    generated: int = 0
    tokens: Tokens = field(default_factory=Tokens)
    count_factor: float = 1.0
    _written: int = 0

    def write(self, tokens: int) -> None:
        """So many more are written, before the provider's tokeniser counts them."""
        self._written += tokens
        self.generated = math.ceil(self._written * self.count_factor)

    def as_json(self) -> dict[str, Any]:
        return {
            "number": self.number,
            "provider": self.provider,
            "endpoint": self.endpoint,
            "model": self.model,
            "method": self.request.method,
            "path": self.request.path,
            "query": _redacted(dict(self.request.query), ("key",)),
            "headers": _redacted(dict(self.request.headers), _CREDENTIALS),
            "body": self.request.body,
            "outcome": self.outcome,
            "status": self.status,
            "fault": self.fault,
            "input_tokens": self.tokens.input,
            "generated_tokens": self.generated,
        }


class CallLog:
    """Counts by provider and model, and the last `size` requests. `ended` is told of each call that is counted."""

    def __init__(self, size: int = LOG_SIZE, ended: Callable[[Call], None] = lambda _call: None) -> None:
        self._size = size
        self._ended = ended
        self._numbers = 0
        self._epoch = 0
        self._open = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self.clear()

    def clear(self) -> None:
        """Forget all counts and requests; a call under way will not be counted when it ends."""
        self._epoch += 1
        self._counts: dict[tuple[str, str], Counter[str]] = {}
        self._recent: deque[Call] = deque(maxlen=self._size)

    def begin(self, provider: str, endpoint: str, model: str, request: Request) -> Call:
        self._numbers += 1
        self._open += 1
        self._idle.clear()
        call = Call(self._numbers, provider, endpoint, _kept(request), model, self._epoch)
        self._recent.append(call)
        if endpoint not in _UNCOUNTED:
            self._counter(call)["calls"] += 1
        return call

    def end(self, call: Call, outcome: Outcome, status: int | None = None) -> None:
        """Count a call that ended; only the first end counts."""
        if call.outcome != "pending":
            return
        call.outcome, call.status = outcome, status
        if call.epoch == self._epoch and call.endpoint not in _UNCOUNTED:
            self._counter(call).update(_counted(call))
            self._ended(call)
        self._open -= 1
        if not self._open:
            self._idle.set()

    async def idle(self, timeout_s: float) -> None:
        """Wait until no call is under way, at most that long."""
        try:
            await asyncio.wait_for(self._idle.wait(), timeout_s)
        except TimeoutError:
            return

    def _counter(self, call: Call) -> Counter[str]:
        return self._counts.setdefault((call.provider, call.model), Counter())

    def as_json(self) -> dict[str, Any]:
        providers: dict[str, dict[str, dict[str, int]]] = {}
        for (provider, model), counts in sorted(self._counts.items()):
            providers.setdefault(provider, {})[model] = {name: counts[name] for name in _COUNTERS}
        totals = sum(self._counts.values(), Counter[str]())
        return {
            "totals": {name: totals[name] for name in _COUNTERS},
            "providers": providers,
            "in_flight": self._open,
            "requests": [call.as_json() for call in self._recent],
        }


def _counted(call: Call) -> dict[str, int]:
    if call.outcome == "ok":
        return {
            "ok": 1,
            "input_tokens": call.tokens.input,
            "output_tokens": call.tokens.output,
            "cached_tokens": call.tokens.cached,
            "cache_write_tokens": call.tokens.cache_write,
            "reasoning_tokens": call.tokens.reasoning,
        }
    if call.outcome == "error":
        return {"errors": 1}
    return {
        "unfinished": 1,
        "disconnects": int(call.outcome == "disconnected"),
        "unfinished_input_tokens": call.tokens.input,
        "unfinished_output_tokens": call.generated,
    }


def _kept(request: Request) -> Request:
    """What the log keeps of a request: its decoded body, unless that is huge."""
    size = int(request.headers.get("content-length", 0))
    body = {"omitted_bytes": size} if size > _MAX_KEPT_BYTES else request.body
    return replace(request, body=body, content=b"")


def _redacted(values: dict[str, str], secret: tuple[str, ...]) -> dict[str, Any]:
    return {name: _digest(value) if name in secret else value for name, value in values.items()}


def _digest(value: str) -> dict[str, Any]:
    """Enough to tell whether two requests carried the same key. A bearer token is digested without its scheme."""
    token = value.removeprefix("Bearer ")
    return {"present": bool(token), "sha256": hashlib.sha256(token.encode()).hexdigest()[:12]}
