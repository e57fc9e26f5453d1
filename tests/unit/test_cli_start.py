"""What the command line loads before it knows what is asked, and that each command is there."""

import argparse
import os
import subprocess
import sys
from pathlib import Path

import pytest

from gateway_core import __version__
from gateway_core.cli.arguments import make_parser
from gateway_core.cli.main import command_of, main
from gateway_core.cli.parsing import Parser

CORE = Path(__file__).parents[2] / "layers/gateway_core/src"
PROGRAM = """
import sys
from gateway_core.cli.main import main
try:
    main()
except SystemExit:
    print(*sorted(sys.modules), file=sys.stderr)
"""
OURS = {
    "", ".access", ".access.given_values",
    ".cli", ".cli.answers", ".cli.arguments", ".cli.arguments_keys", ".cli.arguments_reports",
    ".cli.arguments_talk", ".cli.main", ".cli.output", ".cli.parsing", ".cli.values", ".domain", ".domain.answer",
    ".domain.caller", ".domain.chat", ".domain.errors", ".domain.model_rules", ".domain.prices", ".domain.rates",
    ".domain.result", ".domain.times", ".store", ".store.budget", ".store.changes", ".store.messages",
    ".store.records", ".store.soundness", ".store.virtual_keys",
}  # fmt: skip
"""Modules of `gateway_core` that every command starts with: none of a store, a catalog or HTTP."""
HEAVY = {
    "asyncio",
    "boto3",
    "botocore",
    "http.client",
    "httpx",
    "logging.handlers",
    "pydantic",
    "ssl",
    "upstash_redis",
    "yaml",
}


def commands(parser, path=()):
    """Each command by its words, with what it names as its function."""
    below = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    if not below:
        yield " ".join(path), parser.get_default("command")
    for action in below:
        for name, each in action.choices.items():
            yield from commands(each, (*path, name))


@pytest.mark.parametrize("words", ["--version", "keys list --help"])
def test_a_start_loads_little(words):
    """Seven tenths of a second of CPU were the start of any command, before it did anything."""
    command = (sys.executable, "-c", PROGRAM, *words.split())
    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": str(CORE)}
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    assert done.stdout
    loaded = set(done.stderr.split())
    assert HEAVY & loaded == set()
    ours = {name.removeprefix("gateway_core") for name in loaded if name.partition(".")[0] == "gateway_core"}
    assert ours == OURS


@pytest.mark.parametrize(("words", "named"), sorted(commands(make_parser())))
def test_each_command_is_there(words, named):
    """They are named by texts, and imported when they are called."""
    assert callable(command_of(named)), words


def test_the_version_is_told(capsys):
    """As `gateway 1.2.3`, with 0."""
    with pytest.raises(SystemExit) as leaving:
        main(["--version"])
    assert (leaving.value.code, capsys.readouterr().out) == (0, f"gateway {__version__}\n")


@pytest.mark.parametrize(
    "words",
    ["keys revoke gk_alpha_secret", "keys list --project alpha gk_alpha_secret", "ask hi --key gk_alpha_secret"],
)
def test_a_key_among_the_arguments_is_refused_and_not_repeated(words, capsys):
    """It is in the list of processes already; a log of stderr is not to have it, too."""
    with pytest.raises(SystemExit) as leaving:
        main(words.split())
    assert leaving.value.code == 2
    assert "secret" not in capsys.readouterr().err.replace("keep it secret", "")


def test_options_of_all_commands_may_stand_before_them(capsys):
    """What stands behind wins; where the store itself is needed, an address is refused."""
    parse = make_parser().parse_args
    before = parse(["--url", "http://a.example", "--key", "ADMIN", "--json", "keys", "list", "--project", "alpha"])
    assert (before.url, before.key, before.json) == ("http://a.example", "ADMIN", True)
    assert (
        parse(["--url", "http://a.example", "keys", "list", "--project", "alpha", "--url", "http://b.example"]).url[7]
        == "b"
    )
    bare = parse(["store", "where"])
    assert (bare.url, bare.key, bare.json) == (None, None, False)
    assert main(["--url", "http://a.example", "store", "where"], {}) == 2
    assert "works on the store itself" in capsys.readouterr().err


def test_help_has_examples_variables_and_exit_codes():
    """What a newcomer looks for."""
    told = make_parser().format_help()
    assert isinstance(make_parser(), Parser)
    for text in ("gateway keys create --project", "UPSTASH_REDIS_REST_TOKEN", "GATEWAY_URL", "exit codes: 0 done, 1"):
        assert text in told
