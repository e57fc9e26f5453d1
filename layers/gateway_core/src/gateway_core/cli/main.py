"""The command line `gateway`: keys, budgets and money in doubt, configuration, and questions to a running gateway.

Prints one JSON object a line, or on a terminal a table. What goes wrong is a sentence on stderr, and the exit code says
of which kind it is, see `answers.Exit`.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from importlib import import_module

from gateway_core.cli.answers import Answer, CommandError, Exit
from gateway_core.cli.arguments import make_parser
from gateway_core.cli.output import harmless, rendered
from gateway_core.domain.errors import ConfigError, InvalidRequest, LLMError, StoreUnavailable, StoreUnreadable

type Command = Callable[[argparse.Namespace, Mapping[str, str]], Awaitable[Answer]]
_WRONG_TOKEN = "WRONGPASS"  # noqa: S105 - how Redis says it
_OF_SEVERAL = "database "
"""How a detail begins that says which of several databases it was: see `adapters.spread`."""
_INTERRUPTED = 130
"""As shells have it for Ctrl-C."""


def main(argv: Sequence[str] | None = None, environ: Mapping[str, str] | None = None) -> int:
    """Run one command and give its exit code. Wrong arguments leave by SystemExit(2), as argparse does."""
    options = make_parser().parse_args(argv)
    environ = os.environ if environ is None else environ
    if options.url and not options.over_http:
        return _fail("This command works on the store itself, and not over HTTP. Leave --url out.", Exit.USAGE)
    try:
        return _print(_answer(options, environ), as_json=options.json)
    except BrokenPipeError:  # as with `| head`; what is buffered must not be tried again at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.FAILED
    except KeyboardInterrupt:
        return _INTERRUPTED
    except CommandError as error:
        return _fail(str(error), error.code)
    except LLMError as error:
        return _fail(f"{_said(error, environ)}{_aside(error.detail)}", _code_of(error))


def command_of(named: str) -> Command:
    """The function that `module:function` names, of this package."""
    module, _, function = named.partition(":")
    command: Command = getattr(import_module(f"gateway_core.cli.{module}"), function)
    return command


def _answer(options: argparse.Namespace, environ: Mapping[str, str]) -> Answer:
    import asyncio  # noqa: PLC0415 - half of what a start takes, and help needs none of it

    return asyncio.run(_awaited(command_of(options.command)(options, environ)))


async def _awaited(answer: Awaitable[Answer]) -> Answer:
    return await answer


def _print(answer: Answer, *, as_json: bool) -> int:
    terminal = sys.stdout.isatty() and not as_json
    for text in rendered(answer, terminal=terminal):
        print(text)
    sys.stdout.flush()
    for note in (*answer.notes, *([answer.empty] if answer.empty and not answer.lines else [])):
        print(harmless(note), file=sys.stderr)
    return answer.code


def _fail(message: str, code: int) -> int:
    print(f"gateway: {harmless(message)}", file=sys.stderr)
    return code


def _code_of(error: LLMError) -> Exit:
    if isinstance(error, ConfigError | InvalidRequest) or _is_locked(error):
        return Exit.USAGE
    is_away = isinstance(error, StoreUnavailable) and not isinstance(error, StoreUnreadable)
    return Exit.AWAY if is_away else Exit.FAILED


def _said(error: LLMError, environ: Mapping[str, str]) -> str:
    """What callers of the gateway are told, where the operator who asks here needs to know no more."""
    if _is_locked(error):
        return "The store refuses the token: correct UPSTASH_REDIS_REST_TOKEN."
    if type(error) is not StoreUnavailable or error.detail.startswith(_OF_SEVERAL):
        return error.message
    from gateway_core.config.environment import StoreSettings  # noqa: PLC0415 - no start needs it

    store = StoreSettings.from_env(environ)
    return f"The gateway's store at {store.url} does not answer." if store else error.message


def _is_locked(error: LLMError) -> bool:
    return isinstance(error, StoreUnavailable) and _WRONG_TOKEN in error.detail


def _aside(detail: str) -> str:
    return f" ({detail})" if detail else ""
