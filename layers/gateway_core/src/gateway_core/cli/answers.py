"""What a command answers, what can go wrong with it, and the exit code of either."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import IntEnum

type Line = dict[str, object]
_WRONG = (400, 422)
_PASSING = (429, 502, 503, 504)
"""Statuses after which asking again may help."""


def _as_is(line: Line) -> Line:
    return line


class Exit(IntEnum):
    """The exit codes, as `gateway --help` and docs/cli.md list them."""

    OK = 0
    FAILED = 1
    USAGE = 2
    CHANGES = 3
    AWAY = 4


@dataclass(frozen=True, slots=True)
class Answer:
    """One JSON object a line; on a terminal a table of `columns`, or without them one value a line.

    `empty` is said on stderr where there is no line, `notes` are said there in any case; `text` is printed on a
    terminal in the place of all lines. `row` makes of a line what the table has of it.
    """

    lines: Sequence[Line] = ()
    columns: Sequence[str] = ()
    empty: str = ""
    notes: Sequence[str] = ()
    text: str = ""
    row: Callable[[Line], Line] = _as_is
    code: Exit = Exit.OK


@dataclass(frozen=True, slots=True)
class HoldLines:
    """A line a hold, the sums of all that were selected, and how many of these have no line here."""

    lines: Sequence[Line]
    sums: Line
    left_off: int = 0


class CommandError(Exception):
    """A sentence for who called the command, and the exit code."""

    code: Exit = Exit.FAILED


class UsageError(CommandError):
    """What was asked for makes no sense, and nothing was done."""

    code = Exit.USAGE


class GatewayAway(CommandError):
    """The gateway or the simulator does not answer: asking again may help."""

    code = Exit.AWAY


class GatewayRefused(CommandError):
    """It answered with this HTTP status, and its reason; `says` is its error code, if it gave one."""

    def __init__(self, message: str, status: int, says: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.says = says
        self.code = Exit.AWAY if status in _PASSING else Exit.USAGE if status in _WRONG else Exit.FAILED
