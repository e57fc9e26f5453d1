"""What a function's memory costs and does, and from when on an always-on server is cheaper: tables of docs/cost.md.

Processor times are those that `benchmarks.memory` and `benchmarks.cold_start` measured; all else is the cost model's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import partial

from benchmarks.cost_model import Request, idle_use, request_use
from benchmarks.prices import Rates, total, usd

SIZES_MB = (256, 512, 1024, 1769)
WHOLE_PROCESSOR_MB = Decimal(1769)
HOURS = Decimal(720)
_STORE = frozenset({"store_commands", "store_gb"})
INIT_S = Decimal(10)
"""Lambda ends an init that takes longer, and begins anew within the request."""


@dataclass(frozen=True, slots=True)
class Measured:
    """Seconds of processor, on a machine of 2.5 GHz: a start to its first answer, LiteLLM, a request, a chunk.

    A chunk is one that comes by itself, as models write. The latter two are of a run on a busy machine, by the share of
    a start that they were in it.
    """

    start_s: Decimal = Decimal("0.42")
    litellm_s: Decimal = Decimal("1.96")
    request_s: Decimal = Decimal("0.0070")
    chunk_s: Decimal = Decimal("0.00025")


@dataclass(frozen=True, slots=True)
class AlwaysOn:
    """What is paid by the hour: vCPU and GB of Fargate on ARM, and a load balancer; or a sum that somebody named."""

    what: str
    cpu: Decimal = Decimal(0)
    gigabytes: Decimal = Decimal(0)
    named_usd: Decimal = Decimal(0)
    same_store: bool = False
    """Whether the store is paid beside it as well: then it counts on neither side."""

    def usd(self, rates: Rates) -> Decimal:
        """A month of it."""
        if self.named_usd:
            return self.named_usd
        hours = {"fargate_cpu": self.cpu, "fargate_memory": self.gigabytes, "load_balancer": Decimal(1)}
        return sum((rates[name].cost(HOURS * each, free=False) for name, each in hours.items()), Decimal(0))


ALWAYS_ON = (
    AlwaysOn(
        "this gateway in a [container](docker.md): 0.25 vCPU, 0.5 GB, load balancer",
        Decimal("0.25"),
        Decimal("0.5"),
        same_store=True,
    ),
    AlwaysOn("LiteLLM's proxy, no database: 1 vCPU, 2 GB, load balancer", Decimal(1), Decimal(2)),
    AlwaysOn("LiteLLM as AWS's guidance deploys it: two tasks, database, cache, NAT", named_usd=Decimal("378.10")),
)


def share(size_mb: int) -> Decimal:
    """Of a processor, that Lambda promises for so much memory."""
    return min(Decimal(1), size_mb / WHOLE_PROCESSOR_MB)


def request_of(size_mb: int, seconds: Decimal, cpu: Measured) -> Request:
    """A typical request in so much memory: what it works is added to what it waits."""
    worked_s = cpu.request_s / share(size_mb)
    return Request(seconds=seconds + worked_s, memory_mb=size_mb, cold_seconds=cpu.start_s / share(size_mb))


def memory_table(rates: Rates, cpu: Measured = Measured(), seconds: Decimal = Decimal(5)) -> str:
    """By size: what a start and a request take, and what a million requests cost."""
    heads = (
        "MB",
        "a cold start, s",
        "and with LiteLLM, s",
        "a request takes more, ms",
        "chunks a second",
        "Lambda, time",
        "a million requests",
    )
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for size in SIZES_MB:
        part = share(size)
        use = request_use(1_000_000, request_of(size, seconds, cpu))
        late_s = (cpu.start_s + cpu.litellm_s) / part
        cells = (
            f"{size:,}",
            f"{cpu.start_s / part:.1f}",
            f"{late_s:.1f}{' (too long)' if late_s > INIT_S else ''}",
            f"{cpu.request_s / part * 1000:.0f}",
            f"{round(part / cpu.chunk_s, -2):,.0f}",
            usd(rates["lambda_gb_seconds"].cost(use["lambda_gb_seconds"], free=False)),
            usd(total(use, rates, free=False)),
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def monthly(requests: int, rates: Rates, size_mb: int, *, with_store: bool = True) -> Decimal:
    """USD for so many requests a month of 5 s each, with all that is there while idle; nothing is free."""
    uses = request_use(requests, request_of(size_mb, Decimal(5), Measured())), idle_use()
    left_out = set() if with_store else _STORE
    kept = [{name: used for name, used in use.items() if name not in left_out} for use in uses]
    return sum((total(use, rates, free=False) for use in kept), Decimal(0))


def break_even(amount: Decimal, cost: Callable[[int], Decimal]) -> int:
    """The first number of requests that costs as much; 0 if none does too."""
    low, high = 0, 1
    while cost(high) < amount:
        high *= 2
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if cost(middle) >= amount else (middle + 1, high)
    return low


def always_on_table(rates: Rates, size_mb: int) -> str:
    """What servers cost that nobody has to wait for, and how many requests on Lambda cost the same."""
    lines = ["| always on | USD a month | as many requests a month | one every |", "|---|---|---|---|"]
    for one in ALWAYS_ON:
        amount = one.usd(rates)
        even = break_even(amount, partial(monthly, rates=rates, size_mb=size_mb, with_store=not one.same_store))
        every_s = HOURS * 3600 / even
        lines.append(f"| {one.what} | {usd(amount)} | {round(even, -3):,} | {every_s:.1f} s |")
    return "\n".join(lines)


def tables(rates: Rates, memory_mb: Mapping[str, int]) -> dict[str, str]:
    """By the name of their place in docs/cost.md."""
    return {"memory": memory_table(rates), "always on": always_on_table(rates, memory_mb["Stream"])}
