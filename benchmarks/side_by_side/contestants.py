"""The lines of the table: who, and beside the numbers what each does for a request, and what it cannot.

What peers lack was seen on these versions, on one machine, in November 2026: a burst of 50 on a small budget, a chain
whose first provider is down, a stream that is cut.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial

from benchmarks.side_by_side import peers
from benchmarks.side_by_side.measuring import Measured
from benchmarks.side_by_side.peers import Place

DIRECT, OURS, LITELLM, BARE = "direct", "this gateway", "LiteLLM's proxy", "litellm.acompletion"
LOADED, MAKE_RUN = "ours, LiteLLM loaded", "ours, `make run`"


@dataclass(frozen=True, slots=True)
class Contestant:
    """A line. `start` raises Unavailable where it cannot be had."""

    name: str
    start: Callable[[Place], Awaitable[Measured]]
    does: str
    lacks: str = ""


CONTESTANTS = (
    Contestant(DIRECT, peers.direct, "the simulated provider itself"),
    Contestant("pass-through", peers.passthrough, "30 lines of aiohttp that forward", "all of it"),
    Contestant(
        OURS,
        partial(peers.ours, name="ours", apart=True),
        "key, budget held and spent, the fleet's breaker and limits, price, durable record (its store is apart)",
    ),
    Contestant(
        LOADED,
        partial(peers.ours, name="loaded", apart=True, config="litellm: start\n"),
        "the same with `litellm: start`, as where a provider needs LiteLLM: none of these does",
    ),
    Contestant(MAKE_RUN, partial(peers.ours, name="make run", apart=False), "the same, its store and Valkey included"),
    Contestant(BARE, peers.bare, "no gateway: the library in the caller's process", "key, budget, breaker, record"),
    Contestant(
        LITELLM,
        peers.litellm,
        "key; log in memory (a database is needed for more)",
        "a dead first provider was called twice for each of 12 requests; a burst spent a provider's budget 9.75 times",
    ),
    Contestant(
        "TensorZero",
        peers.tensorzero,
        "forwards (records need ClickHouse or Postgres)",
        "no breaker; no key without Postgres; says [DONE] after a stream that was cut",
    ),
    Contestant(
        "Portkey",
        peers.portkey,
        "forwards",
        "no key, budget, breaker or record in the open version; a cut stream looks complete",
    ),
)
