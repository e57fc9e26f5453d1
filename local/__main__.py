"""`make run`: the whole gateway on this machine, in the foreground, on loopback only."""

from __future__ import annotations

import os
import sys

from local.environment import StackError
from local.stack import PartEndedError, run


def main() -> int:
    """Run until Ctrl-C or SIGTERM; 2 when something that is needed is missing or taken, 1 when it is lost."""
    try:
        run(os.environ)
    except PartEndedError as error:
        print(f"make run: {error}", file=sys.stderr)
        return 1
    except StackError as error:
        print(f"make run: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
