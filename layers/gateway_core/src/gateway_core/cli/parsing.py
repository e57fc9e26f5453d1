"""What all parsers of the command line have in common."""

from __future__ import annotations

import argparse
import re
from typing import NoReturn, override

from gateway_core.cli import values

_SECRET = re.compile(r"gk_[a-z0-9-]{1,32}_\S+")
type Actions = argparse._SubParsersAction[Parser]  # noqa: SLF001 - it has no other name


class Parser(argparse.ArgumentParser):
    """Shows examples as they are written, and repeats no virtual key where it says what is wrong."""

    def __init__(self, **options: object) -> None:
        super().__init__(**{"formatter_class": argparse.RawDescriptionHelpFormatter, **options})  # type: ignore[arg-type]

    @override
    def error(self, message: str) -> NoReturn:
        super().error(_SECRET.sub("gk_...", message))


def add_command(actions: Actions, name: str, command: str, text: str, *, of_desk: bool = False) -> Parser:
    """A command by its name, and `module:function` of what it does, which is imported when it is called.

    `of_desk`: it also works over HTTP.
    """
    parser = actions.add_parser(name, help=text, description=f"{text[:1].upper()}{text[1:]}.")
    parser.set_defaults(command=command, over_http=False)
    add_json(parser)
    if of_desk:
        add_address(parser, "ask this gateway by its /admin routes instead of the store (default: GATEWAY_URL)")
    return parser


def add_json(parser: argparse.ArgumentParser) -> None:
    """It may stand before the command as well, and then nothing behind it says otherwise."""
    parser.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help="JSON lines, also on a terminal")


def add_address(parser: argparse.ArgumentParser, text: str) -> None:
    """Which gateway, and whose key. They may stand before the command, too."""
    parser.set_defaults(over_http=True)
    parser.add_argument("--url", metavar="URL", default=argparse.SUPPRESS, help=text)
    parser.add_argument(
        "--key",
        type=values.key_source,
        default=argparse.SUPPRESS,
        metavar="VARIABLE",
        help="the environment variable that holds the key, or - for standard input; never the key itself, which "
        "everybody on this machine could read in the list of processes",
    )


def add_project(parser: argparse.ArgumentParser, of: str = "") -> None:
    """`of`: which projects are meant if none is named; one has to be if it is empty."""
    more = f" (default: {of})" if of else ""
    parser.add_argument(
        "--project", type=values.project, required=not of, metavar="ID", help=f"a-z, 0-9 and -, up to 32{more}"
    )
