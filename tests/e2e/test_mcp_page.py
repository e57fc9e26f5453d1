"""Every call in docs/mcp.md is answered, and its list of tools is the one that a client gets."""

import json
import re

import pytest
from fastmcp import Client

from tests.documents.fences import ROOT, fences
from tests.e2e.conftest import KEY
from tests.patience import patience

pytestmark = pytest.mark.xdist_group("e2e")

(EXAMPLES,) = [
    [json.loads(line) for line in fence.code.splitlines()]
    for fence in fences()
    if fence.page == "docs/mcp.md" and '"arguments"' in fence.code
]
PAGE = (ROOT / "docs/mcp.md").read_text("utf-8")


@pytest.fixture
async def client(gateway, providers):
    """FastMCP's, with the development key."""
    async with Client(f"{str(gateway.base_url).rstrip('/')}/mcp", auth=KEY, timeout=patience(60)) as found:
        yield found


async def test_each_example_is_answered(client):
    """In the order of the page; a job is asked for by the id that its beginning gave."""
    begun = ""
    for example in EXAMPLES:
        arguments = dict(example["arguments"])
        if "id" in arguments:
            assert begun
            arguments["id"] = begun
        answer = await client.call_tool(example["name"], arguments)
        assert answer.structured_content, example
        begun = answer.structured_content.get("id", begun) if arguments.get("mode") == "job" else begun


async def test_the_table_has_each_tool_and_no_other(client):
    """And there is an example of each."""
    rows = re.findall(r"^\| `(\w+)` \|.*\| `\w+ \S+` \|$", PAGE, re.MULTILINE)
    tools = {tool.name for tool in await client.list_tools()}
    assert sorted(rows) == sorted(tools)
    assert {example["name"] for example in EXAMPLES} == tools


async def test_the_tables_have_each_resource_and_prompt(client):
    """Templates by their form."""
    offered = {str(each.uri) for each in await client.list_resources()}
    offered |= {each.uri_template for each in await client.list_resource_templates()}
    assert set(re.findall(r"`((?:models|usage)://[\w{}]+)`", PAGE)) == offered
    section = PAGE.partition("| prompt |")[2].partition("\n\n")[0]
    prompts = {each.name for each in await client.list_prompts()}
    assert set(re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)) == prompts
