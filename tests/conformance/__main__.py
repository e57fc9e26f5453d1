"""Runs MCP's conformance suite against the gateway, and against the suite's own fixture on the production app.

Each of them under uvicorn, and as three instances of a Lambda function that take turns. `scripts/conformance.sh`
installs the suite and starts this: NODE SUITE OUTPUT.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from starlette.types import ASGIApp

from local.protocols import BoundedProtocol
from local.serving import bind, running, server_for
from local.valkey import free_port
from tests.conformance.fixture import fixture_app
from tests.conformance.proxy import with_key
from tests.conformance.results import Outcome, outcome_of, table
from tests.e2e.conftest import KEY, fork, stop
from tests.lambda_runtime.deployment import function, running_backend
from tests.lambda_runtime.emulator.environment import REPOSITORY, Function, deployed
from tests.lambda_runtime.emulator.fleet import deployed_fleet
from tests.lambda_runtime.emulator.fronts import lambda_api, rest_api

REVISIONS = ("2026-07-28", "2025-11-25")
HERE = Path(__file__).parent
INSTANCES = 3
_DRAIN_S = 5
_PATH = f"{REPOSITORY}:{REPOSITORY / 'layers/gateway_core/src'}"


@dataclass(frozen=True)
class Subject:
    """What the suite is let loose on. `name` is that of the baselines, `port` the one where it meets the suite."""

    name: str
    place: str
    url: str
    key: str
    port: int = 0


def at_home(made: Function, **more: str) -> Function:
    """With the code of this folder, wherever the environment has it from."""
    return replace(made, environ={**made.environ, "PYTHONPATH": _PATH, **more})


@contextmanager
def served(app: ASGIApp, port: int = 0) -> Iterator[str]:
    """As the gateway is: by the protocol that reads its requests."""
    with running(server_for(app, protocol=BoundedProtocol), bind(port), _DRAIN_S) as url:
        yield url


@contextmanager
def stack_url() -> Iterator[str]:
    """The gateway of a local stack."""
    stack = fork(GATEWAY_DEV_KEY=KEY)
    try:
        yield stack.urls["Gateway"]
    finally:
        stop(stack)


@asynccontextmanager
async def fleet_url(of: Function) -> AsyncIterator[str]:
    """A REST API before as many instances, each of which gets every third request."""
    async with deployed_fleet(of, INSTANCES, in_turn=True) as fleet, rest_api(fleet) as url:
        yield url


@asynccontextmanager
async def subjects() -> AsyncIterator[list[Subject]]:
    """All of them, running."""
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        backend = await stack.enter_async_context(running_backend(Path(folder)))
        fixture = at_home(Function("app.handler", HERE / "function"))
        models = await stack.enter_async_context(deployed(at_home(function("models", backend, ""))))
        functions = await stack.enter_async_context(lambda_api({"gateway-models": models}))
        port = free_port()
        # On Lambda no web page is let in unless it is listed, and the suite plays one of this machine.
        page = f"http://127.0.0.1:{port}"
        gateway = at_home(function("mcp", backend, functions), GATEWAY_ALLOWED_ORIGINS=page)
        places, key = f"{INSTANCES} Lambda instances", await backend.key("alpha")
        yield [
            Subject("fixture", "uvicorn", stack.enter_context(served(fixture_app())), KEY),
            Subject("stack", "uvicorn", stack.enter_context(stack_url()), KEY),
            Subject("fixture", places, await stack.enter_async_context(fleet_url(fixture)), KEY),
            Subject("stack", places, await stack.enter_async_context(fleet_url(gateway)), key, port),
        ]


def run(command: list[str], url: str, revision: str, baseline: Path, output: Path) -> Outcome:
    """One run of the suite."""
    options = ["--url", f"{url}/mcp", "--requirements", revision, "--expected-failures", str(baseline)]
    done = subprocess.run(
        [*command, "server", *options, "-o", str(output)], capture_output=True, text=True, check=False
    )
    return outcome_of(done.returncode, done.stdout + done.stderr)


async def main() -> int:
    """0 if every run went as its baseline says."""
    node, suite, output = sys.argv[1:]
    rows: list[tuple[str, str, str, Outcome]] = []
    async with subjects() as found:
        for subject in found:
            with served(with_key(subject.url, subject.key), subject.port) as keyed:
                for revision in REVISIONS:
                    baseline = HERE / f"{subject.name}-{revision}.yml"
                    folder = Path(output) / f"{baseline.stem}-{subject.place.replace(' ', '-')}"
                    outcome = await asyncio.to_thread(run, [node, suite], keyed, revision, baseline, folder)
                    rows.append((subject.name, subject.place, revision, outcome))
    print(table(rows))  # noqa: T201 - a terminal program
    return 0 if all(outcome.passed for *_, outcome in rows) else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
