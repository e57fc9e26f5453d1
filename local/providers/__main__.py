"""`python -m local.providers --port 8789`: serve the simulator until Ctrl-C or SIGTERM."""

from __future__ import annotations

import argparse
import os

from local.providers.app import base_urls, create_app
from local.serving import base_url, bind, server_for


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m local.providers", description=__doc__)
    parser.add_argument("--port", type=int, default=int(os.environ.get("LOCAL_PROVIDERS_PORT", "8789")))
    parser.add_argument("--pace-ms", type=float, default=0.0, help="milliseconds between the chunks of a stream")
    options = parser.parse_args()
    sock = bind(options.port)
    for name, value in base_urls(base_url(sock)).items():
        print(f"export {name}={value}", flush=True)
    server_for(create_app(pace_ms=options.pace_ms)).run([sock])


if __name__ == "__main__":
    main()
