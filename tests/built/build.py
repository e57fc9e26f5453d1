"""A folder that `sam build` made, and its functions as Lambda would run them: from their layers and nothing else."""

from __future__ import annotations

import dataclasses
import platform
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from tests.lambda_runtime.deployment import Backend, function
from tests.lambda_runtime.emulator.environment import MANAGED, Function
from tests.template.test_template import FUNCTIONS

NAMES = {name.lower().replace("jobworker", "jobs"): name for name in FUNCTIONS}
"""Each function's name in the template, by the name that tests give it."""
WITH_JOBS = frozenset(name for name, p in FUNCTIONS.items() if "JobsLayer" in str(p.get("Layers")))
"""The functions that start jobs or work on them, by their names in the template."""
WITH_LITELLM = frozenset(name for name, p in FUNCTIONS.items() if "LiteLLMLayer" in str(p.get("Layers")))
"""The functions that call models, by their names in the template."""
MACHINE = platform.machine().replace("aarch64", "arm64")
_RUNTIME_PARTS = ("boto3", "botocore", "s3transfer", "jmespath", "dateutil", "six", "urllib3")


@dataclass(frozen=True)
class Managed:
    """What Lambda's runtime brings: an interpreter without site-packages, and a folder with boto3."""

    interpreter: Path
    folder: Path


@dataclass(frozen=True)
class Build:
    """What was built, below `folder`."""

    folder: Path

    @property
    def core(self) -> Path:
        """The layer that every function has."""
        return self.folder / "GatewayCoreLayer"

    @property
    def litellm(self) -> Path:
        """The layer of those that call models."""
        return self.folder / "LiteLLMLayer"

    @property
    def jobs(self) -> Path:
        """The layer of those that start jobs or work on them."""
        return self.folder / "JobsLayer"

    def parts(self, name: str) -> list[Path]:
        """The own folder and the layers of a function, by its name in the template."""
        more = ((self.litellm, WITH_LITELLM), (self.jobs, WITH_JOBS))
        return [self.folder / name, self.core, *(layer for layer, names in more if name in names)]

    def function(self, name: str, backend: Backend, lambda_url: str, managed: Managed) -> Function:
        """A function as it was built, with nothing but its layers and the managed runtime."""
        deployed = function(name, backend, lambda_url)
        task_root, _core, *more = self.parts(NAMES[name])
        environ = {
            **deployed.environ,
            "PYTHONPATH": ":".join(str(layer / "python") for layer in more),
            "LAMBDA_RUNTIME_DIR": str(managed.folder),
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        command = (str(self.core / "stream-runtime"), str(managed.interpreter), MANAGED)
        if name == "jobs":  # as Lambda's own runtime starts: all of /opt/python before what it brings
            layers = [str(layer / "python") for layer in (self.core, *more)]
            environ["PYTHONPATH"] = ":".join([str(task_root), *layers, str(managed.folder)])
            command = (str(managed.interpreter), "-m", "awslambdaric", "app.handler")
        return dataclasses.replace(deployed, task_root=task_root, command=command, environ=environ)


def files(folder: Path, pattern: str = "*") -> Iterator[Path]:
    """All files below a folder."""
    return (path for path in folder.rglob(pattern) if path.is_file())


def size(folder: Path) -> int:
    """Bytes, as Lambda's limit counts them."""
    return sum(path.stat().st_size for path in files(folder))


def managed_runtime(folder: Path) -> Managed:
    """Make one of this environment's parts, in an empty folder."""
    for name in _RUNTIME_PARTS:
        spec = find_spec(name)
        assert spec is not None
        assert spec.origin is not None
        origin = Path(spec.origin)
        location = origin.parent if spec.submodule_search_locations else origin
        (folder / location.name).symlink_to(location)
    (interpreter := folder / "python").write_text(f'#!/bin/sh\nexec "{sys.base_prefix}/bin/python3" -S "$@"\n')
    interpreter.chmod(0o755)
    return Managed(interpreter, folder)
