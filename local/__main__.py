"""`make run`: the whole gateway on this machine, in the foreground, on loopback only.

`--env-file FILE` reads variables from a file; those of the environment win.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from local.env_file import read_env_file
from local.environment import StackError
from local.stack import PartEndedError, run


def main() -> int:
    """Run until Ctrl-C or SIGTERM; 2 when something that is needed is missing or taken, 1 when it is lost."""
    try:
        run(_environ(sys.argv[1:]))
    except PartEndedError as error:
        print(f"make run: {error}", file=sys.stderr)
        return 1
    except StackError as error:
        print(f"make run: {error}", file=sys.stderr)
        return 2
    return 0


def _environ(arguments: list[str]) -> Mapping[str, str]:
    parser = argparse.ArgumentParser(prog="python -m local")
    parser.add_argument("--env-file", type=Path)
    file: Path | None = parser.parse_args(arguments).env_file
    if file is None:
        return os.environ
    print(f"Settings   {file}, and the environment", flush=True)
    return {**read_env_file(file), **os.environ}


if __name__ == "__main__":
    raise SystemExit(main())
