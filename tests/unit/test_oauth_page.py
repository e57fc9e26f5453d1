"""What docs/oauth.md shows is taken by the gateway and by its command line."""

import re
import shlex
from pathlib import Path

import pytest

from gateway_core.cli.arguments import make_parser
from gateway_core.config.documents import Document
from gateway_core.config.settings import GatewaySettings
from gateway_core.mcp_front.app import METADATA

PAGE = (Path(__file__).parents[2] / "docs/oauth.md").read_text("utf-8")
DOCUMENTS = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
COMMANDS = re.findall(r"`(gateway (?:keys|budgets|apply) [^`]+)`", PAGE)


@pytest.mark.parametrize("text", DOCUMENTS)
def test_each_document_turns_it_on(text):
    """As it stands there, with the packaged groups."""
    assert GatewaySettings.from_env({}, [Document("docs/oauth.md", text)]).oauth


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_is_one(command):
    """With options that it has."""
    assert make_parser().parse_args(shlex.split(command)[1:])


def test_the_page_names_what_is_served():
    """Both places of the metadata."""
    assert len(DOCUMENTS) == 2
    assert len(COMMANDS) >= 5
    assert all(f"`{path}`" in PAGE for path in METADATA)
