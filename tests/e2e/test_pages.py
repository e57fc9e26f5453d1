"""What the documents say to type does what they say, against a running stack."""

import os
import re
import subprocess
import sys
from dataclasses import replace

import pytest

from tests.e2e.commands import ROOT, commands, fragments, missing, programs
from tests.e2e.conftest import KEY
from tests.patience import patience

pytestmark = pytest.mark.xdist_group("e2e")

COMMANDS = commands()
PROGRAMS = programs()
FRAGMENTS = fragments()
BEFORE = """
import openai
key = "gk_dev_local"
client = openai.OpenAI(base_url="http://127.0.0.1:8787/v1", api_key=key)
messages = [{"role": "user", "content": "Say hello"}]
"""
"""What a reader has who goes on with a fragment."""


def named(block):
    """For the list of tests."""
    return f"{block.page}-{block.number}"


def long_beside_the_readme(block):
    """Commands of all pages take a minute."""
    return block if block.page == "README.md" else pytest.param(block, marks=pytest.mark.long)


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
    assert len(COMMANDS) >= 25
    assert len(PROGRAMS) == 2
    assert len(FRAGMENTS) == 2
    assert sum(bool(block.output) for block in COMMANDS) >= 3


@pytest.mark.parametrize("block", [long_beside_the_readme(block) for block in COMMANDS], ids=named)
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


@pytest.mark.long
@pytest.mark.parametrize("block", FRAGMENTS, ids=named)
def test_fragments(stack, gateway, providers_url, block):
    """Their last line is an answer of the SDK's."""
    *before, last = block.code.rstrip().splitlines()
    code = "\n".join([BEFORE, *before, f"print({last})"])
    printed = run([sys.executable, "-c"], replace(block, code=code), stack, providers_url)
    assert "heard: Say hello" in printed
