"""What each tool asks of its function, and what the client reads."""

import json

import pytest

from gateway_core.adapters.tokens.encodings import _O200K
from gateway_core.domain.caller import Caller
from gateway_core.domain.errors import DeadlineExceeded
from gateway_core.domain.provider_errors import ProviderUnavailable, RateLimitError
from gateway_core.invocation import FunctionUnavailable, HttpAnswer
from gateway_core.mcp_front.visitor import Visitor
from tests.functions.completions import failing
from tests.functions.mcp_front.conftest import MODERN, message, result_of

HELLO = [{"role": "user", "content": "my secret plan"}]
MOST_TOKENS = 2000


async def test_complete_returns_the_answer_and_its_price(mcp):
    """The text is the answer alone; the rest is structured."""
    result = await mcp.call("complete", messages=HELLO, agent_id="writer")
    assert [block["text"] for block in result["content"]] == ["my secret plan"]
    told = result["structuredContent"]
    assert (told["model"], told["provider"], told["finish_reason"]) == ("first", "first-provider", "stop")
    assert (told["usage"]["total_tokens"], told["cost"]["total_usd"]) == (6, "0.000009")
    assert [attempt["outcome"] for attempt in told["attempts"]] == ["ok"]
    assert [record.agent_id for record in await mcp.world.records()] == ["writer"]


async def test_the_callers_key_travels_on(mcp):
    """The function decides by it; no other header of the client's does."""
    key = await mcp.world.key()
    await mcp.call("complete", key=key, messages=HELLO)
    ((function, request),) = mcp.invoker.asked
    assert (function, request.method, request.path) == ("complete", "POST", "/v1/complete")
    assert request.headers == {
        "authorization": f"Bearer {key}",
        "accept": "application/json",
        "content-type": "application/json",
    }


async def test_only_given_arguments_are_sent(mcp):
    """With a deadline a little behind the function's own."""
    await mcp.call("complete", messages=HELLO, timeout_s=30)
    await mcp.call("complete", messages=HELLO)
    (_, first), (_, second) = mcp.invoker.asked
    assert json.loads(first.body) == {"messages": HELLO, "timeout_s": 30}
    assert (first.timeout_s, second.timeout_s) == (32.0, 122.0)


async def test_failover_shows(mcp):
    """Who was tried, and who answered."""
    mcp.world.behave["first"] = failing(ProviderUnavailable("down", detail="sk-secret"))
    told = (await mcp.call("complete", messages=HELLO))["structuredContent"]
    assert [(a["model"], a["outcome"]) for a in told["attempts"]] == [("first", "failed"), ("second", "ok")]


async def test_complete_explains_itself(mcp):
    """When asked to, in the structured result."""
    told = (await mcp.call("complete", messages=HELLO, explain=True))["structuredContent"]
    assert [line["position"] for line in told["explanation"]["candidates"]] == [1, 2, 3]


async def test_an_equal_answer_of_before_is_given_where_that_is_wanted(mcp):
    """For nothing; who does not say `cache` gets one of his own."""
    key = await mcp.world.key()
    asked = [await mcp.call("complete", key=key, messages=HELLO, cache=cache) for cache in (True, True, False)]
    assert [call["structuredContent"]["cached"] for call in asked] == [False, True, False]
    assert len(mcp.world.provider.calls) == 2


async def test_no_time_left_is_a_deadline():
    """Nothing is invoked that could not be answered."""
    caller = Caller("alpha", "key", "digest", "tag")
    visitor = Visitor(caller, "gk_alpha_x", "req_1", time_left_s=0.0)
    with pytest.raises(DeadlineExceeded):
        visitor.request("GET", "/health/providers")


async def test_calls_of_tools_show_as_text(mcp):
    """An answer without content is not an empty one."""
    calls = [{"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}]
    body = {"content": "", "tool_calls": calls}
    mcp.invoker.instead["complete"] = HttpAnswer(200, {}, json.dumps(body).encode())
    result = await mcp.call("complete", messages=HELLO)
    assert json.loads(result["content"][0]["text"]) == calls


async def test_embed_speaks_openais_wire(mcp):
    """Whom it counts for travels in headers; vectors come once, not as text again."""
    key = await mcp.world.key(admin=True)
    result = await mcp.call("embed", key=key, input=["a b", "c"], project_id="beta", agent_id="indexer", user_id="u1")
    assert result["content"][0]["text"] == "2 vectors of 1 dimensions by vectors"
    told = result["structuredContent"]
    assert (told["model"], told["embeddings"], told["usage"]["total_tokens"]) == ("vectors", [[2.0], [1.0]], 3)
    (record,) = await mcp.world.records("beta")
    assert (record.agent_id, record.user_id) == ("indexer", "u1")
    refused = await mcp.call("embed", key=key, input=["a"] * 513)
    assert (refused["isError"], "at most 512 texts" in refused["content"][0]["text"]) == (True, True)
    assert len(await mcp.world.records("beta")) == 1


async def test_usage_takes_filters(mcp):
    """As the query of its route."""
    await mcp.call("complete", messages=HELLO, agent_id="writer")
    told = await mcp.call("get_usage", agent_id="writer", group_by="day", start_date="2026-11-20", model=None)
    assert told["structuredContent"]["totals"]["requests"] == 1
    assert mcp.invoker.asked[-1][1].query == {"agent_id": "writer", "group_by": "day", "start_date": "2026-11-20"}


async def test_models_leave_out_what_only_openai_needs(mcp):
    """A model reads the list."""
    (first, *_) = (await mcp.call("list_models"))["structuredContent"]["models"]
    assert {"id", "groups", "capabilities", "context_window", "pricing", "lifecycle", "health"} <= set(first)
    assert not {"object", "created", "owned_by"} & set(first)


async def test_health_tells_of_each_provider(mcp):
    """And of its breakers."""
    providers = (await mcp.call("health_check"))["structuredContent"]["providers"]
    assert len(providers) == 4
    assert providers[0]["models"][0]["breaker"] == "closed"


@pytest.mark.parametrize("era", [MODERN, "2025-11-25"])
@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({}, ["messages"]),
        ({"messages": HELLO, "temprature": 1}, ["temprature"]),
        ({"messages": HELLO, "max_tokens": "many secret"}, ["max_tokens"]),
        ({"messages": "secret"}, ["messages"]),
        ({"messages": HELLO, "max_tokens": 0}, ["max_tokens"]),
        ({"messages": HELLO, "timeout_s": -5}, ["timeout_s"]),
        ({"messages": [{"role": "user", "content": [{"type": "text"}]}]}, ["messages.0", "text"]),
    ],
)
async def test_wrong_arguments_are_named(mcp, era, arguments, named):
    """Here or by the function; never a value, never a library's text."""
    told = await mcp.text("complete", era=era, **arguments)
    assert told.startswith("invalid_request: ")
    assert told.endswith("Correct the arguments and call again.")
    assert [name for name in named if name not in told] == []
    assert not [word for word in ("secret", "pydantic", "input_value", "Traceback") if word in told]


async def test_a_spent_budget_has_a_next_step(mcp):
    """The function holds it; the model reads what to do."""
    await mcp.world.budget(day_nano=1)
    told = await mcp.text("complete", messages=HELLO)
    assert told.startswith("budget_exceeded: ")
    assert "get_usage" in told


async def test_a_rate_limit_tells_how_long(mcp):
    """In seconds."""
    for name in ("first", "second", "third"):
        mcp.world.behave[name] = failing(RateLimitError("busy", retry_after_s=6.2))
    told = await mcp.text("complete", messages=HELLO)
    assert told.startswith("rate_limited: ")
    assert "Retry after 7 s." in told


async def test_a_foreign_project_is_forbidden(mcp):
    """By the function, for reports as for completions."""
    assert (await mcp.text("complete", messages=HELLO, project_id="beta")).startswith("forbidden: ")
    assert (await mcp.text("get_usage", project_id="beta")).startswith("forbidden: ")


async def test_an_unknown_model_leads_to_the_list(mcp):
    """By name of the tool."""
    assert "list_models" in await mcp.text("complete", messages=HELLO, model="no-such")


async def test_a_function_that_is_away_is_an_error_without_its_words(mcp):
    """The operator reads more."""
    mcp.invoker.instead["complete"] = FunctionUnavailable("complete: Unhandled")
    told = await mcp.text("complete", messages=HELLO)
    assert told.startswith("function_unavailable: A part of the gateway did not answer.")
    assert "Unhandled" not in told
    (line,) = [line for line in mcp.world.lines() if line["message"] == "request failed"]
    assert (line["error.type"], line["detail"]) == ("function_unavailable", "complete: Unhandled")


async def test_a_deadline_has_a_next_step(mcp):
    """Of the function, or of the front."""
    mcp.invoker.instead["complete"] = DeadlineExceeded("There was no answer within 122 s.")
    assert (await mcp.text("complete", messages=HELLO)).endswith("Raise timeout_s or lower max_tokens.")


@pytest.mark.parametrize("body", [b"", b"[]", b"<html>"])
async def test_an_answer_that_is_not_ours_is_an_error(mcp, body):
    """200 with something else."""
    mcp.invoker.instead["complete"] = HttpAnswer(200, {}, body)
    assert (await mcp.text("complete", messages=HELLO)).startswith("function_unavailable: ")


@pytest.mark.parametrize("era", [MODERN, "2025-11-25"])
async def test_a_crash_is_told_without_its_text(mcp, era):
    """To the client and in the log."""
    mcp.invoker.instead["complete"] = ZeroDivisionError("my secret plan")
    told = await mcp.text("complete", era=era, messages=HELLO)
    assert told.startswith("internal_error: The gateway failed. Report it to the gateway's operator. Quote req_")
    (line,) = [line for line in mcp.world.lines() if line["message"] == "internal error"]
    assert (line["error.type"], line["where"]) == ("ZeroDivisionError", "complete")
    assert "secret" not in mcp.world.log.getvalue()


async def test_prompts_and_keys_reach_no_log(mcp, caplog):
    """At any level, of ours or of the libraries."""
    caplog.set_level("DEBUG")
    key = await mcp.world.key()
    await mcp.call("complete", key=key, messages=HELLO)
    await mcp.text("complete", key=key, messages=HELLO, max_tokens="my secret plan")
    assert not [word for word in ("secret plan", key) if word in mcp.world.log.getvalue() + caplog.text]


async def test_every_tool_tells_clients_what_it_does(mcp):
    """Title, description, hints, both schemas; nothing of FastMCP's own."""
    for tool in result_of(await mcp.ask("tools/list"))["tools"]:
        assert set(tool) == {"name", "title", "description", "inputSchema", "outputSchema", "annotations"}
        assert tool["inputSchema"]["type"] == "object"
        assert tool["outputSchema"]["type"] == "object"
        asks_models = tool["name"] in {"complete", "stream_complete", "litellm_batch_ask", "embed"}
        changes = {"destructiveHint": True, "idempotentHint": True} if tool["name"] == "batch_cancel" else {}
        assert tool["annotations"] == {"readOnlyHint": not changes, "openWorldHint": asks_models, **changes}


@pytest.fixture
def encode(counter):
    """OpenAI's tokeniser, from the copy that LiteLLM ships; it counts the text as a whole."""
    return counter._encodings._of(_O200K).encode_ordinary


@pytest.mark.parametrize("era", [MODERN, "2025-11-25"])
async def test_all_tools_together_cost_few_tokens(mcp, encode, era):
    """The whole answer of tools/list, as a client counts it."""
    headers, body = message("tools/list", era, {})
    listed = result_of(await mcp.send(body, **headers))
    tokens = len(encode(json.dumps(listed, separators=(",", ":"))))
    print(f"tools/list {era}: {tokens} tokens (o200k_base)")  # noqa: T201 - the number is the news
    assert tokens < MOST_TOKENS
