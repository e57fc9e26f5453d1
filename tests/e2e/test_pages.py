"""What the documents say to type does what they say, against a running stack."""

import os
import re
import subprocess
import sys
from dataclasses import replace

import pytest

from tests.e2e.commands import ROOT, blocks, missing
from tests.e2e.conftest import KEY
from tests.patience import patience

pytestmark = pytest.mark.xdist_group("e2e")

PAGES = (
    "README.md",
    "docs/api.md",
    "docs/budgets.md",
    "docs/caching.md",
    "docs/clients/README.md",
    "docs/health.md",
    "docs/models.md",
    "docs/observability.md",
    "docs/providers.md",
    "docs/reports.md",
    "docs/responses.md",
)
"""Those whose commands are for `make run`; `test_ask.py` and its neighbours run docs/ask.md."""
ENDLESS = "/v1/events"
BLOCKS = [block for page in PAGES for block in blocks(page)]
COMMANDS = [block for block in BLOCKS if block.is_for_make_run and ENDLESS not in block.code]
PROGRAMS = [block for block in BLOCKS if block.page == "README.md" and block.language == "python"]


def named(block):
    """For the list of tests."""
    return f"{block.page}-{block.number}"


def run(command, block, stack, providers_url):
    """What it prints. A page's variables are set as it says."""
    found = {
        "8787": stack.urls["Gateway"],
        "8788": stack.urls["Store"],
        "8789": providers_url,
    }
    code = re.sub(r"(?:http://)?(?:127\.0\.0\.1|localhost):(878\d)", lambda port: found[port[1]], block.code)
    environ = {
        **os.environ,
        "UPSTASH_REDIS_REST_URL": stack.urls["Store"],
        "UPSTASH_REDIS_REST_TOKEN": "local",
        "KEY": KEY,
        "GATEWAY": stack.urls["Gateway"],
    }
    done = subprocess.run(
        [*command, code], capture_output=True, text=True, timeout=patience(50), check=False, cwd=ROOT, env=environ
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_there_is_something_to_run():
    """Pages without examples would pass the rest."""
    assert len(COMMANDS) >= 12
    assert len(PROGRAMS) == 2
    assert sum(bool(block.output) for block in COMMANDS) >= 3


@pytest.mark.parametrize("block", COMMANDS, ids=named)
def test_commands(stack, gateway, providers, providers_url, block):
    """They end well and print what is shown; where no refusal is, there is none."""
    quiet = replace(block, code=f'curl() {{ command curl -sS "$@"; }}\n{block.code}')
    printed = run(["sh", "-ec"], quiet, stack, providers_url)
    assert missing(block, printed) == [], printed
    if '"error"' not in block.output:
        assert '"error":{' not in printed


@pytest.mark.parametrize("block", PROGRAMS, ids=named)
def test_programs(stack, gateway, providers_url, block):
    """OpenAI's SDK and the MCP client."""
    assert "Say hello" in run([sys.executable, "-c"], block, stack, providers_url)
