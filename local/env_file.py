"""Reads `.env`: lines of NAME=value, as Docker Compose takes them, so that one file serves both ways to run."""

from __future__ import annotations

import re
from pathlib import Path

from local.environment import StackError

_LINE = re.compile(r"(?:export\s+)?(?P<name>[A-Za-z_]\w*)=(?P<value>.*)")
_QUOTED = re.compile(r"(['\"])(?P<inner>.*)\1(?:\s+#.*)?")
_COMMENT = re.compile(r"(^|\s+)#.*")


def read_env_file(path: Path) -> dict[str, str]:
    """The variables in it, quotes and comments taken off. Raises StackError for a line that sets none."""
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise StackError(f"cannot read {path}: {type(error).__name__}.") from error
    found: dict[str, str] = {}
    for number, line in enumerate(map(str.strip, lines), 1):
        if not line or line.startswith("#"):
            continue
        parts = _LINE.fullmatch(line)
        if not parts:  # what stands there may be a secret
            raise StackError(f"{path}, line {number}: is no NAME=value. Correct it, or begin it with #.")
        found[parts["name"]] = _value(parts["value"].strip())
    return found


def _value(text: str) -> str:
    quoted = _QUOTED.fullmatch(text)
    return quoted["inner"] if quoted else _COMMENT.sub("", text)
