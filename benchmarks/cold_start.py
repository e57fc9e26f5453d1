"""Cold start of each function as built: from the start of its process to its first answer, and its peak of memory.

`.venv/bin/python -m benchmarks.cold_start [--rounds 5] [--build .aws-sam/build]`; see README.md beside it.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import dataclasses
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.aws_stand_in import PATH, running_aws
from gateway_core.invocation import read_answer
from gateway_core.store.virtual_keys import KeyRecord, digest_of
from local.front import function_of
from tests.built.build import NAMES, WITH_LITELLM, Build, Managed, managed_runtime
from tests.lambda_runtime import deployment
from tests.lambda_runtime.deployment import EVENTS, Backend, running_backend
from tests.lambda_runtime.emulator.answer import collect
from tests.lambda_runtime.emulator.environment import Function, deployed
from tests.template.test_template import FUNCTIONS, memory_mb, variables

_KEY = "gk_dev_local"
"""What the events carry."""
_NOBODY = "http://127.0.0.1:9"
"""No other function is called."""
_KIB = 1024
_MS = 1000
_WHOLE_PROCESSOR_MB = 1769
_PATIENCE_S = 120
MEASURED = sorted({function_of(event["path"]) for event in EVENTS.values()})
"""The functions that somebody waits for."""


@dataclass(frozen=True)
class Sample:
    """One start: seconds until the runtime asked for work and until it had answered, and what that took.

    Seconds of processor time are steadier than those of a clock on a machine that does other things, too.
    """

    ready_s: float
    answered_s: float
    cpu_s: float
    peak_mib: float


@dataclass
class Series:
    """All starts of one kind."""

    samples: list[Sample] = field(default_factory=list)

    def median(self, what: str) -> float:
        return statistics.median(getattr(sample, what) for sample in self.samples)


@dataclass(frozen=True)
class Floor:
    """The least that a function of this kind can do, and what the design allows of CPU and memory."""

    name: str
    program: str
    most_ratio: float | None = None
    most_cpu_s: float | None = None
    most_mib: float | None = None

    @property
    def target(self) -> str:
        return f"{self.most_ratio:.2f}x" if self.most_ratio else f"{(self.most_cpu_s or 0) * _MS:.0f}"


LIGHT = Floor("starlette, pydantic", "import starlette.applications, pydantic, mangum", most_cpu_s=0.35, most_mib=64)
LITELLM = Floor("litellm", "import litellm", most_ratio=0.35, most_mib=128)
"""What calls models starts without it, and loads it only for who needs it."""
FASTMCP = Floor("FastMCP", "from fastmcp import FastMCP; FastMCP('bare').http_app()", most_ratio=1.1, most_mib=110)


def floor_of(name: str) -> Floor:
    """What a function is compared with."""
    if name == "mcp":
        return FASTMCP
    return LITELLM if NAMES[name] in WITH_LITELLM else LIGHT


def event_of(name: str) -> dict[str, object]:
    """The event of its own name, or the first that goes to it."""
    found = [stem for stem, event in EVENTS.items() if function_of(event["path"]) == name]
    return dict(EVENTS[name if name in found else found[0]])


def on_aws(function: Function, name: str, aws: Mapping[str, str]) -> Function:
    """With its secrets in SSM, and a bus of events if the template gives it one."""
    told = {key: value for key, value in function.environ.items() if not is_secret(key)}
    told |= {**aws, "GATEWAY_SECRETS_STORE": f"ssm:{PATH}/store"}
    given = variables(FUNCTIONS[NAMES[name]])
    if "GATEWAY_SECRETS_PROVIDERS" in given:
        told["GATEWAY_SECRETS_PROVIDERS"] = f"ssm:{PATH}/providers"
    if "GATEWAY_EVENT_BUS" in given:
        told["GATEWAY_EVENT_BUS"] = "bus"
    return dataclasses.replace(function, environ=told)


def is_secret(name: str) -> bool:
    """Of the store's or a provider's variables."""
    return name.startswith("UPSTASH_") or name.endswith(("_API_KEY", "_API_BASE"))


def parameters(backend: Backend) -> dict[str, str]:
    """The same as SSM has them."""
    held = deployment.function("complete", backend, _NOBODY).environ
    stored = {f"store/{key}": value for key, value in held.items() if key.startswith("UPSTASH_")}
    return stored | {f"providers/{k}": v for k, v in held.items() if is_secret(k) and f"store/{k}" not in stored}


def path_of(build: Build, name: str, managed: Managed) -> str:
    """Where a function's modules are, in the order of Lambda's."""
    own, *layers = build.parts(NAMES[name])
    return ":".join(map(str, (own, *(layer / "python" for layer in layers), managed.folder)))


async def start(function: Function, event: dict[str, object]) -> Sample:
    """Start it, have it answer, and end it."""
    began = time.perf_counter()
    async with deployed(function) as environment:
        ready = time.perf_counter()
        answer = read_answer((await collect(environment.invoke(event, _PATIENCE_S))).payload)
        answered = time.perf_counter()
        if answer.status != 200:  # noqa: PLR2004 - HTTP
            raise RuntimeError(f"{function.task_root.name} answered {answer.status}: {answer.body!r}")
        return Sample(ready - began, answered - began, cpu_s(environment.pid), peak_mib(environment.pid))


def peak_mib(pid: int) -> float:
    """The most resident memory that a process had so far."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / _KIB


def cpu_s(pid: int) -> float:
    """Processor time that a process has used so far, its threads' too (proc(5): utime and stime are fields 14, 15)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def start_bare(program: str, path: str, managed: Managed) -> Sample:
    """Run a program of a few imports to its end, in the same interpreter and from the same files."""
    environ = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": path,
        "PYTHONDONTWRITEBYTECODE": "1",
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    }
    told = f"{program}\nimport os; print('done', flush=True); input(); os._exit(0)"
    began = time.perf_counter()
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        str(managed.interpreter), "-P", "-c", told, env=environ, stdin=pipe, stdout=pipe
    )
    if not process.stdout or b"done" not in await process.stdout.readline():
        raise RuntimeError(f"{program} failed")
    took = time.perf_counter() - began
    sample = Sample(took, took, cpu_s(process.pid), peak_mib(process.pid))
    await process.communicate(b"\n")
    return sample


type Start = Callable[[], Awaitable[Sample]]


@dataclass
class Row:
    """A line of the table: starts as deployed, without AWS's secrets and events, and without compiled modules."""

    name: str
    floor: Floor
    starts: Sequence[Start]
    seen: Sequence[Series]

    @classmethod
    def of(cls, name: str, floor: Floor, *starts: Start) -> Row:
        return cls(name, floor, starts, [Series() for _ in starts])

    async def measure(self) -> None:
        """One start of each, in turn, so that what else the machine does falls on all."""
        for start_one, series in zip(self.starts, self.seen, strict=True):
            series.samples.append(await start_one())


@contextlib.asynccontextmanager
async def rows(build: Build, names: Sequence[str]) -> AsyncIterator[list[Row]]:
    """The floors first, then the functions."""
    async with contextlib.AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=build.folder.parent)))
        source = without_pyc(build, folder / "sources")
        (runtime := folder / "runtime").mkdir()
        managed = managed_runtime(runtime)
        backend = await stack.enter_async_context(running_backend(folder))
        aws = stack.enter_context(running_aws(folder, parameters(backend)))
        await backend.store.put_key(KeyRecord(project_id="dev", digest=digest_of(_KEY), admin=True))

        def bare(made: Build, name: str) -> Start:
            return lambda: start_bare(floor_of(name).program, path_of(made, name, managed), managed)

        def deployed_by(made: Build, name: str) -> Function:
            return made.function(name, backend, _NOBODY, managed)

        def plain(name: str) -> Start:
            return lambda: start(deployed_by(build, name), event_of(name))

        def whole(made: Build, name: str) -> Start:
            return lambda: start(on_aws(deployed_by(made, name), name, aws), event_of(name))

        lowest = {floor_of(name): name for name in names}
        floors = [
            Row.of(f"bare {f.name}", f, bare(build, n), bare(build, n), bare(source, n)) for f, n in lowest.items()
        ]
        yield floors + [Row.of(n, floor_of(n), whole(build, n), plain(n), whole(source, n)) for n in names]


def without_pyc(build: Build, folder: Path) -> Build:
    """The same build as `sam build` would leave it by itself."""
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(build.folder, folder, ignore=ignored, copy_function=os.link)
    return Build(folder)


def share_of(name: str) -> float:
    """The share of a processor that the function's memory brings."""
    return min(1.0, float(memory_mb(NAMES[name])) / _WHOLE_PROCESSOR_MB)


def table(measured: Sequence[Row]) -> str:
    """Medians, and ratios to the floor's own in the same run."""
    floors = {row.floor: row.seen[0] for row in measured if row.name.startswith("bare ")}
    columns = ("ready", "answered", "cpu", "ratio", "target", "at share", "no AWS", "no .pyc", "peak", "target")
    head = f"{'':25}" + "".join(f"{column:>9}" for column in columns)
    return "\n".join([head, *(line(row, floors[row.floor]) for row in measured)])


def line(row: Row, floor: Series) -> str:
    """Times in ms; peak in MiB."""
    whole, plain, source = row.seen
    is_floor = whole is floor
    cpu_ms = whole.median("cpu_s") * _MS
    cells = (
        f"{whole.median('ready_s') * _MS:.0f}",
        f"{whole.median('answered_s') * _MS:.0f}",
        f"{cpu_ms:.0f}",
        f"{whole.median('cpu_s') / floor.median('cpu_s'):.2f}x",
        "" if is_floor else row.floor.target,
        "" if is_floor else f"{cpu_ms / share_of(row.name):.0f}",
        "" if is_floor else f"{plain.median('cpu_s') * _MS:.0f}",
        f"{source.median('cpu_s') * _MS:.0f}",
        f"{whole.median('peak_mib'):.0f}",
        f"{row.floor.most_mib:.0f}" if row.floor.most_mib and not is_floor else "",
    )
    return f"{row.name:25}" + "".join(f"{cell:>9}" for cell in cells)


async def run(build: Build, names: Sequence[str], rounds: int) -> None:
    """Print the table."""
    async with rows(build, names) as measured:
        for row in measured:
            await row.starts[0]()  # so that all files have been read once
        for number in range(rounds):
            for row in measured:
                await row.measure()
            print(f"round {number + 1} of {rounds}", file=sys.stderr)
        print(table(measured))


def main() -> None:
    """Measure what was built for this machine."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cold_start", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="starts of each kind, whose median counts")
    parser.add_argument("--build", type=Path, default=Path(".aws-sam/build"), help="what `make build` made")
    parser.add_argument("names", nargs="*", default=MEASURED, help="functions; by default all")
    options = parser.parse_args()
    if not (options.build / "template.yaml").is_file():
        parser.error(f"there is no build in {options.build}: run `make build`")
    asyncio.run(run(Build(options.build.resolve()), options.names, options.rounds))


if __name__ == "__main__":
    main()
