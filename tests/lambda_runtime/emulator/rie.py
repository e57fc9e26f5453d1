"""AWS's own Runtime Interface Emulator, from the aws-sam-cli wheel. It buffers, but it is strict about what it is told.

It is the code base of Lambda's Runtime API, so it shows that our side is well-formed; that it streams, our emulator has
to show. In its plain mode three requests at once crash it: ask one at a time.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import platform
import shutil
import socket
import subprocess
import sys
import sysconfig
from collections.abc import AsyncIterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import httpx

from tests.lambda_runtime.emulator.environment import APPS, MANAGED, REPOSITORY, WRAPPER, Log
from tests.patience import patience

_NAMES = {"x86_64": "aws-lambda-rie-x86_64", "aarch64": "aws-lambda-rie-arm64", "arm64": "aws-lambda-rie-arm64"}
_PATH = "/2015-03-31/functions/function/invocations"
_BETWEEN_TRIES_S = 0.02
_LONGEST_S = 20
_BUSY = "Runtime.Unavailable"
_WAITS = "received runtime /next"
"""What it logs when a worker asks for work."""
_LONGEST_LINE = 1 << 20
# Managed Instances mode takes its files from fixed places and its processes run as another user: so its view of
# /var is a private one, with the interpreter in it.
_PRIVATE_VAR = """
mount -t tmpfs -o mode=755 none /var
mkdir /var/runtime /var/task /var/python
cp "$1" /var/runtime/bootstrap
mount --bind "$2" /var/task
mount --bind "$3" /var/python
shift 3
exec "$@"
"""


def binary() -> Path | None:
    """The emulator for this machine, None where the wheel has none."""
    spec = find_spec("samcli")
    name = _NAMES.get(platform.machine())
    if sys.platform != "linux" or name is None or spec is None or spec.origin is None:
        return None
    found = Path(spec.origin).parent / "local/rapid" / name
    return found if found.exists() else None


def obstacle() -> str | None:
    """Why the Managed Instances mode cannot be run here, None when it can."""
    if os.geteuid() != 0:
        return "it starts its processes as another user, which takes root"
    if not shutil.which("unshare"):
        return "it needs /var/runtime/bootstrap, and there is no `unshare` to show it one"
    if denied := _mount_refusal():
        return f"it needs a /var of its own, and the mount is refused: {denied}"
    hidden = [path for path in (REPOSITORY, *REPOSITORY.parents) if not path.stat().st_mode & 0o001]
    return f"its processes run as another user, who cannot enter {hidden[0]}" if hidden else None


def _mount_refusal() -> str:
    # Root in a container often may not mount, and only trying tells.
    tried = ["unshare", "--mount", "sh", "-euc", "mount -t tmpfs none /var && mount --bind /tmp /var"]
    done = subprocess.run(tried, capture_output=True, text=True, timeout=patience(10), check=False)
    return done.stderr.strip() or f"status {done.returncode}" if done.returncode else ""


class Rie:
    """One running emulator.

    With several workers it refuses events while all are busy, also with what follows an answer that the caller already
    has: so each event waits for a worker that asked for work and was given none.
    """

    def __init__(self, client: httpx.AsyncClient, log: Log, *, has_workers: bool) -> None:
        self._client = client
        self._log = log
        self._has_workers = has_workers
        self._invoked = 0

    async def invoke(self, event: Any) -> httpx.Response:
        """The answer as the emulator gives it: a function error is a 200 as well."""
        # Without the type the Managed Instances mode hands the handler bytes.
        headers = {"content-type": "application/json"}
        async with asyncio.timeout(patience(_LONGEST_S)):
            self._invoked += 1
            if self._has_workers:
                await self._log.lines_with(_WAITS, self._invoked)
            while True:
                answer = await self._client.post(_PATH, content=json.dumps(event), headers=headers)
                # The line is written a moment before the worker counts as free.
                if answer.headers.get("error-type") != _BUSY:
                    return answer


@contextlib.asynccontextmanager
async def plain(rie: Path, folder: Path, environ: Mapping[str, str]) -> AsyncIterator[Rie]:
    """An emulator that runs the probe's handler, one invocation at a time."""
    bootstrap = _script(folder / "bootstrap", f'exec "{WRAPPER}" "{sys.executable}" {MANAGED}')
    async with _running([], _copied(rie, folder), bootstrap, environ) as (client, log):
        yield Rie(client, log, has_workers=False)


@contextlib.asynccontextmanager
async def managed_instance(rie: Path, folder: Path, environ: Mapping[str, str], workers: int) -> AsyncIterator[Rie]:
    """An emulator that runs `workers` invocations at once, each in a process of its own."""
    packages = f"{REPOSITORY}/layers/gateway_core/src:{sysconfig.get_path('purelib')}"
    bootstrap = _script(
        folder / "bootstrap",
        f'export PYTHONPATH="{packages}" PYTHONDONTWRITEBYTECODE=1 LD_LIBRARY_PATH=/var/python/lib',
        f'exec "{WRAPPER}" /var/python/bin/python3 {MANAGED}',
    )
    view = ["unshare", "--mount", "sh", "-euc", _PRIVATE_VAR, "sh", str(bootstrap), str(APPS), sys.base_prefix]
    variables = {**environ, "AWS_LAMBDA_MAX_CONCURRENCY": str(workers)}
    async with _running(view, _copied(rie, folder), Path("/var/runtime/bootstrap"), variables) as (client, log):
        yield Rie(client, log, has_workers=True)


@contextlib.asynccontextmanager
async def _running(
    view: list[str], rie: Path, bootstrap: Path, environ: Mapping[str, str]
) -> AsyncIterator[tuple[httpx.AsyncClient, Log]]:
    front, api = _free_port(), _free_port()
    addresses = ["--runtime-interface-emulator-address", front, "--runtime-api-address", api]
    variables = {
        "PATH": os.environ["PATH"],
        "AWS_LAMBDA_FUNCTION_NAME": "probe",
        "AWS_LAMBDA_FUNCTION_TIMEOUT": "900",  # its clock runs while the function starts, as Lambda's does not
        "LAMBDA_TASK_ROOT": str(APPS),
        "_HANDLER": "probe.handler",
        **environ,
    }
    process = await asyncio.create_subprocess_exec(
        *view,
        str(rie),
        *addresses,
        "--log-level",
        "debug",
        str(bootstrap),
        "probe.handler",
        cwd=APPS,
        env=variables,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        limit=_LONGEST_LINE,
    )
    following = asyncio.create_task((log := Log()).follow(process.stdout))
    try:
        async with asyncio.timeout(patience(_LONGEST_S)):
            await _listening(front, process)
        async with httpx.AsyncClient(base_url=f"http://{front}", timeout=patience(_LONGEST_S)) as client:
            yield client, log
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        await process.wait()
        await following


async def _listening(address: str, process: asyncio.subprocess.Process) -> None:
    # Another program's port gives no sign when it opens: it has to be tried.
    host, port = address.split(":")
    while process.returncode is None:
        try:
            _reader, writer = await asyncio.open_connection(host, int(port))
        except ConnectionRefusedError:
            await asyncio.sleep(_BETWEEN_TRIES_S)
        else:
            writer.close()
            return
    raise RuntimeError(f"the emulator ended with {process.returncode} before it listened")


def _copied(rie: Path, folder: Path) -> Path:
    # A wheel's file is not executable everywhere.
    copy = folder / "rie"
    shutil.copyfile(rie, copy)
    copy.chmod(0o755)
    return copy


def _script(path: Path, *lines: str) -> Path:
    path.write_text("\n".join(("#!/bin/sh", *lines, "")))
    path.chmod(0o755)
    return path


def _free_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return f"127.0.0.1:{server.getsockname()[1]}"
