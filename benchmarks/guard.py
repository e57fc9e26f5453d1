"""Whether a request costs the gateway more CPU than it did: beside a yardstick in the same process, not by the clock.

`.venv/bin/python -m benchmarks.guard` prints what `tests/fleet/test_cpu.py` holds; see README.md beside it.
"""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from pathlib import Path

from benchmarks.engines import ROOT, Case, Kind, Worker, worker
from benchmarks.guard_worker import YARDSTICK
from benchmarks.streaming import simulator


@dataclass(frozen=True, slots=True)
class Guarded:
    """Some requests, and the most that one may cost: so many times the yardstick.

    `most` is 1.5 times the dearest that was measured on quiet machines of two kinds (2.7 to 3.8, 2.7 to 3.7, 10.1 to
    11.5 and 9.2 to 10.8): processors differ in what they do to a yardstick. Lower it when requests get cheaper.
    """

    name: str
    case: Case
    kind: Kind
    most: float


ROUNDS, MOST_ROUNDS = 6, 20
_WORKER = Path(__file__).with_name("guard_worker.py")
FORWARDED = Case("forwarded", "gpt-5.1", 0.0)
TRANSLATED = Case("translated", "claude-haiku-3.5", 0.0)
GUARDED: Sequence[Guarded] = (
    Guarded("whole answer, forwarded", FORWARDED, Kind("whole", "[[words=20]]", 20, streams=False), 5.6),
    Guarded("whole answer, translated", TRANSLATED, Kind("whole", "[[words=20]]", 20, streams=False), 5.6),
    Guarded("stream of 200 chunks, forwarded", FORWARDED, Kind("bulk", "[[words=200]]", 4), 17.2),
    Guarded("stream of 200 chunks, translated", TRANSLATED, Kind("bulk", "[[words=200]]", 4), 16.2),
)


@contextlib.contextmanager
def guarded_worker() -> Iterator[Worker]:
    """A gateway of this tree that also has the yardstick."""
    with simulator() as bases, worker("guard", ROOT, "", bases, program=_WORKER) as one:
        yield one


def ratios(one: Worker, rounds: int, most_rounds: int) -> dict[str, float]:
    """What each costs, in yardsticks. All take turns; of all rounds the cheapest counts, as others can only add.

    Where that is too much after so many rounds, more of them tell a busy machine from a dear request.
    """
    yardstick, least = inf, {guarded.name: inf for guarded in GUARDED}
    for guarded in GUARDED:  # to warm up
        cost_ns(one, guarded)
    for number in range(1, most_rounds + 1):
        for guarded in GUARDED:
            yardstick = min(yardstick, float(one.ask(YARDSTICK, {}, guarded.kind.count)["cpu_ns"]))
            least[guarded.name] = min(least[guarded.name], cost_ns(one, guarded))
        found = {name: cost / yardstick for name, cost in least.items()}
        if number >= rounds and not excesses(found):
            break
    return found


def cost_ns(one: Worker, guarded: Guarded) -> float:
    """CPU of one such request."""
    return one.measure(guarded.case, guarded.kind, guarded.kind.count) * 1e6


def excesses(found: Mapping[str, float]) -> list[str]:
    """A line for each that costs more than it may."""
    return [
        f"{one.name}: {found[one.name]:.2f} yardsticks, at most {one.most}"
        for one in GUARDED
        if found[one.name] > one.most
    ]


def main() -> None:
    """Print the ratios."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.guard", description=__doc__)
    parser.add_argument(
        "--rounds", type=int, default=ROUNDS, help="of which the cheapest counts; more where it is too much"
    )
    rounds = parser.parse_args().rounds
    with guarded_worker() as one:
        found = ratios(one, rounds, max(rounds, MOST_ROUNDS))
    for guarded in GUARDED:
        print(f"{guarded.name:34}{found[guarded.name]:6.2f} of at most {guarded.most:.2f}")
    raise SystemExit(bool(excesses(found)))


if __name__ == "__main__":
    main()
