"""What can be asked of the command line: areas, actions and options, and the command that each stands for.

A command is named as `module:function` in this package, and imported when it is called: most of them need a store's
client, a catalog or HTTP, each of which takes longer to load than everything here.
"""

from __future__ import annotations

from gateway_core import __version__
from gateway_core.cli import arguments_talk, values
from gateway_core.cli.arguments_keys import add_budgets, add_files, add_keys
from gateway_core.cli.arguments_reports import add_report, add_usage_report
from gateway_core.cli.parsing import Actions, Parser, add_address, add_command, add_json, add_project

_EPILOG = """\
examples:
  gateway keys create --project alpha --name laptop --groups fast,code --day-usd 5
  gateway keys list --project alpha
  gateway budgets set --project alpha --month-usd 100
  gateway plan keys.yaml && gateway apply keys.yaml --secrets-out secrets.jsonl
  gateway ask "Say hello"

which gateway:
  UPSTASH_REDIS_REST_URL, UPSTASH_REDIS_REST_TOKEN   its store; or instead of both
  GATEWAY_URL (or --url)                             its address: keys and budgets by /admin, signed with your AWS
                                                     credentials, or with GATEWAY_DEV_KEY on this machine
  GATEWAY_KEY                                        the virtual key of `ask` and `events tail`
  GATEWAY_CONFIG                                     its documents of configuration, if it has any

output: a table on a terminal; elsewhere, and with --json, one JSON object a line.

exit codes: 0 done, 1 failed or refused, 2 wrong arguments or settings, 3 `plan` found changes,
            4 the store or the gateway does not answer (try again)
"""


def make_parser() -> Parser:
    root = Parser(
        prog="gateway",
        description="Keys, budgets, money in doubt and configuration of an LLM gateway; and questions to it.",
        epilog=_EPILOG,
    )
    root.add_argument("--version", action="version", version=f"gateway {__version__}")
    add_json(root)
    add_address(root, "the gateway to ask, see below")
    root.set_defaults(json=False, url=None, key=None)
    areas = root.add_subparsers(required=True, metavar="AREA", parser_class=Parser)
    add_keys(_area(areas, "keys", "virtual keys"))
    add_budgets(_area(areas, "budgets", "hard limits"))
    add_files(areas)
    _add_usage(_area(areas, "usage", "what was used; money in doubt"))
    add_report(areas)
    _add_store(_area(areas, "store", "several databases"))
    _add_config_check(_area(areas, "config", "documents of configuration"))
    arguments_talk.add_ask(areas)
    arguments_talk.add_events_tail(_area(areas, "events", "what happens"))
    arguments_talk.add_fault(areas)
    return root


def _area(areas: Actions, name: str, text: str) -> Actions:
    return areas.add_parser(name, help=text).add_subparsers(required=True, metavar="ACTION", parser_class=Parser)


def _add_config_check(config: Actions) -> None:
    parser = add_command(config, "check", "checking:config_check", "say whether it is valid, without using it")
    parser.add_argument(
        "sources",
        nargs="?",
        metavar="SOURCE",
        help="a file, s3://bucket/key or appconfig://application/environment/profile, several with commas between them "
        "(default: GATEWAY_CONFIG)",
    )


def _add_usage(usage: Actions) -> None:
    _add_usage_reconcile(usage)
    add_usage_report(usage)
    replay = add_command(
        usage, "replay", "replaying:usage_replay", "settle what the log or a backlog says was not settled"
    )
    replay.add_argument(
        "sources",
        nargs="*",
        metavar="SOURCE",
        help="a file of log lines, - for standard input, or a backlog's folder (default: GATEWAY_BACKLOG)",
    )


def _add_usage_reconcile(usage: Actions) -> None:
    parser = add_command(usage, "reconcile", "holds:usage_reconcile", "list what is held, or release it", of_desk=True)
    add_project(parser, of="all")
    parser.add_argument(
        "--month", type=values.month, metavar="YYYYMM", help="of the request, in UTC (default: this one and the last)"
    )
    parser.add_argument("--state", choices=("open", "unconfirmed", "estimated"), help="(default: what is held)")
    parser.add_argument("--older-than", type=values.age, default=0, metavar="TIME", help="90m, 2h, 3d")
    parser.add_argument(
        "--release",
        type=values.hold,
        nargs="?",
        const=values.ALL,
        metavar="REQUEST.ATTEMPT",
        help="no longer hold money for it; without a name for all that are selected and that nobody works on",
    )
    parser.add_argument(
        "--charge",
        type=values.charge,
        metavar="known|bound|USD",
        help="spend for each, beside what is charged already: nothing, all that is held, or this",
    )
    parser.add_argument("--charge-usd", type=values.usd, default=0, metavar="X", help="spend this instead (default: 0)")
    parser.add_argument("--charge-tokens", type=values.count, default=0, metavar="N")
    parser.add_argument("--dry-run", action="store_true", help="show what --release would do")


def _add_store(store: Actions) -> None:
    where = add_command(store, "where", "moving:store_where", "which database is to have a project, and which has it")
    add_project(where, of="all")
    move = add_command(store, "move", "moving:store_move", "bring a project to the database that is configured for it")
    add_project(move, of="all that are elsewhere")
