"""How answers look: JSON lines for programs, tables for who looks at a terminal."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence

from gateway_core.cli.answers import Answer, Line

_GAP = "  "
_NOTHING = "-"
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
_TALK_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_NUMBER = re.compile(r"-?[0-9][0-9.]*%?")


def rendered(answer: Answer, *, terminal: bool) -> Iterator[str]:
    """The lines to print."""
    if not terminal:
        yield from map(json_line, answer.lines)
    elif answer.text:
        yield from answer.text.splitlines()
    elif answer.columns:
        yield from table([answer.row(line) for line in answer.lines], answer.columns)
    else:
        yield from (text for line in answer.lines for text in card(line))


def json_line(line: Mapping[str, object]) -> str:
    """What would steer a terminal is escaped, as JSON does with some of it."""
    return _CONTROLS.sub(_escaped, json.dumps(line, ensure_ascii=False))


def table(lines: Sequence[Mapping[str, object]], columns: Sequence[str]) -> Iterator[str]:
    """A head and a row for each line; columns in which there is nothing are left out, numbers stand to the right."""
    cells = {name: [shown(line.get(name)) for line in lines] for name in columns}
    kept = [name for name in columns if any(cell != _NOTHING for cell in cells[name])]
    if not lines:
        return
    widths = {name: max(len(name), *map(len, cells[name])) for name in kept}
    right = {name: all(cell == _NOTHING or _NUMBER.fullmatch(cell) for cell in cells[name]) for name in kept}
    for row in ([name.upper() for name in kept], *zip(*(cells[name] for name in kept), strict=True)):
        padded = (
            cell.rjust(widths[name]) if right[name] else cell.ljust(widths[name])
            for name, cell in zip(kept, row, strict=True)
        )
        yield _GAP.join(padded).rstrip()


def card(line: Line) -> Iterator[str]:
    """One value a line, each behind its name; what is not set is left out."""
    named = {name: shown(value) for name, value in line.items() if value not in (None, "", [], {})}
    width = max(map(len, named), default=0)
    yield from (f"{name.ljust(width)}{_GAP}{value}" for name, value in named.items())


def shown(value: object) -> str:
    """A value in one line, `-` for none. Characters that could steer the terminal are shown as their numbers."""
    match value:
        case None | "" | []:
            return _NOTHING
        case bool():
            return "yes" if value else "no"
        case list() | tuple():
            return ",".join(map(shown, value))
        case dict():
            return " ".join(f"{shown(name)}={shown(each)}" for name, each in value.items()) or _NOTHING
    return _CONTROLS.sub(_escaped, str(value))


def harmless(text: str) -> str:
    """A model's words as a terminal may have them: without what could steer it, but with tabs and ends of lines."""
    return _TALK_CONTROLS.sub("", text)


def _escaped(found: re.Match[str]) -> str:
    return f"\\u{ord(found[0]):04x}"
