"""The options of what talks with a running gateway, and with the providers that it simulates."""

from __future__ import annotations

import argparse

from gateway_core.cli import values
from gateway_core.cli.parsing import Actions, add_address, add_command, add_project

_URL = "the gateway (default: GATEWAY_URL, else http://127.0.0.1:8787)"


def add_ask(areas: Actions) -> None:
    parser = add_command(
        areas, "ask", "asking:ask", "one question to a model; its answer as it comes, its cost on stderr"
    )
    parser.add_argument("prompt", metavar="PROMPT", help="- for standard input")
    add_address(parser, _URL)
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--group", metavar="NAME", help="a model group (default: the gateway's)")
    which.add_argument("--model", metavar="NAME", help="a model, and no other")
    parser.add_argument("--system", metavar="TEXT", help="what comes before the question")
    parser.add_argument("--max-tokens", type=values.rate, metavar="N")
    add_project(parser, of="the key's own")


def add_events_tail(events: Actions) -> None:
    parser = add_command(events, "tail", "tailing:tail", "events as they happen, until Ctrl-C")
    add_address(parser, _URL)
    parser.add_argument("--type", type=values.names, default=(), metavar="A,B", help="these alone, like breaker.opened")
    parser.add_argument("--all", action="store_true", help="first those that the gateway still has")
    parser.add_argument("--count", type=values.rate, metavar="N", help="end after so many")


def add_fault(areas: Actions) -> None:
    parser = add_command(areas, "fault", "faults:fault", "let a simulated provider of `make run` fail")
    parser.add_argument("provider", nargs="?", metavar="PROVIDER", help="anthropic, deepseek, gemini or openai")
    parser.add_argument("kind", nargs="?", metavar="KIND", help="such as server_error, rate_limit, timeout, cut")
    parser.add_argument("--model", metavar="NAME", help="of this model alone, by the provider's name for it")
    parser.add_argument("--times", type=values.rate, metavar="N", help="so many calls (default: until cleared)")
    parser.add_argument(
        "--set", type=values.setting, action="append", default=[], metavar="NAME=VALUE", help="such as retry_after=7"
    )
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--list", action="store_true", help="what is set")
    what.add_argument("--clear", action="store_true", help="let all be well")
    parser.add_argument(
        "--url",
        metavar="URL",
        default=argparse.SUPPRESS,
        help="the simulator (default: http://127.0.0.1, at LOCAL_PROVIDERS_PORT, else 8789)",
    )
    parser.set_defaults(over_http=True)
