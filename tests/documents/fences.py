"""Blocks of code in the documents, and the commands in those of the shell."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PATTERNS = ("*.md", "docs/**/*.md", "benchmarks/**/*.md", "functions/**/*.md", "layers/**/*.md", "local/**/*.md")
SHELL = ("sh", "bash")
_FENCE = re.compile(r"^( *)```([\w-]*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"`([^`]+)`")
_SET = re.compile(r"^(?:export )?[A-Za-z_]\w*=")
_WORDS = ("until", "for", "do", "done")


@dataclass(frozen=True, slots=True)
class Fence:
    """A block of code: `line` is that of its first fence, `before` the last line of text above it."""

    page: str
    line: int
    language: str
    code: str
    before: str = ""

    @property
    def name(self) -> str:
        """Where it is."""
        return f"{self.page}:{self.line}"

    @property
    def commands(self) -> tuple[str, ...]:
        """Its lines as the shell reads them: continued ones whole, without comments."""
        joined = self.code.replace("\\\n", " ")
        return tuple(line for line in map(str.strip, _whole(joined)) if line and not line.startswith("#"))


def _whole(code: str) -> Iterator[str]:
    """Lines, put together while a quote or `$(` of theirs is open."""
    line = ""
    for part in code.splitlines():
        line = f"{line}\n{part}" if line else part
        if line.lstrip().startswith("#") or _is_closed(line):
            yield line
            line = ""
    if line:
        yield line


def _is_closed(line: str) -> bool:
    try:
        shlex.split(line, comments=True)
    except ValueError:
        return False
    return line.count("$(") <= line.count(")")


def program_of(command: str) -> str:
    """What it starts, behind the variables that it sets; empty where it only sets some."""
    words = [word for word in command.split() if word not in _WORDS]
    while words and _SET.match(words[0]) and not words[0].split("=", 1)[1].startswith(("$(", "'", '"')):
        words = words[1:]
    if words and words[0] == "export":
        return "export"
    if words and (inner := re.match(r"\w+=\"?\$\(([\w./-]+)", words[0])):
        return inner[1]
    return words[0] if words and not _SET.match(words[0]) else ""


@cache
def pages() -> tuple[Path, ...]:
    """All documents of the repository."""
    return tuple(sorted({path for pattern in PATTERNS for path in ROOT.glob(pattern)}))


@cache
def fences() -> tuple[Fence, ...]:
    """All blocks of all pages, in order; the indentation of a list that they stand in is taken off."""
    return tuple(fence for page in pages() for fence in of_page(page))


def of_page(path: Path) -> Iterator[Fence]:
    """Those of one page."""
    text = path.read_text("utf-8")
    for found in _FENCE.finditer(text):
        above = text[: found.start()].rstrip().rpartition("\n")[2]
        code = "".join(line.removeprefix(found[1]) for line in found[3].splitlines(keepends=True))
        line = text.count("\n", 0, found.start()) + 1
        yield Fence(path.relative_to(ROOT).as_posix(), line, found[2], code, above)


def inline(path: Path) -> list[str]:
    """What stands in code within the text of a page, as one line each."""
    prose = _FENCE.sub("", path.read_text("utf-8"))
    return [" ".join(code.split()) for code in _INLINE.findall(prose)]
