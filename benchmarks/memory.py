"""What each function's memory does to it: processor by start and by request, and what that takes with a share of one.

`.venv/bin/python -m benchmarks.memory [--rounds 3] [--build .aws-sam/build]`; see README.md beside it.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import statistics
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.aws_stand_in import running_aws
from benchmarks.cold_start import cpu_s, event_of, on_aws, parameters, peak_mib
from gateway_core.invocation import read_answer
from gateway_core.store.virtual_keys import KeyRecord, digest_of
from tests.built.build import Build, managed_runtime
from tests.lambda_runtime.deployment import running_backend
from tests.lambda_runtime.emulator.answer import collect
from tests.lambda_runtime.emulator.environment import Function, deployed
from tests.lambda_runtime.emulator.events import rest_event

WHOLE_PROCESSOR_MB = 1769
"""What Lambda gives one processor for; less memory gets as much less of it."""
SIZES_MB = (256, 512, 1024, 1769)
_KEY = "gk_dev_local"
_NOBODY = "http://127.0.0.1:9"
_PATIENCE_S = 180
_WARM = 20
_MS = 1000
_LONG = "word " * 160_000
"""800 kB, which is the most that a context of a million tokens certainly has room for."""


def chat(model: str, prompt: str, **more: object) -> dict[str, Any]:
    """An event of the OpenAI route."""
    body = {"model": model, "messages": [{"role": "user", "content": prompt}], **more}
    headers = [("authorization", f"Bearer {_KEY}"), ("content-type", "application/json")]
    return rest_event("POST", "/v1/chat/completions", headers, json.dumps(body).encode())


CASES: Mapping[str, tuple[str, dict[str, Any]]] = {
    "complete": ("complete", event_of("complete")),
    "stream of 200 chunks, one in 2 ms": (
        "stream",
        chat("gpt-5.1", "[[reasoning=0]] [[words=200]] [[pace=2]] Tell me.", stream=True),
    ),
    "stream, a prompt of 800 kB": (
        "stream",
        chat("gemini-flash", f"[[reasoning=0]] [[words=20]] {_LONG}", stream=True),
    ),
    "ask": ("ask", event_of("ask")),
    "embed": ("embed", event_of("embed")),
    "tokens": ("tokens", event_of("tokens")),
    "mcp": ("mcp", event_of("mcp")),
    "usage": ("usage", event_of("usage")),
    "models": ("models", event_of("models")),
}
"""The function and what it is asked."""


@dataclass(frozen=True, slots=True)
class Sample:
    """Seconds of processor until the first answer, and for each later one; the most MiB after all of them."""

    start_s: float
    warm_s: float
    peak_mib: float


async def measured(function: Function, event: dict[str, Any]) -> Sample:
    """One environment: a start and some more answers."""
    async with deployed(function) as environment:
        await _ask(environment, event)
        start_s = cpu_s(environment.pid)
        for _ in range(_WARM):
            await _ask(environment, event)
        warm_s = (cpu_s(environment.pid) - start_s) / _WARM
        return Sample(start_s, warm_s, peak_mib(environment.pid))


async def _ask(environment: Any, event: dict[str, Any]) -> None:
    answer = read_answer((await collect(environment.invoke(event, _PATIENCE_S))).payload)
    if answer.status != 200:  # noqa: PLR2004 - HTTP
        raise RuntimeError(f"{answer.status}: {answer.body!r}")


@contextlib.asynccontextmanager
async def functions(build: Build) -> AsyncIterator[Mapping[str, Function]]:
    """By case, as deployed, with secrets and events."""
    async with contextlib.AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=build.folder.parent)))
        (runtime := folder / "runtime").mkdir()
        managed = managed_runtime(runtime)
        backend = await stack.enter_async_context(running_backend(folder))
        aws = stack.enter_context(running_aws(folder, parameters(backend)))
        await backend.store.put_key(KeyRecord(project_id="dev", digest=digest_of(_KEY), admin=True))
        yield {
            case: on_aws(build.function(name, backend, _NOBODY, managed), name, aws)
            for case, (name, _) in CASES.items()
        }


def table(seen: Mapping[str, Sequence[Sample]]) -> str:
    """Medians, and what they take at each size: of a start in seconds, of an answer in milliseconds."""
    heads = ("start, CPU ms", "answer, CPU ms", "peak MiB", *(f"{size} MB: start s, answer ms" for size in SIZES_MB))
    lines = ["| | " + " | ".join(heads) + " |", "|---" * (len(heads) + 1) + "|"]
    for case, samples in seen.items():
        start_s, warm_s = (statistics.median(getattr(one, what) for one in samples) for what in ("start_s", "warm_s"))
        shares = [min(1.0, size / WHOLE_PROCESSOR_MB) for size in SIZES_MB]
        cells = [f"{start_s * _MS:.0f}", f"{warm_s * _MS:.1f}", f"{max(one.peak_mib for one in samples):.0f}"]
        cells += [f"{start_s / share:.1f}, {warm_s * _MS / share:.0f}" for share in shares]
        lines.append(f"| {case} | {' | '.join(cells)} |")
    return "\n".join(lines)


async def run(build: Build, rounds: int) -> None:
    """Print the table."""
    seen = {case: list[Sample]() for case in CASES}
    async with functions(build) as found:
        for number in range(rounds):
            for case, (_, event) in CASES.items():
                seen[case].append(await measured(found[case], event))
            print(f"round {number + 1} of {rounds}", file=sys.stderr)
    print(table(seen))


def main() -> None:
    """Measure what was built for this machine."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.memory", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="environments of each kind, whose median counts")
    parser.add_argument("--build", type=Path, default=Path(".aws-sam/build"), help="what `make build` made")
    options = parser.parse_args()
    asyncio.run(run(Build(options.build.resolve()), options.rounds))


if __name__ == "__main__":
    main()
