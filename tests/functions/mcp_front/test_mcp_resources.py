"""What clients read, are prompted with and have completed: their own project's numbers, the models of their key."""

import json

import pytest
from fastmcp.exceptions import ToolError
from mcp.shared.exceptions import MCPError

from gateway_core.invocation import FunctionUnavailable, HttpAnswer
from gateway_core.mcp_front.completions import MOST_VALUES, completion
from gateway_core.mcp_front.prompts import TASKS
from tests.functions.mcp_front.conftest import MODERN, body_of, fast, message, result_of

HELLO = {"messages": [{"role": "user", "content": "hello there"}]}
ERAS = pytest.mark.parametrize("era", [MODERN, "2025-11-25"])
REPORTS = ["usage://today", "usage://month", "usage://budgets"]


async def ask(mcp, method, era=MODERN, key="", named="", **params):
    """The answer to one request of an era; `named` is what its header says that it is about."""
    headers, body = message(method, era, params)
    if era == MODERN and (named := named or params.get("uri", "")):
        headers["mcp_name"] = named
    return await mcp.send(body, **headers, x_api_key=key or await mcp.world.key())


async def read(mcp, uri, **options):
    """The JSON that a resource holds."""
    (content,) = result_of(await ask(mcp, "resources/read", uri=uri, **options))["contents"]
    assert (content["uri"], content["mimeType"]) == (uri, "application/json")
    return json.loads(content["text"])


async def refused(mcp, code, text, method="resources/read", **params):
    """It is a protocol error with a line for the caller."""
    error = body_of(await ask(mcp, method, **params))["error"]
    assert error["code"] == code
    assert error["message"].startswith(text), error


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_a_client_finds_and_reads_all_of_them(mcp, mcp_url, mode):
    """FastMCP's, as people use it."""
    async with fast(mcp_url, await mcp.world.key(), mode) as client:
        assert [str(found.uri) for found in await client.list_resources()] == ["models://catalog", *REPORTS]
        assert [found.uri_template for found in await client.list_resource_templates()] == ["models://{model}"]
        assert [found.name for found in await client.list_prompts()] == [task.name for task in TASKS]
        (catalog,) = await client.read_resource("models://catalog")
        same = (await client.call_tool("list_models")).structured_content
        assert json.loads(catalog.text) == same
        prompt = await client.get_prompt("compare_models", {"question": "Why {models}?", "models": "fast"})
        text = prompt.messages[0].content.text
        assert "Why {models}?" in text
        assert "Models or groups: fast." in text


@ERAS
async def test_the_reports_are_of_the_callers_project(mcp, era):
    """From the day's or the month's begin to today; what is spent shows."""
    key = await mcp.world.key("beta")
    await mcp.call("complete", key=key, **HELLO)
    today, month = [await read(mcp, uri, key=key, era=era) for uri in REPORTS[:2]]
    assert (today["start_date"], today["end_date"]) == ("2026-11-20", "2026-11-20")
    assert (month["start_date"], month["end_date"]) == ("2026-11-01", "2026-11-20")
    assert [row["model"] for row in today["rows"]] == [row["model"] for row in month["rows"]] == ["first"]
    budgets = await read(mcp, "usage://budgets", key=key, era=era)
    assert budgets["project_id"] == "beta"
    other = result_of(await ask(mcp, "resources/read", era=era, uri="usage://today"))
    assert '"requests":0' in other["contents"][0]["text"]
    assert other.get("ttlMs", 10_000) == 10_000, "numbers grow old"


@ERAS
async def test_one_model_or_group_can_be_read(mcp, era):
    """By its name, as the catalog has it; another is the caller's error."""
    catalog = await read(mcp, "models://catalog", era=era)
    assert await read(mcp, "models://first", era=era) == catalog["models"][0]
    assert await read(mcp, "models://reasoning", era=era) == catalog["groups"][0]
    await refused(mcp, -32602, "unknown_model: ", uri="models://none", era=era)


@ERAS
async def test_what_a_key_may_not_use_is_neither_listed_nor_read(mcp, era):
    """By the right of the tool that says the same; completion suggests nothing."""
    key = await mcp.world.key(tools=("list_models",))
    for method, names in {
        "resources/list": ["Models"],
        "resources/templates/list": ["Model"],
        "prompts/list": ["pick_model"],
    }.items():
        result = result_of(await ask(mcp, method, key=key, era=era))
        (listed,) = [value for value in result.values() if isinstance(value, list)]
        assert [each["name"] for each in listed] == names
    await refused(mcp, -32602, "forbidden: ", uri="usage://today", key=key, era=era)
    about = {"name": "compare_models", "arguments": {"question": "why"}}
    await refused(mcp, -32602, "forbidden: ", "prompts/get", key=key, era=era, **about)
    only = await mcp.world.key(tools=("complete",))
    assert await suggested(mcp, "f", key=only, era=era) == []
    assert mcp.invoker.asked == []


@ERAS
async def test_a_function_that_fails_is_told_as_by_a_tool(mcp, era):
    """-32603 with the code, nothing of its inside; and the log has no crash."""
    mcp.invoker.instead["usage"] = FunctionUnavailable("usage: secret detail")
    await refused(mcp, -32603, "function_unavailable: ", uri="usage://today", era=era)
    mcp.invoker.instead["usage"] = HttpAnswer(503, {}, b'{"error": {"code": "store_unavailable", "message": "Away."}}')
    await refused(mcp, -32603, "store_unavailable: Away.", uri="usage://today", era=era)
    mcp.invoker.instead["models"] = FunctionUnavailable("models: secret detail")
    assert await suggested(mcp, "f", era=era) == []
    assert "internal error" not in [line["message"] for line in mcp.world.lines()]


@ERAS
@pytest.mark.parametrize(
    ("arguments", "why"),
    [({}, "question: argument required"), ({"question": "a", "model": "b"}, "model: there is no such argument")],
)
async def test_wrong_arguments_of_a_prompt_are_named(mcp, era, arguments, why):
    """-32602."""
    about = {"name": "compare_models", "arguments": arguments}
    await refused(mcp, -32602, f"invalid_request: {why}", "prompts/get", era=era, **about)


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
async def test_a_prompt_needs_only_what_it_cannot_do_without(mcp, task):
    """The tools that it speaks of exist."""
    given = {name: "something" for name in task.arguments if name not in task.defaults}
    result = result_of(await ask(mcp, "prompts/get", name=task.name, arguments=given))
    (said,) = result["messages"]
    assert "{" not in said["content"]["text"]
    assert task.uses in said["content"]["text"]


async def suggested(mcp, value, reference=None, argument="models", **options):
    """What completion says."""
    reference = reference or {"type": "ref/prompt", "name": "compare_models"}
    about = {"ref": reference, "argument": {"name": argument, "value": value}}
    return result_of(await ask(mcp, "completion/complete", **about, **options))["completion"]["values"]


@ERAS
async def test_models_and_groups_are_completed(mcp, era):
    """Those that begin so first; in a list its last name, and none twice."""
    assert await suggested(mcp, "", era=era) == ["reasoning", "embedding", "first", "second", "third", "vectors"]
    assert await suggested(mcp, "SE", era=era) == ["second"]
    listed = ["reasoning,first, second", "reasoning,first, vectors"]
    assert await suggested(mcp, "reasoning,first, s", era=era) == listed
    one = {"type": "ref/resource", "uri": "models://{model}"}
    assert await suggested(mcp, "ir", one, "model", era=era) == ["first", "third"]
    for reference in ({"type": "ref/prompt", "name": "other"}, {"type": "ref/resource", "uri": "models://other"}):
        assert await suggested(mcp, "f", reference, era=era) == []
    assert await suggested(mcp, "f", argument="question", era=era) == []


def test_no_more_are_suggested_than_the_protocol_takes():
    """With the number of all."""
    found = completion([f"model-{number}" for number in range(150)], "model")
    assert (len(found.values), found.total, found.has_more) == (MOST_VALUES, 150, True)


async def test_only_what_there_is_is_announced(mcp):
    """No changes of lists, of which nobody could be told; no apps. And there is an icon."""
    hello = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "a", "version": "1"}}
    old = result_of(await ask(mcp, "initialize", era="2025-11-25", **hello))
    new = result_of(await ask(mcp, "server/discover"))
    for told in (old, new):
        capabilities = told["capabilities"]
        assert set(capabilities) - {"logging"} == {"tools", "resources", "prompts", "completions"}
        for each in ("tools", "resources", "prompts"):
            assert not any(capabilities[each].values()), each
    info = "io.modelcontextprotocol/serverInfo"
    for server in (old["serverInfo"], new["_meta"][info]):
        (icon,) = server["icons"]
        assert icon["src"].startswith("data:image/png;base64,")
    # Of every other result it would be the larger part.
    assert set(result_of(await ask(mcp, "tools/list"))["_meta"][info]) == {"name", "version"}


async def test_a_tool_still_fails_as_a_result(mcp, mcp_url):
    """Only what is read has protocol errors."""
    async with fast(mcp_url, await mcp.world.key(tools=("complete",)), "auto") as client:
        with pytest.raises(ToolError, match=r"^forbidden: "):
            await client.call_tool("get_usage", {})
        with pytest.raises(MCPError, match=r"forbidden: "):
            await client.read_resource("usage://today")
