"""`python -m local.upstash --port N --token T [--dir D]`: a Valkey and the REST stand-in over it, in the foreground."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Callable, Sequence

from local.loopback import ServingError
from local.serving import serve, sigterm_as_exit
from local.upstash.app import create_app
from local.upstash.faults import Faults
from local.valkey import Valkey, ValkeyError


def main(argv: Sequence[str] | None = None, *, wait: Callable[[], object] = signal.pause) -> int:
    """Serve until `wait` returns, which by default only Ctrl-C or SIGTERM end; 1 when something could not start."""
    options = _parser().parse_args(argv)
    try:
        with sigterm_as_exit():
            run(options.port, options.token, options.read_only_token, wait, options.dir)
    except KeyboardInterrupt:
        return 0
    except (ServingError, ValkeyError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def run(port: int, token: str, read_only_token: str, wait: Callable[[], object], folder: str = "") -> None:
    """Start Valkey and the stand-in, print the URL, `wait`, and stop both. Data is kept in `folder`, if one is named.

    Raises:
        ServingError: the port is in use.
        ValkeyError: no server is installed, or it does not come up.
    """
    with Valkey(folder=folder) as valkey:
        app = create_app(redis_port=valkey.port, token=token, read_only_token=read_only_token, faults=Faults())
        with serve(app, port) as url:
            print(f"UPSTASH_REDIS_REST_URL={url}", flush=True)
            wait()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m local.upstash", description=__doc__)
    parser.add_argument("--port", type=int, default=8788, help="0 takes a free one (default: %(default)s)")
    parser.add_argument("--token", default="local", help="(default: %(default)s)")
    parser.add_argument("--read-only-token", default="", help="a second token that may only read")
    parser.add_argument("--dir", default="", help="where data is kept (default: in memory)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
