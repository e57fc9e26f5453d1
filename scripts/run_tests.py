"""Runs the tests of `make test`: several pytest side by side, each with its share of the files (`tests/shares.py`).

pytest-xdist tells one process more of each step of each test, which costs as much as a tenth of all tests. What a
pytest says comes in one piece, when it has ended. With `--measured` coverage measures them; other arguments go to all.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Sequence

WORKERS = 2
"""Each more takes seconds of CPU to import what it tests."""
PYTEST = ("-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:anyio", "--capture=sys")
"""Without what nobody uses and each test pays for: to capture files as well takes a tenth of a millisecond a step."""
MEASURED = ("-m", "coverage", "run")


async def run_share(number: int, command: Sequence[str]) -> int:
    """Run one share and print what came of it; pytest's exit code."""
    with tempfile.TemporaryFile() as said:  # no pipe: who outlives pytest would hold it open
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *command,
            f"--share={number}/{WORKERS}",
            stdin=asyncio.subprocess.DEVNULL,
            stdout=said,
            stderr=asyncio.subprocess.STDOUT,
        )
        try:
            code = await process.wait()
        finally:
            if process.returncode is None:
                process.terminate()
        said.seek(0)
        print(f"Share {number} of {WORKERS}:\n{said.read().decode(errors='replace')}", end="", flush=True)
    return code


async def run_all(command: Sequence[str]) -> int:
    """Run all shares; 0 if each of them had tests and none failed."""
    print(f"{WORKERS} shares of the tests run; each tells when it has ended.", flush=True)
    return max(await asyncio.gather(*(run_share(number, command) for number in range(1, WORKERS + 1))), key=abs)


def main() -> int:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--measured", action="store_true", help="by coverage")
    options, arguments = parser.parse_known_args()
    return asyncio.run(run_all([*(MEASURED if options.measured else ()), *PYTEST, *arguments]))


if __name__ == "__main__":
    sys.exit(main())
