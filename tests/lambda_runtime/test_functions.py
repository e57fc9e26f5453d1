"""The functions that answer through the streaming runtime, as real processes under the real awslambdaric."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import AsyncIterator
from decimal import Decimal

import openai
import pytest

from gateway_core.invocation import read_answer
from gateway_core.store.virtual_keys import KeyRecord, digest_of
from local.front import function_of
from tests.functions.mcp_front.conftest import fast
from tests.lambda_runtime.calls import HELLO, MODEL, ask, assert_is_estimated, events_of, post, streamed
from tests.lambda_runtime.deployment import (
    DEPLOYED,
    EVENTS,
    PAGES,
    QUEUED,
    SCHEDULED,
    Backend,
    Routed,
    deployed_functions,
    function,
    running_backend,
    sse,
)
from tests.lambda_runtime.emulator.answer import collect
from tests.lambda_runtime.emulator.environment import Environment, deployed
from tests.lambda_runtime.emulator.events import rest_event
from tests.lambda_runtime.emulator.fronts import rest_api
from tests.lambda_runtime.emulator.runtime_api import Begin, Chunk, End, Failed

pytestmark = pytest.mark.xdist_group("lambda-functions")
ASKED = {name: EVENTS[name] for name in EVENTS if function_of(EVENTS[name]["path"]) in DEPLOYED}


@pytest.fixture(scope="module")
async def world(tmp_path_factory) -> AsyncIterator[Backend]:
    """Store and providers, and the key that the events of `events/` carry."""
    async with running_backend(tmp_path_factory.mktemp("functions")) as found:
        await found.store.put_key(KeyRecord(project_id="dev", digest=digest_of("gk_dev_local"), admin=True))
        yield found


@pytest.fixture(scope="module")
async def functions(world) -> AsyncIterator[dict[str, Environment]]:
    """Importing LiteLLM takes seconds: each function has one environment for all tests."""
    async with deployed_functions(world) as found:
        yield found


@pytest.fixture(scope="module")
async def api(functions) -> AsyncIterator[str]:
    """The URL of API Gateway's REST API in front of them all."""
    async with rest_api(Routed(functions)) as url:
        yield url


@pytest.fixture
async def backend(world) -> AsyncIterator[Backend]:
    """Store and providers as new, but for keys and records."""
    await world.renew()
    yield world
    await world.renew()


@pytest.mark.parametrize("name", ASKED)
async def test_each_event_is_answered(functions, backend, name):
    """As `sam local invoke` sends it, and again by the same environment."""
    environment = functions[function_of(ASKED[name]["path"])]
    for _ in range(2):
        _seen, answer = await ask(environment, ASKED[name])
        assert answer.status == 200, answer.body
        assert answer.body.rstrip().endswith(PAGES.get(ASKED[name]["path"], "}").encode())


@pytest.mark.parametrize("name", SCHEDULED)
async def test_each_schedule_is_answered(functions, backend, name):
    """Twice by the same environment, each time in an event loop of its own."""
    for _ in range(2):
        seen = await collect(functions["probe"].invoke(SCHEDULED[name]))
        assert isinstance(seen.last, End), seen.last
        assert json.loads(seen.payload)["check"] == SCHEDULED[name]["check"]


@pytest.mark.parametrize("name", QUEUED)
async def test_each_batch_of_the_backlog_is_settled(functions, backend, name):
    """Twice by the same environment, each time in an event loop of its own."""
    for _ in range(2):
        seen = await collect(functions["replay"].invoke(QUEUED[name]))
        assert json.loads(seen.payload) == {"batchItemFailures": []}, seen


async def test_what_the_probe_found_is_told_by_another_function(functions, backend):
    """Which holds no provider key. A key that is refused shows, and moves no breaker."""
    backend.providers.fault("gemini", "auth", endpoint="models")
    seen = await collect(functions["probe"].invoke(SCHEDULED["probe"]))
    told = {provider["provider"]: provider["status"] for provider in json.loads(seen.payload)["providers"]}
    assert told == {
        "anthropic": "ok", "openai": "ok", "deepseek": "ok", "gemini": "bad_credentials", "ollama": "not_configured"
    }  # fmt: skip
    _seen, answer = await ask(functions["health"], EVENTS["health_providers"])
    providers = {provider["provider"]: provider for provider in json.loads(answer.body)["providers"]}
    assert (providers["openai"]["status"], providers["openai"]["probe"]["status"]) == ("healthy", "ok")
    assert (providers["gemini"]["status"], providers["gemini"]["models"][0]["breaker"]) == ("unhealthy", "closed")


async def test_a_probe_whose_results_are_lost_is_a_function_error(functions, backend):
    """So that Lambda runs it again, and keeps the event where it fails for good. An event that is none is answered."""
    seen = await collect(functions["probe"].invoke({"check": "everything"}))
    assert json.loads(seen.payload)["error"]["code"] == "invalid_request"
    seen = await collect(functions["probe"].invoke({"source": "warmup"}))
    assert json.loads(seen.payload) == {"ignored": True}
    environ = {**backend.environ, "UPSTASH_REDIS_REST_TOKEN": "wrong"}
    lost = function("probe", dataclasses.replace(backend, environ=environ), "")
    async with deployed(lost) as environment:
        seen = await collect(environment.invoke(SCHEDULED["probe"]))
    assert isinstance(seen.last, Failed)


async def test_json_goes_out_as_a_stream_of_one_piece(functions, backend):
    """Prelude, the whole answer, end: so a slow model does not meet API Gateway's limit for buffered answers."""
    event = post("/v1/complete", await backend.key("alpha"))
    begin, prelude, body, end = [item async for item in functions["complete"].invoke(event)]
    assert isinstance(begin, Begin)
    assert begin.headers["lambda-runtime-function-response-mode"] == "streaming"
    assert isinstance(prelude, Chunk)
    assert isinstance(body, Chunk)
    assert (read_answer(prelude.data).status, json.loads(body.data)["usage"]["output_tokens"]) == (200, 8)
    assert end == End()


async def test_the_first_chunk_arrives_while_the_model_still_writes(api, backend):
    """Through the runtime and the REST API; then the rest, and the bill."""
    backend.sluice.hold_after(3)
    async with streamed(api, await backend.key("alpha")) as answer:
        events = sse(answer.aiter_lines())
        name, first = await anext(events)
        assert (name, first["index"]) == ("chunk", 0)
        assert (await backend.calls())["in_flight"] == 1
        backend.sluice.release()
        *chunks, (last, done) = [event async for event in events]
    assert last == "done"
    assert first["delta"] + "".join(data["delta"] for _name, data in chunks) == done["content"]
    assert Decimal(done["cost"]["total_usd"]) > 0


async def test_the_openai_sdk_streams(api, backend):
    """Base URL and key are all that it is told."""
    key = await backend.key("alpha")
    async with openai.AsyncOpenAI(base_url=f"{api}/v1", api_key=key, max_retries=0) as client:
        whole = await client.chat.completions.create(model=MODEL, messages=HELLO["messages"])
        stream = await client.chat.completions.create(
            model=MODEL, messages=HELLO["messages"], stream=True, stream_options={"include_usage": True}
        )
        chunks = [chunk async for chunk in stream]
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert text == whole.choices[0].message.content
    assert chunks[-2].choices[0].finish_reason == "stop"
    assert chunks[-1].usage == whole.usage.model_copy(update={"cost_usd": chunks[-1].usage.cost_usd})


async def test_a_cut_answer_is_an_error_for_the_sdk(api, backend):
    """It is told in-band, after what was delivered."""
    backend.providers.fault("deepseek", "cut", after_chunks=2)
    key = await backend.key("alpha")
    async with openai.AsyncOpenAI(base_url=f"{api}/v1", api_key=key, max_retries=0) as client:
        stream = await client.chat.completions.create(model=MODEL, messages=HELLO["messages"], stream=True)
        assert [(await anext(stream)).choices[0].delta.content for _ in range(2)] == ["", "alpha"]
        with pytest.raises(openai.APIError):
            _ = [chunk async for chunk in stream]


async def test_a_cut_answer_never_looks_complete(functions, backend):
    """An error with the usage so far, no `[DONE]` and no finish reason; for Lambda the answer ended in order."""
    backend.providers.fault("deepseek", "cut", after_chunks=2)
    seen, answer = await ask(functions["stream"], post("/v1/chat/completions", await backend.key("beta"), stream=True))
    *chunks, (_name, last) = await events_of(answer)
    assert (answer.status, seen.last) == (200, End())
    assert not any(data["choices"][0]["finish_reason"] for _name, data in chunks)
    assert last["error"]["code"] == "provider_error"
    (record,) = await backend.records("beta")
    assert record.output_tokens == last["error"]["usage"]["output_tokens"]
    assert last["error"]["usage"]["estimated"] is True
    await assert_is_estimated(backend, "beta", record, delivered=2)


async def test_a_lost_connection_ends_the_call(functions, backend):
    """Where Lambda says that nobody reads, the provider's connection is closed and what was delivered is charged."""
    backend.providers.fault("deepseek", "stall", after_chunks=2, times=1)
    environment, key = functions["stream"], await backend.key("gamma")
    environment.api.break_after = 2
    *_parts, last = [item async for item in environment.invoke(post("/v1/stream", key))]
    environment.api.break_after = None
    assert last == Failed("Runtime.TruncatedResponse")
    # The same process takes the next event when it is through with this one.
    assert (await ask(environment, post("/v1/stream", key)))[1].status == 200
    assert (await backend.calls(wait_idle_s=5))["totals"]["disconnects"] == 1
    cancelled, whole = await backend.records("gamma")
    assert (cancelled.error_code, whole.error_code) == ("cancelled", "")
    assert (whole.output_tokens, whole.estimated_nano) == (8, 0)
    await assert_is_estimated(backend, "gamma", cancelled, delivered=2)


async def test_a_stream_ends_before_lambda_ends_it(functions, backend):
    """A typed error, an orderly end, a bill: the environment is not killed, and answers again."""
    backend.providers.fault("deepseek", "stall", after_chunks=2, times=1)
    environment, key = functions["stream"], await backend.key("delta")
    seen, answer = await ask(environment, post("/v1/stream", key), timeout_s=5, most_times=4)
    *_chunks, (name, data) = await events_of(answer)
    assert seen.last == End()
    assert (name, data["error"]["code"]) == ("error", "deadline_exceeded")
    (record,) = await backend.records("delta")
    assert record.error_code == "deadline_exceeded"
    assert data["error"]["usage"]["output_tokens"] == record.output_tokens
    await assert_is_estimated(backend, "delta", record, delivered=2)
    assert (await ask(environment, post("/v1/stream", key)))[1].status == 200


async def test_a_whole_answer_that_is_late_is_a_504(functions, backend):
    """Not Lambda's own timeout, which would tell the client nothing."""
    backend.providers.fault("deepseek", "timeout", times=1)
    event = post("/v1/complete", await backend.key("alpha"))
    _seen, answer = await ask(functions["complete"], event, timeout_s=4, most_times=4)
    assert (answer.status, json.loads(answer.body)["error"]["code"]) == (504, "deadline_exceeded")


async def test_a_batch_answers_before_the_function_has_to(functions, backend):
    """With what was ready; what hangs says so, and is in the books."""
    backend.providers.fault("deepseek", "timeout", times=1)
    questions = [{"index": n, "question": f"Say {n}", "model": MODEL, "method": "sequential"} for n in (1, 2)]
    questions.append({"index": 3, "question": "Say hello", "model": "gpt-5.1-mini"})
    event = rest_event(
        "POST",
        "/ask",
        [("authorization", f"Bearer {await backend.key('hurried')}")],
        json.dumps({"questions": questions}).encode(),
    )
    _seen, answer = await ask(functions["ask"], event, timeout_s=6, most_times=4)
    told = {result["index"]: result["error_code"] for result in json.loads(answer.body)["results"]}
    assert (answer.status, told) == (200, {1: "deadline_exceeded", 2: "deadline_exceeded", 3: None})
    assert len(await backend.records("hurried")) == 2


@pytest.mark.parametrize(("function", "path"), [("complete", "/v1/complete"), ("stream", "/v1/stream")])
async def test_a_refusal_is_a_status(functions, backend, function, path):
    """Nothing has been sent yet when the gateway refuses."""
    told = []
    poor, hasty = await backend.key(f"poor-{function}", day_nano=1), await backend.key(f"hasty-{function}", rpm=1)
    for key in ("gk_alpha_wrong", poor, hasty, hasty):
        _seen, answer = await ask(functions[function], post(path, key))
        told.append((answer.status, "retry-after" in answer.headers))
    assert told == [(401, False), (402, False), (200, False), (429, True)]


async def test_a_warm_function_uses_its_connection_again(functions, backend):
    """Its event loop lives as long as the process, and with it LiteLLM's client."""
    key = await backend.key("alpha")
    backend.sluice.clients.clear()
    for path in ("/v1/complete", "/v1/complete", "/v1/complete"):
        await ask(functions["complete"], post(path, key))
    assert len(set(backend.sluice.clients)) == 1


async def test_mcp_reaches_the_functions_through_lambda(api, backend):
    """The client's own key travels on: the bill of `complete` is in `get_usage`."""
    async with fast(f"{api}/mcp", await backend.key("epsilon"), "auto") as client:
        answer = await client.call_tool("complete", {**HELLO, "model": MODEL})
        usage = await client.call_tool("get_usage", {})
    assert answer.structured_content["content"]
    assert usage.structured_content["totals"]["requests"] == 1
    assert usage.structured_content["totals"]["cost_usd"] == answer.structured_content["cost"]["total_usd"]


async def test_mcp_tells_of_each_question_through_lambda(api, backend):
    """The function's events come through InvokeWithResponseStream one by one."""
    heard = []

    async def progress(done, total, message):
        heard.append((done, total, message))

    questions = [
        {"index": 1, "question": "Say hello", "model": MODEL, "method": "sequential"},
        {"index": 2, "question": "Repeat {Q1_result}", "model": MODEL, "method": "sequential"},
    ]
    async with fast(f"{api}/mcp", await backend.key("zeta"), "auto") as client:
        answer = await client.call_tool("litellm_batch_ask", {"questions": questions}, progress_handler=progress)
    # Where nothing is finished for seconds, there are signs of life between.
    finished = [each for each in heard if each[0] == int(each[0])]
    assert finished == [(1, 2, "1/2: question 1 answered"), (2, 2, "2/2: question 2 answered")]
    first, second = (result["result"] for result in answer.structured_content["results"])
    assert first in second
    assert len(await backend.records("zeta")) == 2
