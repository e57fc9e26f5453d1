"""What a request and a chunk of a stream cost the gateway's process in CPU: forwarded, by wires of our own, by LiteLLM.

`.venv/bin/python -m benchmarks.engines [--rounds 9] [--before FOLDER]`; see README.md beside it.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any

from benchmarks.streaming import simulator
from gateway_core.adapters.upstash import UpstashStore
from gateway_core.store.virtual_keys import KeyRecord, digest_of
from local.serving import serve
from local.upstash import create_app as create_store
from local.valkey import Valkey
from tests.e2e.conftest import PROVIDER_KEYS

ROOT = Path(__file__).parents[1]
KEY, TOKEN = "gk_bench_local", "local"
CHAT, OWN, OWN_STREAM = "/v1/chat/completions", "/v1/complete", "/v1/stream"
MESSAGES = "/v1/messages"
BEFORE = "before"
WORDS, FEW = 200, 2
"""Lengths of the two streams whose difference is what chunks cost."""
_PACE_MS = 2
_PROVIDERS = ("anthropic", "openai", "gemini", "deepseek")
_BY_LITELLM = "providers:\n" + "".join(f"  {name}: {{engine: litellm}}\n" for name in _PROVIDERS)
_PATIENT = "store: {timeout_s: 30, connect_timeout_s: 30}\n"
_NS_PER_MS = 1_000_000
_WORKER = Path(__file__).with_name("engine_worker.py")


@dataclass(frozen=True, slots=True)
class Case:
    """A way through the gateway: who is asked, by which routes, and what we allow ourselves of what LiteLLM takes."""

    name: str
    model: str
    target: float
    whole: str = CHAT
    streamed: str = CHAT


FORWARDED, TRANSLATED = 0.55, 0.7
CASES = (
    Case("OpenAI chat, forwarded", "gpt-5.1", FORWARDED),
    Case("DeepSeek, forwarded", "deepseek-v3.2", FORWARDED),
    Case("DeepSeek, native", "deepseek-v3.2", TRANSLATED, OWN, OWN_STREAM),
    Case("Anthropic, native", "claude-haiku-3.5", TRANSLATED),
    Case("Messages, forwarded", "claude-haiku-3.5", FORWARDED, MESSAGES, MESSAGES),
    Case("Messages, on chat", "gpt-5.1", TRANSLATED, MESSAGES, MESSAGES),
    Case("Gemini, native", "gemini-flash", TRANSLATED),
    Case("Responses, native", "codex-max", TRANSLATED),
)


@dataclass(frozen=True, slots=True)
class Kind:
    """What is asked for, and how often in a row."""

    name: str
    directives: str
    count: int
    streams: bool = True


KINDS = (
    Kind("whole", "[[words=20]]", 20, streams=False),
    Kind("few", f"[[words={FEW}]]", 20),
    Kind("bulk", f"[[words={WORDS}]]", 5),
    Kind("paced", f"[[words={WORDS}]] [[pace={_PACE_MS}]]", 2),
)


@dataclass
class Worker:
    """A gateway's process; `seen` are the milliseconds of CPU of one request, for each round."""

    name: str
    process: subprocess.Popen[str]
    seen: dict[tuple[str, str], list[float]] = field(default_factory=dict)

    def measure(self, case: Case, kind: Kind, count: int) -> float:
        """CPU of one such request, in milliseconds."""
        told = self.ask(case.streamed if kind.streams else case.whole, body(case, kind), count)
        if kind.streams and kind.name != "few" and told["parts"] < WORDS:
            raise RuntimeError(f"only {told['parts']} parts came of {case.name}")
        return float(told["cpu_ns"]) / _NS_PER_MS

    def takes(self, case: Case) -> bool:
        """Whether its version may have the case's route at all: earlier ones have no Messages."""
        return self.name != BEFORE or case.whole != MESSAGES

    def ask(self, path: str, asked: Mapping[str, Any], count: int = 1) -> dict[str, Any]:
        """What the process tells of so many requests, see `engine_worker.serve`."""
        if not (self.process.stdin and self.process.stdout):
            raise RuntimeError("the worker has no pipes")
        order = {"path": path, "key": KEY, "count": count, "body": asked}
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        if not (line := self.process.stdout.readline()):
            raise RuntimeError(f"{self.name} ended")
        told: dict[str, Any] = json.loads(line)
        return told

    def note(self, case: Case, kind: Kind) -> None:
        """One round more."""
        self.seen.setdefault((case.name, kind.name), []).append(self.measure(case, kind, kind.count))

    def costs(self, case: Case) -> dict[str, float]:
        """Milliseconds of a whole answer and of a short stream, microseconds of a chunk of a long one.

        The least of all rounds: what else the machine does can only add to a process's time, by caches that it empties.
        """
        found = {kind.name: min(self.seen[case.name, kind.name]) for kind in KINDS}
        per_chunk = {name: (found[name] - found["few"]) * 1000 / (WORDS - FEW) for name in ("bulk", "paced")}
        return {"whole": found["whole"], "few": found["few"], **per_chunk}


def body(case: Case, kind: Kind) -> dict[str, Any]:
    """The request, on whichever route it takes."""
    prompt = f"[[reasoning=0]] {kind.directives} Say what you know of serverless gateways, please."
    asked: dict[str, Any] = {"model": case.model, "messages": [{"role": "user", "content": prompt}]}
    path = case.streamed if kind.streams else case.whole
    if path == MESSAGES:
        return {**asked, "max_tokens": 4096, **({"stream": True} if kind.streams else {})}
    if path != CHAT:
        return asked
    return {**asked, **({"stream": True, "stream_options": {"include_usage": True}} if kind.streams else {})}


@contextlib.contextmanager
def worker(name: str, tree: Path, config: str, bases: Mapping[str, str], program: Path = _WORKER) -> Iterator[Worker]:
    """A gateway of the code in `tree` with its own store, as Lambda would start it."""
    with contextlib.ExitStack() as stack:
        url = stack.enter_context(serve(create_store(redis_port=stack.enter_context(Valkey()).port, token=TOKEN)))
        asyncio.run(_put_key(url))
        (written := Path(stack.enter_context(tempfile.TemporaryDirectory())) / "config.yaml").write_text(config)
        environ = {
            **PROVIDER_KEYS,
            **bases,
            "PATH": os.environ["PATH"],
            "PYTHONPATH": f"{tree / 'layers/gateway_core/src'}:{tree}",
            "AWS_LAMBDA_FUNCTION_NAME": "stream",
            "LITELLM_LOCAL_MODEL_COST_MAP": "True",
            "GATEWAY_CONFIG": str(written),
            "UPSTASH_REDIS_REST_URL": url,
            "UPSTASH_REDIS_REST_TOKEN": TOKEN,
        }
        own = tree / ".venv/bin/python"  # another version needs other packages
        python = str(own) if own.exists() else sys.executable
        command = [python, "-P", str(program)]
        process = stack.enter_context(
            subprocess.Popen(  # noqa: S603 - our own program
                command, env=environ, cwd=tree, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
            )
        )
        stack.callback(process.terminate)
        yield Worker(name, process)


async def _put_key(url: str) -> None:
    store = UpstashStore(url, TOKEN)
    await store.put_key(KeyRecord(project_id="bench", digest=digest_of(KEY), admin=True))
    await store.close()


def table(workers: Sequence[Worker]) -> str:
    """A line for each case: what it costs by our own engine, and that as a share of the others'."""
    ours, *others = workers
    head = f"{'':24}" + "".join(f"{name:>22}" for name in ("whole, ms", "short stream, ms", "chunk, µs", "paced, µs"))
    lines = [head]
    for case in CASES:
        costs = ours.costs(case)
        lines.append(f"{case.name:24}" + "".join(f"{cost:22.2f}" for cost in costs.values()))
        for other in (one for one in others if one.takes(case)):
            theirs = other.costs(case)
            cells = (f"{cost:.2f} ({costs[name] / cost:.2f}x)" for name, cost in theirs.items())
            lines.append(f"{'  of ' + other.name:24}" + "".join(f"{cell:>22}" for cell in cells))
        lines.append(f"{'  target':24}" + f"{f'({case.target:.2f}x)':>22}" * len(costs))
    return "\n".join(lines)


def run(rounds: int, before: Path | None) -> None:
    """Print the table. All take turns, so that what else the machine does falls on all."""
    with contextlib.ExitStack() as stack:
        bases = stack.enter_context(simulator())
        ways = [("native", ROOT, _PATIENT), ("LiteLLM", ROOT, _PATIENT + _BY_LITELLM)]
        ways += [(BEFORE, before.resolve(), _PATIENT)] if before else []
        workers = [stack.enter_context(worker(*way, bases)) for way in ways]
        asked = [(case, kind, one) for case, kind, one in product(CASES, KINDS, workers) if one.takes(case)]
        for case, kind, one in asked:
            one.measure(case, kind, 1)
        for number in range(rounds):
            for case, kind, one in asked:
                one.note(case, kind)
            print(f"round {number + 1} of {rounds}", file=sys.stderr)
        print(table(workers))


def main() -> None:
    """Measure this tree, and another version beside it if one is named."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.engines", description=__doc__)
    parser.add_argument("--rounds", type=int, default=9, help="of each kind, of which the cheapest counts")
    parser.add_argument("--before", type=Path, help="a checkout of another version, measured beside this one")
    options = parser.parse_args()
    run(options.rounds, options.before)


if __name__ == "__main__":
    main()
