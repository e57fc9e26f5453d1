"""Build and deploy one stage: all that belongs to it, from samconfig.toml, checked and shown before it is sent.

Usage: python -m scripts.deploy [--dry-run] [--built] [--yes] default|staging|prod [NAME=VALUE ...]; as a rule by
`make deploy`. What is named comes on top of the stage's own parameters, where `sam deploy --parameter-overrides` would
put it in their place.
"""

from __future__ import annotations

import argparse
import os
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from samtranslator.yaml_helper import yaml_parse

ROOT = Path(__file__).parent.parent
FOLDERS = {"arm64": ".aws-sam/build", "x86_64": ".aws-sam/x86_64"}
"""Where `scripts/build.sh` builds for each processor; `sam deploy` takes the first, as the template's default is."""
_MACHINES = {"arm64": 183, "x86_64": 62}  # e_machine in ELF's header
_FIXED = ("Stage",)
_DEV = "dev"


class RefusedError(Exception):
    """What is wrong with the stage, and how to mend it."""


@dataclass(frozen=True, slots=True)
class Stage:
    """One of samconfig.toml's: its stack, and the parameters that it is deployed with."""

    name: str
    stack: str
    parameters: Mapping[str, str]

    @property
    def architecture(self) -> str:
        """The processor of functions and layers."""
        return self.parameters["Architecture"]

    @property
    def secrets_path(self) -> str:
        """Where its secrets are, as the template finds it."""
        return self.parameters.get("SecretsPath") or f"/{self.stack}"


def pairs_of(said: str | Iterable[str]) -> dict[str, str]:
    """Parameters of `NAME=VALUE ...`, in which a value with blanks has quotes. Raises RefusedError."""
    words = shlex.split(said) if isinstance(said, str) else said
    pairs = [word.partition("=") for word in words]
    if wrong := next((name for name, is_given, _ in pairs if not is_given), None):
        raise RefusedError(f"{wrong}: write parameters as NAME=VALUE.")
    return {name: value for name, _, value in pairs}


def stages_of(samconfig: Mapping[str, Any], defaults: Mapping[str, str]) -> dict[str, Stage]:
    """Every stage that can be deployed, as samconfig.toml has it; `defaults` are the template's."""
    found = {}
    for name, commands in samconfig.items():
        if isinstance(commands, dict) and "deploy" in commands:
            own = pairs_of(commands["deploy"]["parameters"].get("parameter_overrides", ""))
            always = {key: defaults[key] for key in ("Stage", "Architecture")}
            found[name] = Stage(name, commands["global"]["parameters"]["stack_name"], {**always, **own})
    return found


def chosen(stages: Mapping[str, Stage], name: str, extra: Mapping[str, str], known: Iterable[str]) -> Stage:
    """The stage with `extra` parameters. Raises RefusedError for what would mix it up with another."""
    if name not in stages:
        raise RefusedError(f"There is no stage {name} in samconfig.toml, but {', '.join(stages)}.")
    stage = stages[name]
    if unknown := sorted(extra.keys() - set(known)):
        raise RefusedError(f"{unknown[0]} is no parameter of template.yaml.")
    for fixed in _FIXED:
        if extra.get(fixed, stage.parameters[fixed]) != stage.parameters[fixed]:
            raise RefusedError(f"{fixed} of {name} is {stage.parameters[fixed]}: deploy the other stage instead.")
    if (name == "default") != (stage.parameters["Stage"] == _DEV):
        raise RefusedError(f"samconfig.toml gives {name} Stage={stage.parameters['Stage']}.")
    made = Stage(stage.name, stage.stack, {**stage.parameters, **extra})
    if made.architecture not in _MACHINES:
        raise RefusedError(f"Architecture is one of {', '.join(_MACHINES)}, not {made.architecture}.")
    for other in stages.values():
        if other.name != name and made.secrets_path == other.secrets_path:
            raise RefusedError(f"{name} would read the secrets of {other.name}, below {made.secrets_path}.")
    return made


def foreign(folder: Path, architecture: str) -> Iterator[Path]:
    """Compiled parts of a build that are for another processor."""
    for path in sorted(folder.rglob("*.so*")):
        with path.open("rb") as file:
            head = file.read(20)
        if head[:4] == b"\x7fELF" and int.from_bytes(head[18:20], "little") != _MACHINES[architecture]:
            yield path


def check_built(folder: Path, architecture: str) -> None:
    """Raises RefusedError for a build that is not there, or does not run where it is to be sent."""
    if not (folder / "template.yaml").is_file() or not any(folder.rglob("*.so")):
        raise RefusedError(f"Nothing is built in {folder}.")
    if wrong := next(foreign(folder, architecture), None):
        raise RefusedError(f"{wrong} is not for {architecture}. Remove {folder} and build again.")


def command(stage: Stage, *, asks: bool = True) -> list[str]:
    """The command that sends it; without `asks` it never waits for a yes."""
    said = [f'{name}="{value}"' if " " in value else f"{name}={value}" for name, value in stage.parameters.items()]
    built = f"{FOLDERS[stage.architecture]}/template.yaml"
    whole = [".venv/bin/sam", "deploy", "--config-env", stage.name, "--template-file", built]
    return [*whole, *([] if asks else ["--no-confirm-changeset"]), "--parameter-overrides", *said]


def main(arguments: Sequence[str]) -> int:
    """Exit code 2 for what is refused, else that of the command that failed."""
    asked = _parser().parse_args(arguments)
    try:
        defaults = _defaults()
        stages = stages_of(tomllib.loads((ROOT / "samconfig.toml").read_text()), defaults)
        stage = chosen(stages, asked.stage, pairs_of(asked.parameter), defaults)
        print(f"Stack {stage.stack}, region {os.environ.get('AWS_DEFAULT_REGION', 'of your AWS profile')}, with:")
        for name, value in stage.parameters.items():
            print(f"  {name}={value}")
        print(f"Secrets below {stage.secrets_path}. All other parameters stay as they are, or have their defaults.")
        last = command(stage, asks=not asked.yes)
        print(shlex.join(last), flush=True)
        if asked.dry_run:
            return 0
        if not asked.built and (failed := _run(["scripts/build.sh", stage.architecture])):
            return failed
        check_built(ROOT / FOLDERS[stage.architecture], stage.architecture)
        # What the releases before this one left. Whatever comes of it: a first deployment has none.
        _run([sys.executable, "-m", "scripts.versions", stage.stack, "prune", "--yes"])
        return _run(last)
    except RefusedError as error:
        print(f"Not deployed: {error}", file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dry-run", action="store_true", help="show what would be sent, and send nothing")
    parser.add_argument("--built", action="store_true", help="send what is built already")
    parser.add_argument("--yes", action="store_true", help="do not ask, whatever samconfig.toml says")
    parser.add_argument("stage", help="default, staging or prod")
    parser.add_argument("parameter", nargs="*", help="NAME=VALUE of template.yaml, on top of samconfig.toml")
    return parser


def _defaults() -> dict[str, str]:
    template = yaml_parse((ROOT / "template.yaml").read_text())
    return {name: str(definition.get("Default", "")) for name, definition in template["Parameters"].items()}


def _run(program: Sequence[str]) -> int:
    return subprocess.run(program, cwd=ROOT, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
