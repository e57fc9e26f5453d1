"""Long lists: printed page by page where a program reads them. A table has to know all of its rows first."""

from __future__ import annotations

import argparse
import sys
from collections.abc import AsyncIterator
from dataclasses import replace

from gateway_core.cli.answers import Answer, Line
from gateway_core.cli.output import json_line


async def listed(options: argparse.Namespace, pages: AsyncIterator[list[Line]], table: Answer) -> Answer:
    """`table` without its lines where they are printed already, else with them; it says how they are shown."""
    if sys.stdout.isatty() and not options.json:
        return replace(table, lines=await gathered(pages))
    is_empty = True
    async for page in pages:
        for line in page:
            print(json_line(line))
            is_empty = False
        sys.stdout.flush()
    return Answer(empty=table.empty if is_empty else "")


async def gathered(pages: AsyncIterator[list[Line]]) -> list[Line]:
    """The lines of all pages."""
    return [line async for page in pages for line in page]
