"""Commands in the documents, and what these say that they print."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_HERE = re.compile(r"\$GATEWAY/|127\.0\.0\.1:878\d|localhost:878\d|^\s*\.venv/bin/gateway ", re.MULTILINE)
_SAME = frozenset({"code", "outcome", "error_code", "provider", "model"})
"""Members of answers whose value is compared; of others, that they are there."""
_CUT = "..."
PAGES = (
    "README.md",
    "docs/api.md",
    "docs/budgets.md",
    "docs/caching.md",
    "docs/cli.md",
    "docs/clients/README.md",
    "docs/cost.md",
    "docs/dashboard.md",
    "docs/health.md",
    "docs/models.md",
    "docs/observability.md",
    "docs/operations.md",
    "docs/providers.md",
    "docs/reports.md",
    "docs/responses.md",
)
"""Those whose commands are for `make run`; `test_ask.py` and its neighbours run docs/ask.md, but for its scripts."""
ENDLESS = "/v1/events"
HOLD = "REQUEST.ATTEMPT"
"""The name of something that has to be held first: test_holds_page.py sees to that."""
NOT_RUN = "(not run by tests) -->"
"""Ends a comment before a block, which says what it needs."""


@dataclass(frozen=True, slots=True)
class Block:
    """A block of commands or a program, and the block that shows its output; empty where none follows at once."""

    page: str
    number: int
    language: str
    code: str
    output: str = ""
    output_form: str = ""

    @property
    def is_for_make_run(self) -> bool:
        """Whether it speaks with what `make run` has started."""
        return self.language == "sh" and bool(_HERE.search(self.code)) and "make run" not in self.code


def blocks(page: str) -> Iterator[Block]:
    """Those of a page, in order."""
    text = (ROOT / page).read_text("utf-8")
    found = list(_BLOCK.finditer(text))
    for number, match in enumerate(found):
        if match[1] not in ("sh", "python") or text[: match.start()].rstrip().endswith(NOT_RUN):
            continue
        after = found[number + 1] if number + 1 < len(found) else None
        is_output = bool(after and after[1] in ("json", "text") and text[match.end() : after.start()].count("\n") <= 2)
        shown = (after[2], after[1]) if after and is_output else ("", "")
        yield Block(page, number, match[1], match[2], *shown)


def missing(block: Block, printed: str) -> list[str]:
    """What the page shows and the output does not have."""
    if block.output_form == "json":
        return [f"{place}: not as shown" for place in _differences(json.loads(block.output), _last_json(printed), "")]
    lines = [line.partition(_CUT)[0] for line in block.output.splitlines()]
    there = printed.splitlines()
    return [line for line in lines if line and not any(other.startswith(line) for other in there)]


def _last_json(printed: str) -> Any:
    """The last of the objects that stand behind each other."""
    decoder, place, found = json.JSONDecoder(), printed.find("{"), None
    while place >= 0:
        found, end = decoder.raw_decode(printed, place)
        place = printed.find("{", end)
    return found


def _differences(shown: Any, found: Any, place: str) -> Iterator[str]:
    """Members are there, in lists of as many; values of some are the same, texts end at `...`."""
    if isinstance(shown, dict):
        for name, value in shown.items():
            inner = found.get(name) if isinstance(found, Mapping) else None
            if inner != value and (inner is None or name in _SAME):
                yield f"{place}.{name}"
            yield from _differences(value, inner, f"{place}.{name}")
    elif isinstance(shown, list):
        if not isinstance(found, list) or len(found) != len(shown):
            yield place
            return
        for number, (one, other) in enumerate(zip(shown, found, strict=True)):
            yield from _differences(one, other, f"{place}.{number}")
    elif isinstance(shown, str) and _CUT in shown and not str(found).startswith(shown.partition(_CUT)[0]):
        yield place


def commands() -> list[Block]:
    """What the pages say to type beside `make run`."""
    found = [block for page in PAGES for block in blocks(page) if block.is_for_make_run]
    found = [block for block in found if ENDLESS not in block.code and HOLD not in block.code]
    return found + [block for block in blocks("docs/ask.md") if "scripts/" in block.code]


def programs() -> list[Block]:
    """Whole ones in Python, which print an answer."""
    return [block for block in blocks("README.md") if block.language == "python"]


def fragments() -> list[Block]:
    """Lines of Python that go on from a client which is there."""
    pages = ("docs/caching.md", "docs/responses.md")
    return [block for page in pages for block in blocks(page) if block.language == "python"]
