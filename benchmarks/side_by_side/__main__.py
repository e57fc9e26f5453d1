"""This gateway beside LiteLLM's proxy, TensorZero, Portkey and 30 lines, over one simulated provider.

`.venv/bin/python -m benchmarks.side_by_side [--rounds 9] [--only NAME...]`; see README.md in `benchmarks`.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import statistics
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.side_by_side.chart import picture
from benchmarks.side_by_side.client import Door
from benchmarks.side_by_side.contestants import CONTESTANTS, DIRECT, OURS, Contestant
from benchmarks.side_by_side.install import LITELLM as LITELLM_PACKAGE
from benchmarks.side_by_side.install import PORTKEY, PORTKEY_PACKAGE, TENSORZERO, Unavailable
from benchmarks.side_by_side.measuring import KINDS, Kind, Measured
from benchmarks.side_by_side.peers import ROOT, Place, own, ready
from benchmarks.side_by_side.report import place, sections
from benchmarks.side_by_side.results import Results, Row
from local.valkey import free_port

RESULTS = ROOT / "benchmarks/results"
DOCUMENTS = (ROOT / "benchmarks/README.md", ROOT / "README.md")
NEEDED = {DIRECT, OURS}


async def simulator(stack: ExitStack, folder: Path, tools: Path) -> Place:
    """In a process of its own, with all that is started later around it."""
    port = free_port()
    somewhere = Place(stack, folder, f"http://127.0.0.1:{port}", tools)
    program = own(somewhere, "simulator", "local.providers", "--port", str(port))
    await ready(program, Door(f"{somewhere.openai}/chat/completions", "gpt-5.1", {"authorization": "Bearer simulated"}))
    return somewhere


async def measured(chosen: Sequence[Contestant], rounds: int, starts: int, seconds: float, tools: Path) -> Results:
    """All are started anew so often, and have their share of the rounds each time.

    How memory falls to a process makes it up to a twentieth slower or faster for all its life: one start is one throw.
    After so many seconds no round begins, but for the first.
    """
    load, end_s = [os.getloadavg()[0]], asyncio.get_running_loop().time() + seconds
    seen: list[dict[str, Row]] = []
    absent: dict[str, str] = {}
    for number in range(starts):
        if number and asyncio.get_running_loop().time() > end_s:
            break
        share = rounds * (number + 1) // starts - rounds * number // starts
        rows, missing = await one_start(chosen, share, end_s, tools, load)
        seen.append(rows)
        absent |= missing
    names = [one.name for one in chosen if all(one.name in rows for rows in seen)]
    joined_rows = {name: joined([rows[name] for rows in seen]) for name in names}
    return Results(about(len(joined_rows[OURS].rounds), len(seen), load), joined_rows, absent)


def joined(rows: Sequence[Row]) -> Row:
    """Of several starts: all rounds, and the mean of their memory."""
    own, beside = (statistics.mean(row.memory[which] for row in rows) for which in (0, 1))
    return Row([one for row in rows for one in row.rounds], (own, beside))


async def one_start(
    chosen: Sequence[Contestant], rounds: int, end_s: float, tools: Path, load: list[float]
) -> tuple[dict[str, Row], dict[str, str]]:
    """All are up at once, and take turns in each round, so that what else the machine does falls on all."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        up, absent = await started(chosen, await simulator(stack, folder, tools))
        rows = {name: Row() for name in up}
        for number in range(rounds + 1):
            if number > 1 and asyncio.get_running_loop().time() > end_s:
                break
            await one_round(up, rows, number)
            load.append(os.getloadavg()[0])
            print(f"round {number} of {rounds}" if number else "warmed up", file=sys.stderr)
        return {name: Row(row.rounds, up[name].memory()) for name, row in rows.items()}, absent


async def started(chosen: Sequence[Contestant], somewhere: Place) -> tuple[dict[str, Measured], dict[str, str]]:
    """Those that can be had, and why the others cannot."""
    up, absent = dict[str, Measured](), dict[str, str]()
    for one in chosen:
        try:
            up[one.name] = await one.start(somewhere)
        except Unavailable as error:
            if one.name in NEEDED:
                raise
            absent[one.name] = str(error)
            print(f"without {one.name}: {error}", file=sys.stderr)
        else:
            print(f"{one.name} is up", file=sys.stderr)
    return up, absent


async def one_round(up: dict[str, Measured], rows: dict[str, Row], number: int) -> None:
    """Everybody by each kind, from another one on each time; the first round counts for nobody."""
    names = list(up)
    names = names[number % len(names) :] + names[: number % len(names)]
    seen = {name: {} for name in names} if number else None
    for kind in KINDS:
        for name in names:
            sample = await up[name].round(
                kind if number else Kind(kind.name, kind.callers * 2, kind.callers, kind.streams)
            )
            if seen is not None:
                seen[name][kind.name] = sample
    for name in seen or ():
        rows[name].rounds.append(seen[name])


def about(rounds: int, starts: int, load: Sequence[float]) -> dict[str, str]:
    """What a reader has to know of the run."""
    return {
        "Taken": f"{datetime.now(UTC):%Y-%m-%d}",
        "on": f"{os.cpu_count()} processors",
        "beside a load of": f"{min(load):.0f} to {max(load):.0f}",
        "rounds": str(rounds),
        "starts": str(starts),
        "Python": platform.python_version(),
        "LiteLLM": LITELLM_PACKAGE.partition("==")[2],
        "TensorZero": TENSORZERO.partition("==")[2],
        "Portkey": PORTKEY_PACKAGE["dependencies"][PORTKEY],
    }


def show(results: Results, *, keep: bool) -> None:
    """Print it; with `keep` put the files and the tables of the documents anew."""
    for text in sections(results).values():
        print(f"{text}\n")
    if not keep:
        return
    RESULTS.mkdir(exist_ok=True)
    results.write(kept := RESULTS / "side_by_side.json")
    written = Results.read(kept)  # whose digits are fewer, and may round otherwise
    (RESULTS / "side_by_side.svg").write_text(picture(written))
    for document in DOCUMENTS:
        place(document, sections(written))


def main() -> None:
    """Measure, print, and write the tables, unless somebody was left out on purpose."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.side_by_side", description=__doc__)
    parser.add_argument("--rounds", type=int, default=9, help="of all kinds, whose medians count")
    parser.add_argument("--starts", type=int, default=3, help="among which the rounds are shared")
    parser.add_argument("--minutes", type=float, default=30.0, help="after which no further round begins")
    parser.add_argument(
        "--only", nargs="*", choices=[one.name for one in CONTESTANTS], help="prints, and writes nothing"
    )
    parser.add_argument("--peers", type=Path, default=ROOT / ".tools/peers", help="where peers are, or get installed")
    parser.add_argument("--shown", type=Path, help="measures nothing, and writes the tables of this result anew")
    options = parser.parse_args()
    if options.shown:
        return show(Results.read(options.shown), keep=True)
    chosen = [one for one in CONTESTANTS if not options.only or one.name in {*NEEDED, *options.only}]
    results = asyncio.run(
        measured(chosen, options.rounds, options.starts, options.minutes * 60, options.peers.resolve())
    )
    return show(results, keep=not options.only)


if __name__ == "__main__":
    main()
