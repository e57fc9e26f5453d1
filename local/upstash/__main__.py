"""`python -m local.upstash --port N --token T`: a Valkey and the REST stand-in over it, in the foreground."""

from __future__ import annotations

import argparse
import contextlib
import sys
from collections.abc import Sequence

from local.serving import ServingError, base_url, bind, server_for, sigterm_as_exit
from local.upstash.app import create_app
from local.upstash.faults import Faults
from local.valkey import Valkey, ValkeyError


def main(argv: Sequence[str] | None = None) -> int:
    """Run until Ctrl-C or SIGTERM; 0 then, 1 when something could not start."""
    options = _parser().parse_args(argv)
    try:
        with sigterm_as_exit():
            run(options.port, options.token, options.read_only_token)
    except KeyboardInterrupt:
        return 0
    except (ServingError, ValkeyError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def run(port: int, token: str, read_only_token: str = "") -> None:
    """Serve in the calling thread until it is interrupted.

    Raises:
        ServingError: the port is in use.
        ValkeyError: no server is installed, or it does not come up.
    """
    with contextlib.closing(bind(port)) as sock, Valkey() as valkey:
        app = create_app(redis_port=valkey.port, token=token, read_only_token=read_only_token, faults=Faults())
        print(f"UPSTASH_REDIS_REST_URL={base_url(sock)}", flush=True)
        server_for(app).run([sock])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m local.upstash", description=__doc__)
    parser.add_argument("--port", type=int, default=8788, help="0 takes a free one (default: %(default)s)")
    parser.add_argument("--token", default="local", help="(default: %(default)s)")
    parser.add_argument("--read-only-token", default="", help="a second token that may only read")
    return parser


if __name__ == "__main__":
    sys.exit(main())
