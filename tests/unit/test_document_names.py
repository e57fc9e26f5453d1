"""Names in the documents' code are of something that there is: variables, targets' arguments, commands of `gateway`."""

import re
from functools import cache

import pytest

from gateway_core.cli.main import main
from tests.documents.fences import ROOT, SHELL, fences, inline, pages

VARIABLE = re.compile(r"(?<![\w./{$-])([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)(?![\w./{*-])")
SOURCES = ("functions", "layers", "local", "scripts", ".github", ".ci", "benchmarks")
KINDS = ("*.py", "*.sh", "*.yml", "*.yaml", "*.lua", "*.html", "*.js", "run", "long")
MADE = re.compile(
    r"^[A-Z0-9_]+_(API_KEY|API_BASE)$|^(UPSTASH_REDIS_REST_(URL|TOKEN)|GATEWAY_STORE_PROJECTS)_[A-Z0-9]+$"
)
"""Made from a provider's or a database's name."""
OF_OTHERS = frozenset(
    {
        *("AWS_IAM", "AWS_LAMBDA_EXEC_WRAPPER", "AWS_LWA_INVOKE_MODE", "TIMED_OUT"),  # Lambda's
        *("ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_BASE_URL", "ANTHROPIC_DEFAULT_OPUS_MODEL", "ANTHROPIC_MODEL"),
        *("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "CLAUDE_CODE_MAX_CONTEXT_TOKENS"),
        *("CLAUDE_CODE_MAX_OUTPUT_TOKENS", "ENABLE_FORWARD_USER_INFO_HEADERS", "OPENAI_API_BASE_URL"),  # clients'
        *("DURABLE_EXECUTIONS_EXTERNAL_EMULATOR_PORT", "OTEL_TRACES_SAMPLER"),  # SAM's, OpenTelemetry's
        *("DEAD_LETTERS_ARN", "SPENT_MONTH", "SPENT_TODAY"),  # to be replaced, and columns of a table
    }
)
COMMAND = re.compile(r"(?:^|[\s|(])(?:\.venv/bin/)?gateway ((?:[a-z]+ ?)+)")


@cache
def said():
    """All words of the product, its template and its settings that could be a variable's name."""
    files = [path for place in SOURCES for kind in KINDS for path in (ROOT / place).rglob(kind)]
    files += [ROOT / name for name in ("template.yaml", "compose.yaml", "Makefile", "Dockerfile", ".env.example")]
    names = re.compile(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+")
    return {name for path in files if "node_modules" not in path.parts for name in names.findall(path.read_text())}


def named(page):
    """Names of variables in a page's code, of blocks and of the text."""
    path = page.relative_to(ROOT).as_posix()
    shown = [fence.code for fence in fences() if fence.page == path and fence.language in (*SHELL, "yaml", "json", "")]
    return {name for code in (*shown, *inline(page)) for name in VARIABLE.findall(code)}


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.relative_to(ROOT).as_posix())
def test_variables_exist(page):
    """Each is read somewhere, or is one of those whose name is made, or is another program's."""
    assert {name for name in named(page) - said() - OF_OTHERS if not MADE.match(name)} == set()


def test_what_make_is_given_is_read():
    """`NAME=value` behind a target is a variable of the Makefile."""
    makefile = (ROOT / "Makefile").read_text()
    given = {
        (fence.name, name)
        for fence in fences()
        if fence.language in SHELL
        for command in fence.commands
        for rest in re.findall(r"\bmake [a-z-]+(.*)", command)
        for name in re.findall(r"(?:^| )([A-Z]+)=", re.sub(r"'[^']*'", "''", rest))
    }
    assert len(given) > 10
    assert [each for each in sorted(given) if f"$({each[1]})" not in makefile] == []


def commands_of_gateway():
    """`gateway ...` in the text of pages, as far as its words are lower case: `usage reconcile`."""
    texts = [code for page in pages() for code in inline(page) if code.startswith(("gateway ", ".venv/bin/gateway "))]
    return sorted({" ".join(COMMAND.findall(text)[0].split()[:2]) for text in texts if COMMAND.search(text)})


@pytest.mark.parametrize("words", commands_of_gateway())
def test_commands_of_gateway_exist(words, capsys):
    """The command line has a page of help for each."""
    with pytest.raises(SystemExit) as left:
        main([*words.split(), "--help"], {})
    assert left.value.code == 0, capsys.readouterr().err
    assert "usage: gateway" in capsys.readouterr().out


def test_the_names_of_metrics_and_variables_are_checked_at_all():
    """A page of the configuration names many."""
    assert len(named(ROOT / "docs/configuration.md")) > 20
