"""Every call in the README does what it says."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.patience import patience

pytestmark = pytest.mark.xdist_group("e2e")

README = (Path(__file__).parents[2] / "README.md").read_text()
BLOCKS = re.findall(r"```(sh|python)\n(.*?)```", README, re.DOTALL)
CALLS = [code for language, code in BLOCKS if language == "sh" and "curl" in code]
PROGRAMS = [code for language, code in BLOCKS if language == "python"]
COMMANDS = [code for language, code in BLOCKS if "gateway keys create" in code]


def run(command, code, stack):
    code = code.replace("http://127.0.0.1:8787", stack.urls["Gateway"]).replace(
        "http://127.0.0.1:8788", stack.urls["Store"]
    )
    done = subprocess.run([*command, code], capture_output=True, text=True, timeout=patience(50), check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_there_is_something_to_run():
    """A README without examples would pass the rest."""
    assert (len(CALLS), len(PROGRAMS), len(COMMANDS)) == (3, 2, 1)


@pytest.mark.parametrize("code", CALLS)
def test_curl(stack, gateway, code):
    """Against the running stack."""
    said = run(["sh", "-c"], code.replace("curl ", "curl -sS --fail ", 1), stack)
    assert "cost" in said


@pytest.mark.parametrize("code", PROGRAMS)
def test_programs(stack, gateway, code):
    """OpenAI's SDK and the MCP client."""
    assert "Say hello" in run([sys.executable, "-c"], code, stack)


@pytest.mark.parametrize("code", COMMANDS)
def test_commands(stack, code):
    """The command line against the stack's store."""
    assert '"key": "gk_alpha_' in run(["sh", "-ec"], code, stack)
