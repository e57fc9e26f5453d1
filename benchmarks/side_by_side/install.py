"""The peers' programs, in versions that are pinned, below `.tools/peers`: nothing of them is in our requirements."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

LITELLM = "litellm[proxy]==1.106.2"
TENSORZERO = "tensorzero==2026.6.0"
PORTKEY = "@portkey-ai/gateway"
PORTKEY_PACKAGE: Mapping[str, object] = {
    "private": True,
    "dependencies": {PORTKEY: "1.15.2"},
    # With what a plain install brings, every stream is answered 500 (Portkey's issue 1389).
    "overrides": {"@hono/node-server": "1.13.5", "hono": "4.9.7"},
}
_PATIENCE_S = 900


class Unavailable(Exception):
    """It cannot be had here; the text says why."""


def by_pip(tools: Path, name: str, *packages: str) -> Path:
    """The Python of an environment of its own with these packages."""
    folder = tools / name
    python, stamp = folder / "bin/python", folder / ".installed"
    if not stamp.exists() or stamp.read_text() != " ".join(packages):
        print(f"installing {' '.join(packages)} into {folder}", file=sys.stderr)
        _run([sys.executable, "-m", "venv", "--clear", str(folder)])
        _run([str(python), "-m", "pip", "install", "-q", "--prefer-binary", *packages])
        stamp.write_text(" ".join(packages))
    return python


def by_npm(tools: Path, name: str, package: Mapping[str, object]) -> Path:
    """The folder in which Node finds what the package needs."""
    folder = tools / name
    told, stamp = json.dumps(package), folder / ".installed"
    if not (npm := shutil.which("npm")):
        raise Unavailable("there is no npm")
    if not stamp.exists() or stamp.read_text() != told:
        print(f"installing {package['dependencies']} into {folder}", file=sys.stderr)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        (folder / "package.json").write_text(told)
        _run([npm, "install", "--prefix", str(folder), "--ignore-scripts", "--no-audit", "--no-fund"])
        stamp.write_text(told)
    return folder


def _run(command: Sequence[str]) -> None:
    try:
        done = subprocess.run(  # noqa: S603 - see above
            command, capture_output=True, text=True, check=False, timeout=_PATIENCE_S
        )
    except subprocess.TimeoutExpired as error:
        raise Unavailable(f"{command[1]} took longer than {_PATIENCE_S} s") from error
    if done.returncode:
        last = (done.stderr or done.stdout).strip().splitlines()[-1:]
        raise Unavailable(f"{Path(command[0]).name} failed: {' '.join(last)}")
