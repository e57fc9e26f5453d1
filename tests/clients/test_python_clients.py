"""OpenAI's SDK for Python, and the MCP clients of the official SDK and of FastMCP."""

from itertools import islice

import httpx2
import openai
import pytest
from fastmcp.exceptions import ToolError
from mcp.shared.exceptions import MCPError

from tests.clients.conftest import MODELS
from tests.e2e.conftest import KEY
from tests.functions.mcp_front.conftest import fast, official

pytestmark = pytest.mark.xdist_group("clients")

every_model = pytest.mark.parametrize("model", MODELS)
MODES = pytest.mark.parametrize("mode", ["auto", "legacy"])
HELLO = [{"role": "user", "content": "Say hello to everybody"}]
WEATHER = {
    "type": "function",
    "function": {
        "name": "weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
ASK = {"messages": HELLO, "model_group": "fast"}
ASKED = {"model": "gpt-5.1"}
NOBODY = {"messages": HELLO, "model": "no-such-model"}


@pytest.fixture
def sdk(gateway):
    """With nothing but base URL and key."""
    with openai.OpenAI(base_url=f"{gateway.base_url}/v1", api_key=KEY, max_retries=0) as client:
        yield client


@pytest.fixture
def url(gateway):
    """Of the MCP endpoint."""
    return f"{gateway.base_url}".rstrip("/") + "/mcp"


@every_model
def test_streams(sdk, counted, model):
    """Text in pieces, then the finish reason, then the usage that the provider counted."""
    options = {"include_usage": True}
    chunks = list(sdk.chat.completions.create(model=model, messages=HELLO, stream=True, stream_options=options))
    *spoken, ending, last = chunks
    texts = [text for chunk in spoken if (text := chunk.choices[0].delta.content)]
    assert "".join(texts) == f"{MODELS[model][1]} heard: Say hello to everybody"
    assert len(texts) > 3
    assert [chunk.choices[0].finish_reason for chunk in spoken] == [None] * len(spoken)
    assert (ending.choices[0].finish_reason, last.choices) == ("stop", [])
    assert counted() == {model: (1, last.usage.prompt_tokens, last.usage.completion_tokens)}


@every_model
def test_conversations_with_tools(sdk, counted, model):
    """The accumulator puts the streamed call together; the SDK's own message goes back, with the tool's result."""
    question = {"role": "user", "content": "What is the weather? [[tool]]"}
    with sdk.chat.completions.stream(model=model, messages=[question], tools=[WEATHER]) as stream:
        called = stream.get_final_completion().choices[0]
    (call,) = called.message.tool_calls
    assert (called.finish_reason, call.function.name, call.function.arguments) == (
        "tool_calls",
        "weather",
        '{"city": "text"}',
    )
    result = {"role": "tool", "tool_call_id": call.id, "content": "Sunny."}
    whole = sdk.chat.completions.create(model=model, messages=[question], tools=[WEATHER]).choices[0].message
    (again,) = whole.tool_calls
    histories = ([called.message, result], [whole, {**result, "tool_call_id": again.id}])
    for history in histories:
        answer = sdk.chat.completions.create(model=model, messages=[question, *history], tools=[WEATHER])
        assert answer.choices[0].message.content == f"{MODELS[model][1]} heard: What is the weather?"
    assert counted()[model][0] == 4


@every_model
def test_a_cut_stream_is_an_error(sdk, cut, model):
    """With our code, after what had come."""
    cut(model)
    question = {"role": "user", "content": "[[words=20]] [[reasoning=0]]"}
    stream = sdk.chat.completions.create(model=model, messages=[question], stream=True)
    heard = list(islice((chunk.choices[0] for chunk in stream if chunk.choices[0].delta.content), 3))
    with pytest.raises(openai.APIError) as caught:
        next(stream)
    assert "".join(choice.delta.content or "" for choice in heard) == "alpha beta gamma"
    assert [choice.finish_reason for choice in heard] == [None] * 3
    assert caught.value.code == "provider_error"


@MODES
async def test_the_official_mcp_client(url, mode):
    """Lists, completes, reads the report; what fails is a result that says why."""
    async with official(url, KEY, mode) as client:
        assert "complete" in {tool.name for tool in (await client.list_tools()).tools}
        answer = await client.call_tool("complete", ASK)
        assert answer.structured_content["provider"] == "anthropic"
        refused = await client.call_tool("complete", NOBODY)
        assert (refused.is_error, refused.content[0].text.partition(":")[0]) == (True, "unknown_model")
        report = await client.call_tool("get_usage", {"group_by": "model"})
        assert "claude-haiku-3.5" in {row["model"] for row in report.structured_content["rows"]}


@MODES
async def test_fastmcps_client(url, mode):
    """The same, where what fails is an exception."""
    async with fast(url, KEY, mode) as client:
        assert "complete" in {tool.name for tool in await client.list_tools()}
        answer = await client.call_tool("complete", ASK)
        assert answer.structured_content["provider"] == "anthropic"
        with pytest.raises(ToolError, match=r"^unknown_model: "):
            await client.call_tool("complete", NOBODY)
        report = await client.call_tool("get_usage", {"group_by": "model"})
        assert report.structured_content["totals"]["requests"] > 0


@MODES
@pytest.mark.parametrize(("connect", "listen"), [(official, "progress_callback"), (fast, "progress_handler")])
async def test_a_batch_of_questions(url, counted, mode, connect, listen):
    """Each is told when it is finished; the result has all by index, and the books what the providers counted."""
    heard = []

    async def progress(done, total, message):
        heard.append((done, total, message))

    questions = [
        {"index": 2, "question": "Say hello", "model": "gemini-flash", "method": "sequential", "cache": False},
        {"index": 1, "question": "Repeat {Q2_result}", "model": "gpt-5.1", "method": "sequential", "cache": False},
    ]
    async with connect(url, KEY, mode) as client:
        answer = await client.call_tool("litellm_batch_ask", {"questions": questions}, **{listen: progress})
    assert heard == [(1, 2, "1/2: question 2 answered"), (2, 2, "2/2: question 1 answered")]
    second, first = answer.structured_content["results"]
    assert first["result"] == "gemini-3.8-flash heard: Say hello"
    assert second["result"] == f"gpt-5.1 heard: Repeat {first['result']}"
    assert f"Q1: {second['result']}" in answer.content[0].text
    usage = {result["model"]: result["usage"] for result in (first, second)}
    assert {key: (1, used["input_tokens"], used["output_tokens"]) for key, used in usage.items()} == counted()


@MODES
async def test_a_batch_that_is_refused(url, mode):
    """The client reads which question is wrong; one that fails on its own does not fail the others."""
    twice = [{"index": 1, "question": "Why?"}, {"index": 1, "question": "Why not?"}]
    mixed = [{"index": 1, "question": "Why?", **ASKED}, {"index": 2, "question": "Who?", "model": "no-such-model"}]
    async with fast(url, KEY, mode) as client:
        with pytest.raises(ToolError, match=r"^invalid_request: .*questions\.1"):
            await client.call_tool("litellm_batch_ask", {"questions": twice})
        answer = await client.call_tool("litellm_batch_ask", {"questions": mixed})
    results = answer.structured_content["results"]
    assert [(result["status"], result["error_code"]) for result in results] == [
        ("success", None),
        ("error", "unknown_model"),
    ]


@MODES
@pytest.mark.parametrize("connect", [official, fast], ids=["official", "fastmcp"])
async def test_a_wrong_key_connects_nobody(url, connect, mode):
    """The client tells of the refusal."""
    with pytest.raises((MCPError, httpx2.HTTPStatusError, BaseExceptionGroup, RuntimeError)):
        async with connect(url, "gk_dev_wrong", mode) as client:
            await client.list_tools()
