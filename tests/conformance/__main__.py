"""Runs MCP's conformance suite against the local stack, and against the suite's own fixture on the production app.

`scripts/conformance.sh` installs the suite and starts this: NODE SUITE OUTPUT.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from starlette.types import ASGIApp

from gateway_core.adapters.clock import SystemClock
from gateway_core.adapters.invoke_asgi import AsgiInvoker
from gateway_core.domain.caller import Caller
from gateway_core.mcp_front.app import serve_server
from gateway_core.mcp_front.logs import quiet_libraries
from gateway_core.mcp_front.server import create_server
from gateway_core.mcp_front.settings import McpSettings
from gateway_core.telemetry.telemetry import Telemetry
from local.serving import serve
from tests.conformance.fixture import install
from tests.conformance.proxy import with_key
from tests.e2e.conftest import KEY, start, stop

REVISIONS = ("2026-07-28", "2025-11-25")
HERE = Path(__file__).parent


class AnyKey:
    """Knows everybody."""

    def known(self, key: str) -> Caller:
        return Caller("dev", key, key, "")

    async def authenticate(self, key: str) -> Caller:
        return self.known(key)


def fixture_app() -> ASGIApp:
    """The production app around the production server, with the suite's primitives added."""
    telemetry = Telemetry(level="CRITICAL")
    quiet_libraries(telemetry)
    server = create_server(AsgiInvoker({}), telemetry, SystemClock())
    install(server)
    return serve_server(server, AnyKey(), McpSettings(is_local=True), telemetry)


@contextmanager
def stack_url() -> Iterator[str]:
    """The gateway of a local stack."""
    stack = start(GATEWAY_DEV_KEY=KEY)
    try:
        yield stack.urls["Gateway"]
    finally:
        stop(stack)


def run(command: list[str], url: str, revision: str, baseline: Path, output: Path) -> bool:
    """One run of the suite; whether it went as expected."""
    print(f"--- {baseline.stem}, {revision}", flush=True)  # noqa: T201 - a terminal program
    options = ["--url", f"{url}/mcp", "--requirements", revision, "--expected-failures", str(baseline)]
    done = subprocess.run(
        [*command, "server", *options, "-o", str(output)], capture_output=True, text=True, check=False
    )
    _head, _mark, summary = done.stdout.partition("=== SUMMARY ===")
    print(summary.strip() or done.stdout + done.stderr, flush=True)  # noqa: T201 - as above
    return done.returncode == 0


def main() -> int:
    """0 if every run went as its baseline says."""
    node, suite, output = sys.argv[1:]
    with serve(fixture_app()) as fixture, stack_url() as stack:
        passed = []
        for name, url in (("fixture", fixture), ("stack", stack)):
            with serve(with_key(url, KEY)) as keyed:
                for revision in REVISIONS:
                    baseline = HERE / f"{name}-{revision}.yml"
                    passed.append(run([node, suite], keyed, revision, baseline, Path(output) / baseline.stem))
    return 0 if all(passed) else 1


if __name__ == "__main__":
    sys.exit(main())
