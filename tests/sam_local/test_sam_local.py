"""Every function and every event of `events/` through `sam local invoke` or one of SAM's local servers."""

import asyncio
import json

import httpx
import pytest

from local.front import function_of
from tests.lambda_runtime.deployment import EVENTS, PAGES, QUEUED, SCHEDULED, STARTED
from tests.patience import patience
from tests.sam_local.conftest import PATIENCE_S, free_port, sam_environ, serving
from tests.template.test_template import ROOT

HEADERS = {"authorization": "Bearer gk_dev_local"}
QUESTION = {"messages": [{"role": "user", "content": "Say hello"}], "model_group": "fast", "agent_id": "sam-local"}
MCP_HEADERS = {"accept": "application/json, text/event-stream", "content-type": "application/json"}
# These call other functions, which takes Lambda's API.
THROUGH_LAMBDA = {"mcp_tools_call"}
# One worker starts `start-lambda`, once, while another does the rest.
by_api = pytest.mark.xdist_group("start-lambda")
others = pytest.mark.xdist_group("start-api")


def logical_id(event) -> str:
    """The template's name of the function that serves an event."""
    return function_of(event["path"]).capitalize()


@others
def test_a_function_is_invoked(invoke):
    """By the command, in a container of its own."""
    answer = invoke("Complete", ROOT / "events/complete.json")
    assert (answer["statusCode"], json.loads(answer["body"])["model"]) == (200, "claude-haiku-3.5"), answer


@by_api
@pytest.mark.parametrize("name", sorted(EVENTS.keys() - THROUGH_LAMBDA))
def test_each_event_is_answered(call, name):
    """By each built function with its layers. A command for each would load SAM anew, which takes longer."""
    answer = call(logical_id(EVENTS[name]), EVENTS[name])
    assert answer["statusCode"] == 200, answer
    assert answer["body"].rstrip().endswith(PAGES.get(EVENTS[name]["path"], "}"))
    assert name != "models" or "claude-haiku-3.5" in {model["id"] for model in json.loads(answer["body"])["data"]}


@by_api
@pytest.mark.parametrize("name", sorted(SCHEDULED))
def test_each_schedule_is_answered(call, name):
    """As EventBridge Scheduler sends it; the providers are found well by the keys that the variables give."""
    answer = call("Probe", SCHEDULED[name])
    assert answer["check"] == SCHEDULED[name]["check"], answer
    found = {provider["provider"]: provider["status"] for provider in answer.get("providers", [])}
    wanted = ("anthropic", "openai", "gemini", "deepseek") if answer["check"] == "providers" else ()
    assert [found.get(provider) for provider in wanted] == ["ok" for _ in wanted]


@by_api
@pytest.mark.parametrize("name", sorted(QUEUED))
def test_each_batch_of_the_backlog_is_settled(call, name):
    """As Lambda hands it over. The store does not know the request: there is nothing to do for it any more."""
    assert call("Replay", QUEUED[name]) == {"batchItemFailures": []}


@others
async def test_a_job_is_an_execution(command, engine):
    """Started as `ask` does it. There is no such job in the store: the worker says so, and the execution ends."""
    process = await asyncio.create_subprocess_exec(
        *command("invoke", "JobWorker", "--event", str(ROOT / "events/jobs.json"), "--durable-execution-name", "sam"),
        env={**sam_environ(), "DURABLE_EXECUTIONS_EXTERNAL_EMULATOR_PORT": engine.url.rpartition(":")[2]},
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    told, _ = await asyncio.wait_for(process.communicate(), patience(PATIENCE_S))
    assert process.returncode == 0, told.decode()
    (execution,) = await engine.executions("function")
    engine.started["sam"] = execution["DurableExecutionArn"]
    ended = await engine.ended("sam")
    assert ended["Status"] == "SUCCEEDED", (ended, told.decode())
    assert json.loads(ended["Result"]) == {**STARTED["jobs"], "state": None}


@pytest.fixture(scope="module")
def rest_api(command):
    """`sam local start-api`."""
    port = free_port("127.0.0.1")
    with (
        serving(command("start-api", "--port", str(port), "--warm-containers", "LAZY")),
        httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=HEADERS, timeout=patience(100)) as http,
    ):
        yield http


@by_api
@pytest.mark.parametrize("name", sorted(THROUGH_LAMBDA))
def test_each_event_that_calls_other_functions_is_answered(invoke, lambda_api, name):
    """The MCP front finds them by `start-lambda`, as it does by Lambda's API on AWS."""
    answer = invoke(logical_id(EVENTS[name]), ROOT / f"events/{name}.json")
    assert answer["statusCode"] == 200, answer
    # An answer that takes a while is an event stream, whose last event is the result.
    result = json.loads(answer["body"].rpartition("data: ")[2])["result"]
    assert result["structuredContent"]["model"] == "claude-haiku-3.5", result


@others
def test_start_api_serves_the_routes(rest_api):
    """Liveness, a completion, a stream all at once, usage of both, and MCP."""
    assert rest_api.get("/health").json()["status"] == "ok"
    done = rest_api.post("/v1/complete", json=QUESTION)
    assert (done.status_code, done.json()["model"]) == (200, "claude-haiku-3.5"), done.text
    streamed = rest_api.post("/v1/stream", json=QUESTION)
    assert streamed.status_code == 200
    assert "event: done" in streamed.text
    usage = rest_api.get("/v1/usage", params={"group_by": "agent"}).json()
    assert {row["agent_id"]: row["requests"] for row in usage["rows"]}["sam-local"] >= 2
    call = EVENTS["mcp_tools_list"]
    listed = rest_api.post("/mcp", content=call["body"], headers={**MCP_HEADERS, **_mcp_headers(call)})
    assert "complete" in {tool["name"] for tool in listed.json()["result"]["tools"]}


@others
def test_start_api_refuses_without_a_key(rest_api):
    """In the gateway's own shape."""
    answer = rest_api.get("/v1/models", headers={"authorization": "Bearer gk_dev_wrong"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "unauthenticated")


def _mcp_headers(event):
    return {name: value for name, value in event["headers"].items() if name.lower().startswith("mcp-")}
