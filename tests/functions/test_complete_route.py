"""POST /v1/complete: its answer, and everything that is wrong with a request."""

import json
import re
from typing import get_args

import httpx
import pytest

from gateway_core.api import complete
from gateway_core.api.app import create_app
from gateway_core.api.schemas import CompleteBody
from gateway_core.domain.answer import ProviderAnswer, ToolCall, Usage
from gateway_core.domain.caller import Attribution
from gateway_core.domain.chat import Deployment, Requirement
from gateway_core.domain.errors import StoreUnavailable
from gateway_core.domain.provider_errors import ProviderUnavailable, RateLimitError
from tests.conftest import World, catalog_of, model, settings_for

HELLO = {"messages": [{"role": "user", "content": "one two three"}]}
PNG = "data:image/png;base64,iVBORw0KGgo="


def failing(error):
    def behave(call):
        raise error

    return behave


async def post(client, body, **kwargs):
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return await client.post("/v1/complete", content=content, **kwargs)


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


@pytest.mark.parametrize(
    ("raw", "param"),
    [
        (b"", "body"),
        (b"{", "body"),
        (b"[]", "body"),
        (b'"text"', "body"),
        (b"\xff\xfe", "body"),
        (b'{"messages": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "body"),
        (b'{"messages": ' + b"[" * 200 + b"]" * 200 + b"}", "messages"),
        (b'{"temperature": NaN}', "temperature"),
        (b'{"temperature": 1e999}', "temperature"),
        (b'{"messages": [{"content": "\\ud800"}]}', "messages.0.content"),
        (b'{"\\ud800": 1}', "body"),
        (b'{"a": ' + b"1" * 5000 + b"}", "body"),
    ],
)
async def test_a_body_that_is_not_strict_json(client, world, raw, param):
    """400 that names where, and nobody is called."""
    answer = await post(client, raw)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["param"]) == (400, "invalid_request", param)
    assert world.provider.calls == []


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"messages": []}, "messages"),
        ({"messages": "hi"}, "messages"),
        ({"messages": [{"role": "user", "content": None}]}, "messages.0.content"),
        ({"messages": [{"role": "tool", "content": "1"}]}, "messages.0.tool_call_id"),
        ({"messages": [{"role": "user", "content": [{"type": "text", "text": "", "x": 1}]}]}, "messages.0.content.0.x"),
        ({"messages": [{"role": "robot", "content": "hi"}]}, "messages.0"),
        ({"messages": [{"content": "hi"}]}, "messages.0"),
        ({"messages": [{"role": "user"}]}, "messages.0.content"),
        ({"messages": [{"role": "user", "content": [{"type": "text"}]}]}, "messages.0.content.0.text"),
        (
            {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}]},
            "messages.0.content.0.image_url.url",
        ),
        ({"messages": [{"role": "user", "content": "hi", "secret": 1}]}, "messages.0.secret"),
        ({"tools": [{"type": "function", "function": {"name": "a b"}}]}, "tools.0.function.name"),
        ({"tools": [{"type": "function", "function": {"name": "a"}, "x": 1}]}, "tools.0.x"),
        ({"tools": [{"type": "custom", "custom": {"name": "run"}}]}, "tools"),
        ({"tools": [{"type": "function", "function": {"name": "a", "x": 1}}]}, "tools.0.function.x"),
        ({"tools": [{"type": "function", "function": {}}]}, "tools.0.function.name"),
        ({"tools": [{"type": "function"}]}, "tools.0.function"),
        ({"tool_choice": {"type": "function", "function": {}}}, "tool_choice.function.name"),
        ({"tool_choice": {"type": "function"}}, "tool_choice.function"),
        (
            {"tool_choice": {"type": "allowed_tools", "allowed_tools": {"mode": "auto"}}},
            "tool_choice.allowed_tools.tools",
        ),
        ({"response_format": {"type": "json_schema", "json_schema": {}}}, "response_format.json_schema.name"),
        (
            {"messages": [{"role": "assistant", "tool_calls": [{"type": "function", "function": {"name": "f"}}]}]},
            "messages.0.tool_calls.0.id",
        ),
        (
            {"messages": [{"role": "assistant", "tool_calls": [{"id": "c", "type": "function", "function": {}}]}]},
            "messages.0.tool_calls.0.function.name",
        ),
        ({"messages": [{"role": "user", "content": [{"type": "file", "file": {}}]}]}, "messages.0.content.0.file"),
        (
            {"messages": [{"role": "user", "content": [{"type": "text", "text": "a", "cache_control": {}}]}]},
            "messages.0.content.0.cache_control.type",
        ),
        ({"max_tokens": -1}, "max_tokens"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_tokens": 10**12}, "max_tokens"),
        ({"max_tokens": "4096"}, "max_tokens"),
        ({"max_tokens": True}, "max_tokens"),
        ({"temperature": 3}, "temperature"),
        ({"timeout_s": 0}, "timeout_s"),
        ({"timeout_s": 291}, "timeout_s"),
        ({"api_base": ""}, "api_base"),
        ({"api_key": "sk-x"}, "api_key"),
        ({"n": 2}, "n"),
        ({"stream": True}, "stream"),
        ({"routing": "random"}, "routing"),
        ({"project_id": "Not A Project"}, "project_id"),
        ({"agent_id": "a\nb"}, "agent_id"),
        ({"require": ["telepathy"]}, "require.0"),
    ],
)
async def test_a_body_against_the_schema(client, world, change, param):
    """422 that names the field, and nobody is called or charged."""
    answer = await post(client, {**HELLO, **change})
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (422, "invalid_request")
    assert error["param"] == param
    assert param.split(".")[0] in error["message"]
    assert world.provider.calls == []
    assert await world.spent() == (0, 0)


async def test_a_file_that_a_provider_keeps_is_not_offered(client):
    """It would belong to whoever guesses its id: 400, and what to send."""
    part = {"type": "file", "file": {"file_id": "f"}}
    answer = await client.post("/v1/complete", json={"messages": [{"role": "user", "content": [part]}]})
    error = answer.json()["error"]
    assert (answer.status_code, error["param"]) == (400, "messages.0.content.0.file.file_id")
    assert "file_data" in error["message"]


async def test_what_can_be_required_is_listed(client):
    """A wrong requirement is answered with the right ones."""
    message = (await post(client, {**HELLO, "require": ["vision", "telepathy"]})).json()["error"]["message"]
    assert message.startswith("require.1: ")
    assert all(f"'{name}'" in message for name in get_args(Requirement))


async def test_an_explanation_is_given_when_asked_for(client, world):
    """Each candidate with what decided on its place, and what is not among them; nothing without being asked."""
    asked = {**HELLO, "explain": True, "max_tokens": 10, "routing": "latency", "fallback": False}
    told = (await post(client, asked)).json()["explanation"]
    assert (told["routing"], told["input_tokens"]) == ("latency", 22)
    assert told["candidates"] == [
        {
            "model": "first",
            "provider": "first-provider",
            "position": 1,
            "tier": 1,
            "estimated_cost_usd": "0.000042",
            "latency_ms": None,
            "breaker": "closed",
            "retry_after_ms": 0,
        }
    ]
    spare = {"provider": "second-provider", "reason": "fallback", "detail": "the request wants no fallback"}
    assert told["dropped"][0] == {"model": "second", **spare}
    assert "explanation" not in (await post(client, HELLO)).json()


async def test_an_explanation_names_the_field_at_fault(wide_client, wide_world):
    """Where it is a single one, and a sentence that says why; so do the attempts."""
    answer = (await post(wide_client, {**HELLO, "explain": True, "logit_bias": {"50256": -100}})).json()
    assert answer["explanation"]["dropped"] == [
        {
            "model": "narrow",
            "provider": "narrow-provider",
            "reason": "unsupported",
            "detail": "narrow cannot bias single tokens (logit_bias)",
            "param": "logit_bias",
        }
    ]
    assert [(a["model"], a["outcome"], a["error_code"]) for a in answer["attempts"]] == [
        ("narrow", "skipped", "unsupported"),
        ("wide", "ok", None),
    ]
    (call,) = wide_world.provider.calls
    assert call.params == {"logit_bias": {"50256": -100}}


@pytest.fixture
def wide_world():
    """A model that is called through LiteLLM, and one on OpenAI's wire."""
    wide = Deployment("wide-provider", "wide", "https://wide.example", engine="native")
    catalog = catalog_of(model("narrow"), model("wide", deployment=wide))
    return World(catalog, settings_for(catalog))


@pytest.fixture
async def wide_client(wide_world):
    """Speaks to it."""
    headers = {"authorization": f"Bearer {await wide_world.key()}"}
    transport = httpx.ASGITransport(create_app(wide_world.services, complete.router))
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway", headers=headers) as http:
        yield http


async def test_an_explanation_does_without_the_store(client, world):
    """It tells what is known, and refuses nothing."""

    async def down(pairs, project):
        raise StoreUnavailable("away")

    world.store.deployment_states = down
    told = (await post(client, {**HELLO, "explain": True})).json()["explanation"]
    assert [line["breaker"] for line in told["candidates"]] == ["unknown"] * 3


async def test_an_explanation_names_no_model_that_the_key_may_not_use():
    """Fallbacks outside the key's groups do not exist for it."""
    catalog = catalog_of(model("a", fallbacks=("b", "c")), model("b"), model("c"), groups={"mine": ("a", "c")})
    world = World(catalog, settings_for(catalog))
    caller = await world.services.authenticator.authenticate(await world.key(groups=("mine",)))
    for fallback, expected in ((True, ["a", "c"]), (False, ["a"])):
        body = {**HELLO, "model": "a", "explain": True, "fallback": fallback}
        chat = CompleteBody(**body).to_request(Attribution(caller.project_id), 60, body)
        done = await world.services.gateway.complete(chat, caller, f"r{fallback}", timeout_s=60)
        told = done.explanation
        assert [line.model for line in told.candidates] == expected
        assert "b" not in [drop.model for drop in told.dropped]


async def test_images_must_be_sent_not_pointed_to(client):
    """The gateway fetches no URL of a client's."""
    part = {"type": "image_url", "image_url": {"url": "http://169.254.169.254/latest"}}
    answer = await post(client, {"messages": [{"role": "user", "content": [part]}]})
    assert answer.status_code == 422
    assert "data: URL" in answer.json()["error"]["message"]


async def test_the_value_at_fault_is_not_echoed(client):
    """An error message never quotes a prompt."""
    answer = await post(client, {"messages": [{"role": "robot", "content": "my secret plan"}]})
    assert "secret plan" not in answer.text


@pytest.mark.parametrize(("change", "param"), [({"model_group": "nope"}, "model_group"), ({"model": "nope"}, "model")])
async def test_unknown_names_are_404(client, change, param):
    """The error names the field and where to look."""
    answer = await post(client, {**HELLO, **change})
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["param"]) == (404, "unknown_model", param)
    assert "/v1/models" in error["message"]


async def test_a_body_over_the_limit_is_413(client, world):
    """6 MB are refused before they are parsed."""
    answer = await post(client, b'{"messages": "' + b"x" * 6_000_000 + b'"}')
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "body_too_large")
    assert world.provider.calls == []


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": ""},
        {"authorization": "Bearer"},
        {"authorization": "Basic gk_alpha_0123456789"},
        {"authorization": "Bearer sk-somebody-elses"},
        {"authorization": "Bearer gk_alpha_wrongwrongwrong"},
        {"authorization": "Bearer gk_ALPHA_wrongwrongwrong"},
        {"authorization": "", "x-api-key": "gk_beta_wrongwrongwrong"},
        {"authorization": b"Bearer gk_alpha_\xe9\xe9\xe9"},
    ],
)
async def test_no_valid_key_is_401(client, world, headers):
    """Missing, malformed and unknown keys; the body is not even read."""
    answer = await post(client, b"{", headers=headers)
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "unauthenticated")
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.headers["x-should-retry"] == "false"
    assert world.provider.calls == []


async def test_a_key_may_come_in_x_api_key(client, world):
    """Both headers are served."""
    answer = await post(client, HELLO, headers={"authorization": "", "x-api-key": await world.key()})
    assert answer.status_code == 200


async def test_a_revoked_key_is_401(client, world):
    """At once, though the caller is cached."""
    key = await world.key()
    headers = {"authorization": f"Bearer {key}"}
    assert (await post(client, HELLO, headers=headers)).status_code == 200
    record = (await world.store.list_keys("alpha"))[-1]
    for listed in await world.store.list_keys("alpha"):
        await world.store.revoke_key(listed.id, now_ms=1)
    assert record.revoked_ms is None
    assert (await post(client, HELLO, headers=headers)).status_code == 401


async def test_a_foreign_project_is_403(client, world):
    """A key spends for its own project."""
    answer = await post(client, {**HELLO, "project_id": "beta"})
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["param"]) == (403, "forbidden", "project_id")
    assert world.provider.calls == []


async def test_an_admin_key_may_spend_for_any_project(client, world):
    """The record goes to the named project."""
    headers = {"authorization": f"Bearer {await world.key('ops', admin=True)}"}
    answer = await post(client, {**HELLO, "project_id": "beta"}, headers=headers)
    assert answer.status_code == 200
    assert [record.cost_nano for record in await world.records("beta")] == [9000]


async def test_a_key_without_the_tool_is_403(client, world):
    """Tools are an allow-list."""
    headers = {"authorization": f"Bearer {await world.key(tools=('embed',))}"}
    assert (await post(client, HELLO, headers=headers)).status_code == 403


async def test_budget_exceeded_is_402(client, world):
    """With the attempts that were skipped."""
    await world.budget(day_nano=1)
    answer = await post(client, HELLO)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], len(error["attempts"])) == (402, "budget_exceeded", 3)


async def test_a_refusal_names_the_limit_to_its_caller_and_to_the_operator(client, world):
    """Which of all limits it is, what is left of it, and whose key met it."""
    await world.budget(month_tokens=120, day_nano=10**12)
    error = (await post(client, HELLO)).json()["error"]
    assert re.fullmatch(
        r"The monthly budget of this project is 120 tokens, of which 120 tokens are left and 0 tokens are held, and "
        r"the request may take up to [0-9]{4} tokens. Set max_tokens to [0-9]{1,2}, which would fit, or raise it: "
        r"gateway budgets set --project ID.",
        error["message"],
    )
    fits = int(error["message"].partition("max_tokens to ")[2].partition(",")[0])
    assert (await post(client, {**HELLO, "max_tokens": fits + 1})).status_code == 402
    assert (await post(client, {**HELLO, "max_tokens": fits})).status_code == 200
    line = next(line for line in world.lines() if line["message"] == "request failed")
    assert line["detail"].startswith("scope=p:month_tokens limit=120 left=120 held=0 wanted=")
    assert (line["error.type"], line["project_id"]) == ("budget_exceeded", "alpha")
    assert line["key_id"].startswith("key_alpha_")


async def test_a_request_of_nobody_fails_without_a_name(client, world):
    """A key that is not known belongs to no project."""
    await post(client, HELLO, headers={"authorization": "Bearer gk_alpha_nobody"})
    (line,) = [line for line in world.lines() if line["message"] == "request failed"]
    assert (line["error.type"], "project_id" in line, "key_id" in line) == ("unauthenticated", False, False)


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

    world.services.gateway.complete = broken
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
