"""The settings of docs/clients/mcp.md, as far as they can be read without their clients. CI runs two of those."""

import ast
import json
import re
import shlex
import tomllib
from pathlib import Path

import pytest

from gateway_core.mcp_front.app import PATH
from gateway_core.mcp_front.server import OPERATIONS

PAGES = Path(__file__).parents[2] / "docs/clients"
BLOCKS = [
    (heading.strip(), language, code)
    for heading, text in re.findall(r"^## (.*)\n((?:(?!^## ).*\n)*)", (PAGES / "mcp.md").read_text(), re.MULTILINE)
    for language, code in re.findall(r"^```(\w+)\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
]
URL = f"https://gateway.example.com/live{PATH}"


def values(value):
    """Every text in a structure."""
    if isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from values(each)
    elif isinstance(value, str):
        yield value


def texts(language, code):
    """What a block says, once it is parsed as what it is."""
    match language:
        case "json":
            return list(values(json.loads(code)))
        case "toml":
            return list(values(tomllib.loads(code)))
        case "python":
            tree = ast.parse(code)
            return [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)]
    return shlex.split(code)


@pytest.mark.parametrize(("client", "language", "code"), BLOCKS, ids=[client for client, *_ in BLOCKS])
def test_each_client_is_led_to_the_endpoint_with_a_key(client, language, code):
    """By the same address and header; a key is never written where the client can take it from elsewhere."""
    found = texts(language, code)
    assert URL in found
    assert any("Bearer " in str(text) for text in found) or "bearer_token_env_var" in code
    assert "Authorization" in code or "bearer_token_env_var" in code


def test_every_client_has_its_settings():
    """In the order of the page."""
    clients = [
        "Claude Code",
        "Claude Desktop",
        "Cursor",
        "VS Code",
        "Codex",
        "Roo Code",
        "OpenAI Agents SDK",
        "LangChain",
    ]
    assert [client for client, *_ in BLOCKS] == clients


def test_pages_that_say_the_same_agree():
    """Claude Code's command and Codex's table, which CI runs, are those of their own pages."""
    settings = {client: code for client, _, code in BLOCKS}
    assert settings["Claude Code"] in (PAGES / "claude-code.md").read_text()
    own = tomllib.loads(settings["Codex"])["mcp_servers"]["llm_gateway"]
    assert own.pop("tool_timeout_sec") == 300
    config = re.findall(r"^```toml\n(.*?)^```", (PAGES / "codex.md").read_text(), re.MULTILINE | re.DOTALL)[0]
    assert tomllib.loads(config)["mcp_servers"]["llm_gateway"] == own


def test_tools_that_are_always_allowed_exist():
    """By their names."""
    (allowed,) = [
        json.loads(code)["mcpServers"]["llm-gateway"]["alwaysAllow"]
        for client, _, code in BLOCKS
        if client == "Roo Code"
    ]
    assert set(allowed) <= {operation.name for operation, _ in OPERATIONS}
