"""The command line `gateway`: keys, budgets and holds of the store that the environment names, and configuration.

Prints one JSON object a line. Exits with 2, and a sentence on stderr, when something is wrong; 1 if nobody reads it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
from collections.abc import Mapping, Sequence

from gateway_core.access.administration import Administration, Line
from gateway_core.adapters.clock import SystemClock
from gateway_core.adapters.config_sources import open_sources
from gateway_core.cli.arguments import make_parser
from gateway_core.cli.commands import Command
from gateway_core.cli.moving import misplaced, store_move, store_where
from gateway_core.cli.opening import open_store
from gateway_core.cli.replaying import usage_replay
from gateway_core.cli.reporting import month_report, usage_report
from gateway_core.config.check import check_config
from gateway_core.config.environment import documents_named, naming
from gateway_core.domain.errors import LLMError

_WITHOUT_ADMINISTRATION = (usage_replay, store_where, store_move, usage_report, month_report)


def main(argv: Sequence[str] | None = None, environ: Mapping[str, str] | None = None) -> int:
    """Run one command; 0, or 2 after an error. Wrong arguments leave by SystemExit(2), as argparse does."""
    options = make_parser().parse_args(argv)
    try:
        lines = _lines(options, os.environ if environ is None else environ)
    except LLMError as error:
        print(f"gateway: {error.message}{_aside(error.detail)}", file=sys.stderr)
        return 2
    return _print(lines)


def _print(lines: Sequence[Line]) -> int:
    try:
        for line in lines:
            print(json.dumps(line, ensure_ascii=False))
        sys.stdout.flush()
    except BrokenPipeError:  # as with `| head`; what is buffered must not be tried again at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return 0


def _lines(options: argparse.Namespace, environ: Mapping[str, str]) -> list[Line]:
    if options.command is check_config:
        named = documents_named(environ) if options.sources is None else options.sources
        checked = check_config(open_sources(named), environ)
        return [{**checked, **asyncio.run(misplaced(naming(environ, named)))}]
    if options.command in _WITHOUT_ADMINISTRATION:
        return asyncio.run(options.command(options, environ))
    return asyncio.run(_run(options, environ))


async def _run(options: argparse.Namespace, environ: Mapping[str, str]) -> list[Line]:
    store = open_store(environ)
    command: Command = options.command
    try:
        return await command(Administration(store, SystemClock()), options)
    finally:
        await store.close()


def _aside(detail: str) -> str:
    return f" ({detail})" if detail else ""
