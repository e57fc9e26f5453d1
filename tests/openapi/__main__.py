"""Runs schemathesis over openapi.json against the local stack: `make test-openapi`. Arguments: ST [all].

Each answer has a documented status and the documented form, none is a 5xx, what breaks a schema is refused, and nobody
gets in without a key. The same requests are made each time. Those that try every boundary of every field are 14,000
for all routes: without `all` the routes with large bodies have only examples and drawn requests.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from scripts.openapi.__main__ import TARGET
from scripts.openapi.operations import OPERATIONS
from tests.e2e.conftest import KEY, start, stop

HERE = Path(__file__).parent
ENDLESS = "/v1/events"
LARGE_BODIES = ("ask", "chat", "complete", "messages", "count_messages", "responses", "stream", "embeddings", "tokens")


@contextmanager
def stack_url() -> Iterator[str]:
    """The gateway of a local stack."""
    stack = start(GATEWAY_DEV_KEY=KEY)
    try:
        yield stack.urls["Gateway"]
    finally:
        stop(stack)


def tried(program: str, url: str, *options: str) -> bool:
    """Whether all went well. What no schema can say, as which groups there are, may have a good request refused."""
    command = [
        *(program, "run", str(TARGET), "--url", url, "--header", f"Authorization: Bearer {KEY}", "--no-color"),
        *("--generation-deterministic", "--exclude-path", ENDLESS, "--exclude-checks", "positive_data_acceptance"),
        *("--request-timeout", "60", "--suppress-health-check", "all", "--warnings", "off", *options),
    ]
    found = {**os.environ, "SCHEMATHESIS_HOOKS": "hooks", "PYTHONPATH": str(HERE)}
    home = Path(program).parents[1]  # where it keeps what it found
    return subprocess.run(command, env=found, check=False, cwd=home).returncode == 0


def main() -> int:
    """0 if nothing was found."""
    program, *wanted = sys.argv[1:]
    program = str(Path(program).absolute())
    small = [operation.id for operation in OPERATIONS if wanted or operation.id not in LARGE_BODIES]
    of_small = [part for name in small for part in ("--include-operation-id", name)]
    with stack_url() as url:
        drawn = tried(program, url, "--phases", "examples,fuzzing", "--max-examples", "16")
        bounds = tried(program, url, "--phases", "coverage", *of_small)
    return 0 if drawn and bounds else 1


if __name__ == "__main__":
    sys.exit(main())
