"""POST /v1/complete: its answer, what reaches the provider, and what becomes of failures."""

from gateway_core.domain.answer import ProviderAnswer, ToolCall, Usage
from gateway_core.domain.provider_errors import ProviderUnavailable, RateLimitError
from tests.functions.completions import HELLO, failing, post


async def test_the_answer_has_the_contracts_shape(client):
    """Every field of the wire contract, with decimal strings for money."""
    answer = await post(client, {**HELLO, "agent_id": "bot"})
    assert answer.status_code == 200
    body = answer.json()
    latency, request_id = body.pop("latency_ms"), body.pop("id")
    assert isinstance(latency, int)
    assert body == {
        "content": "one two three",
        "tool_calls": [],
        "model": "first",
        "provider": "first-provider",
        "model_group": "reasoning",
        "finish_reason": "stop",
        "usage": {
            "input_tokens": 3,
            "output_tokens": 3,
            "cached_input_tokens": 0,
            "cache_write_tokens": 0,
            "reasoning_tokens": 0,
            "total_tokens": 6,
        },
        "cost": {
            "input_usd": "0.000003",
            "output_usd": "0.000006",
            "total_usd": "0.000009",
            "price_source": "test-prices",
        },
        "cached": False,
        "dropped_params": [],
        "attempts": [
            {
                "model": "first",
                "provider": "first-provider",
                "outcome": "ok",
                "error_code": None,
                "latency_ms": body["attempts"][0]["latency_ms"],
            }
        ],
    }
    assert answer.headers["x-gateway-request-id"] == request_id
    assert answer.headers["x-gateway-model"] == "first"
    assert answer.headers["x-gateway-provider"] == "first-provider"
    assert answer.headers["x-gateway-attempts"] == "1"
    assert answer.headers["x-gateway-cost-usd"] == "0.000009"


async def test_options_reach_the_provider_under_openais_names(client, world):
    """What is given is passed on, what is not is not; temperature and max_tokens have the contract's defaults.

    The one of temperature is apart: nobody asked for it, so a model that does not take it goes without.
    """
    options = {"top_p": 0.5, "stop": ["x"], "seed": 7, "tool_choice": "auto", "reasoning_effort": "low"}
    tool = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}
    schema = {"type": "json_schema", "json_schema": {"name": "s", "schema": {"type": "object"}}}
    await post(client, {**HELLO, **options, "tools": [tool], "response_format": schema})
    (call,) = world.provider.calls
    assert call.params == {**options, "tools": [tool], "response_format": schema}
    assert call.defaults == {"temperature": 0.7}
    assert call.max_output_tokens == 4096
    assert call.messages == tuple(HELLO["messages"])
    assert call.spoken is None


async def test_nulls_say_nothing(client, world):
    """As in OpenAI's clients: the option is not given."""
    nothing = {"top_p": None, "stop": None, "tools": None, "logit_bias": None, "response_format": None}
    assert (await post(client, {**HELLO, **nothing, "temperature": 0.1})).status_code == 200
    assert world.provider.calls[-1].params == {"temperature": 0.1}


async def test_tool_calls_come_back_in_openais_shape(client, world):
    """A call has an id, a name and its arguments as text."""
    calls = (ToolCall("call_1", "f", '{"a": 1}'),)
    world.behave["first"] = lambda call: ProviderAnswer("", calls, "tool_calls", Usage(1, 1))
    body = (await post(client, HELLO)).json()
    assert body["tool_calls"] == [
        {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}
    ]


async def test_a_conversation_with_tools_is_accepted(client):
    """Assistant tool calls and tool results pass."""
    messages = [
        {"role": "system", "content": "be brief"},
        {"role": "user", "content": [{"type": "text", "text": "hi"}]},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
        },
        {"role": "tool", "tool_call_id": "c", "content": "42"},
    ]
    assert (await post(client, {"messages": messages})).status_code == 200


async def test_a_provider_failure_is_502_for_a_single_model(client, world):
    """An explicit model stands alone."""
    world.behave["first"] = failing(ProviderUnavailable("The provider failed.", detail="key sk-ant-secret123456"))
    answer = await post(client, {**HELLO, "model": "first"})
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["retryable"]) == (502, "provider_error", True)
    assert error["attempts"][0]["outcome"] == "failed"
    assert "sk-ant" not in answer.text


async def test_rate_limits_tell_when_to_come_back(client, world):
    """429 with Retry-After in whole seconds, rounded up."""
    for name in ("first", "second", "third"):
        world.behave[name] = failing(RateLimitError("busy", retry_after_s=6.2))
    answer = await post(client, HELLO)
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "7")


async def test_a_crash_is_500_without_a_trace(client, world):
    """The caller gets a request id, the log the type of the exception, nobody its text."""

    async def broken(*args, **kwargs):
        raise ZeroDivisionError("prompt text")

    world.services.gateway.composed = broken
    answer = await post(client, HELLO)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (500, "internal_error")
    (line,) = [line for line in world.lines() if line["message"] == "internal error"]
    assert (line["error.type"], line["request_id"]) == ("ZeroDivisionError", error["request_id"])
    assert "prompt text" not in world.log.getvalue() + answer.text


async def test_unknown_routes_and_methods_have_our_shape(client):
    """404 and 405 are errors like any other."""
    assert (await client.get("/nope")).json()["error"]["code"] == "not_found"
    answer = await client.get("/v1/complete")
    assert (answer.status_code, answer.json()["error"]["code"]) == (405, "method_not_allowed")


async def test_prompts_and_keys_reach_no_log(client, world):
    """Neither on success nor on failure."""
    key = await world.key()
    for name in ("first", "second", "third"):
        await post(client, {"messages": [{"role": "user", "content": "my secret plan"}]}, headers={"x-api-key": key})
        world.behave[name] = failing(ProviderUnavailable("down"))
    assert "secret plan" not in world.log.getvalue()
    assert key not in world.log.getvalue()
