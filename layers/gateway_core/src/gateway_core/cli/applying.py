"""`gateway plan` and `gateway apply`: keys and budgets as a file says."""

from __future__ import annotations

import argparse
import json
import os
import stat
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from gateway_core.cli.answers import Answer, Exit, GatewayRefused, Line, UsageError
from gateway_core.cli.desk import Desk, opened_desk
from gateway_core.cli.keys_file import WantedProject, read_keys_file
from gateway_core.cli.opening import known_names
from gateway_core.cli.output import json_line, shown
from gateway_core.cli.planning import Step, steps
from gateway_core.cli.streaming import gathered
from gateway_core.config.client_environment import address
from gateway_core.domain.errors import UnknownProject

_NOTHING = "nothing to do: keys and budgets are as the file says"
_OTHERS = 0o077


async def plan(options: argparse.Namespace, environ: Mapping[str, str]) -> Answer:
    """What `apply` would do, one line a step."""
    wanted = _read(options, environ)
    async with opened_desk(options, environ) as desk:
        lines = [step.line() for step in await _steps(desk, wanted, prune=options.prune)]
    text = "\n".join(_told(line) for line in lines)
    return Answer(lines, text=text, empty=_NOTHING, code=Exit.CHANGES if lines else Exit.OK)


async def apply(options: argparse.Namespace, environ: Mapping[str, str]) -> Answer:
    """Do it, one step after the other, each printed when it is done: a secret that was made is not lost."""
    wanted = _read(options, environ)
    terminal = sys.stdout.isatty() and not options.json
    async with opened_desk(options, environ) as desk:
        found = await _steps(desk, wanted, prune=options.prune)
        with _opened(options.secrets_out if any(step.grant for step in found) else None) as secrets:
            for step in found:
                line = await _done(desk, step, secrets)
                print(_told(line) if terminal else json_line(line), flush=True)
    return Answer(empty="" if found else _NOTHING)


def _read(options: argparse.Namespace, environ: Mapping[str, str]) -> tuple[WantedProject, ...]:
    """Raises UsageError. A gateway that is asked by its address knows by itself which names there are."""
    source = "standard input" if options.file == "-" else options.file
    if options.file == options.key == "-":
        raise UsageError("Standard input cannot be the file and the key. Name the variable that holds the key.")
    try:
        text = sys.stdin.read() if options.file == "-" else Path(options.file).read_text("utf-8")
    except OSError as error:
        raise UsageError(f"{source}: cannot be read: {error.strerror}.") from None
    except ValueError:
        raise UsageError(f"{source}: is no UTF-8 text.") from None
    is_remote = address(environ, options.url) is not None
    return read_keys_file(text, source, (lambda _rights: None) if is_remote else known_names(environ).check)


async def _steps(desk: Desk, wanted: Sequence[WantedProject], *, prune: bool) -> list[Step]:
    found: list[Step] = []
    for project in wanted:
        keys = await gathered(desk.key_pages(project.project_id)) if project.keys or prune else []
        budgets = await _budgets(desk, project.project_id) if project.budgets else []
        found += steps(project, keys, budgets, prune=prune)
    return found


async def _budgets(desk: Desk, project_id: str) -> list[Line]:
    """None of a project that only begins."""
    try:
        return await gathered(desk.budget_pages(project_id, None))
    except UnknownProject:
        return []
    except GatewayRefused as error:
        if error.says == UnknownProject.code:
            return []
        raise


async def _done(desk: Desk, step: Step, secrets: TextIO | None) -> Line:
    """The step's line, with the secret of a key that was made, unless that went into the file."""
    line = step.line()
    if step.grant:
        made = await desk.create_key(step.grant)
        line |= made
        if secrets:
            _keep(secrets, {"project": step.project_id, "name": step.subject, **made})
            line.pop("key")
    elif step.action == "update":
        await desk.update_key(step.key_id, step.rights, step.limits)
    elif step.action == "revoke":
        await desk.revoke_key(step.key_id)
    else:
        await desk.set_budget(step.project_id, step.subject, step.limits)
    return line


def _keep(secrets: TextIO, made: Line) -> None:
    """On the disk before anything else happens: it is told once."""
    secrets.write(f"{json.dumps(made)}\n")
    secrets.flush()
    os.fsync(secrets.fileno())


@contextmanager
def _opened(path: str | None) -> Iterator[TextIO | None]:
    """The file of secrets, for its owner alone; new ones are added. Raises UsageError before anything is made."""
    if path is None:
        yield None
        return
    try:
        number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise UsageError(f"{path}: cannot be written: {error.strerror}.") from None
    with os.fdopen(number, "a", encoding="utf-8") as file:
        if stat.S_IMODE(os.fstat(number).st_mode) & _OTHERS:
            raise UsageError(f"{path}: others may read it. Say `chmod 600 {path}`, or name a new file.")
        yield file


def _told(line: Line) -> str:
    """A step in one line: `+` made, `~` changed, `-` revoked."""
    sign = {"create": "+", "revoke": "-"}.get(str(line["action"]), "~")
    if line["kind"] == "key":
        what = f"key {shown(line['name'])} of {line['project']}"
    else:
        what = f"budget of {line['project']}" + (f", user {shown(line['user'])}" if line["user"] else "")
    changes = line.get("changes")
    pairs = changes.items() if isinstance(changes, dict) else ()
    told = ", ".join(f"{name}: {shown(now)} -> {shown(then)}" for name, (now, then) in pairs)
    return "  ".join(str(part) for part in (sign, what, line.get("id"), told, line.get("key")) if part)
