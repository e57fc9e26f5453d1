"""The function as Lambda has it: on events, invoking others through Lambda, without what it must not load."""

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from mangum import Mangum

from gateway_core.lambda_stream import streaming_handler
from gateway_core.mcp_front.app import create_mcp
from gateway_core.mcp_front.settings import McpSettings
from local.serving import serve
from tests.contract.lambda_stub import LambdaStub, against
from tests.functions.mcp_front.conftest import body_of
from tests.patience import patience

ROOT = Path(__file__).parents[3]
EVENTS = {path.stem: json.loads(path.read_text()) for path in sorted((ROOT / "events").glob("mcp_*.json"))}
NAMES = {"complete": "gateway-Complete-1", "models": "gateway-Models-2"}
PROGRAM = """
import json, sys
from functions.mcp.app import handler
event = json.load(sys.stdin)
answers = [handler(event, None)["statusCode"] for _ in range(2)]
loaded = {"litellm", "openai", "boto3"} & sys.modules.keys()
print(json.dumps({"answers": answers, "loaded": sorted(loaded)}))
"""


class Answer:
    """A proxy answer, with the text where a client has it."""

    def __init__(self, answer):
        self.status_code = answer["statusCode"]
        self.text = answer["body"]


@pytest.fixture(params=[False, True], ids=["whole", "streaming"])
def stub(request, mcp):
    """Lambda with the other functions, on either runtime."""
    apps = {NAMES[name]: mcp.invoker._apps[name] for name in NAMES}
    return LambdaStub(apps, request.param)


@pytest.fixture
async def invoke(mcp, stub):
    """Run the handler on an event, in a thread as its loop is its own; each adapter in turn."""
    settings = McpSettings.from_env({"AWS_LAMBDA_FUNCTION_NAME": "mcp"}, body_limit=10_000, default_timeout_s=60)
    services = mcp.world.services
    key = await mcp.world.key()

    def run(invoker, event, adapter):
        headers = {**event["headers"], "authorization": f"Bearer {key}"}
        ready = {**event, "headers": headers, "multiValueHeaders": {name: [value] for name, value in headers.items()}}
        with asyncio.Runner() as runner:
            asyncio.set_event_loop(runner.get_loop())
            return adapter(create_mcp(invoker, services.authenticator, settings, services.telemetry, services.clock))(
                ready, None
            )

    with serve(stub.app()) as url:
        invoker = against(url, NAMES)
        yield lambda event, adapter: asyncio.to_thread(run, invoker, event, adapter)
        invoker.close()


def mangum(app):
    return Mangum(app, lifespan="off")


def ours(app):
    handler = streaming_handler(app)

    def run(event, context):
        try:
            return handler(event, context)
        finally:
            handler.close()

    return run


@pytest.mark.parametrize("adapter", [mangum, ours])
async def test_a_call_goes_through_lambda(invoke, stub, adapter):
    """API Gateway's event in, an invocation by name, API Gateway's answer out; its own host is trusted."""
    event = EVENTS["mcp_tools_call"]
    asked = json.loads(event["body"])
    asked["params"]["arguments"].pop("model_group")
    answer = Answer(await invoke({**event, "body": json.dumps(asked)}, adapter))
    assert answer.status_code == 200
    assert body_of(answer)["result"]["structuredContent"]["content"] == "Say hello"
    (sent,) = stub.events
    assert (sent["path"], "authorizer" in sent["requestContext"]) == ("/v1/complete", False)


async def test_what_the_authorizer_said_travels_on(invoke, stub):
    """A function can rely on it as on API Gateway's own event."""
    event = EVENTS["mcp_tools_call"]
    said = {"authorizer": {"principalId": "jwt|7", "scope": "llm"}}
    await invoke({**event, "requestContext": {**event["requestContext"], **said}}, mangum)
    assert stub.events[0]["requestContext"]["authorizer"] == said["authorizer"]


async def test_a_stage_in_the_path_does_not_matter(invoke):
    """Our runtime tells the app of it, as a server tells of where it is mounted."""
    answer = Answer(await invoke(EVENTS["mcp_tools_list"], ours))
    assert body_of(answer)["result"]["tools"][0]["name"] == "complete"


async def test_a_client_of_2025_is_greeted(invoke):
    """By the same handler."""
    answer = Answer(await invoke(EVENTS["mcp_initialize"], mangum))
    assert body_of(answer)["result"]["protocolVersion"] == "2025-11-25"


async def test_another_host_is_refused(invoke):
    """API Gateway answers for its own names only; a forged header is none of them."""
    event = EVENTS["mcp_tools_list"]
    forged = {**event, "headers": {**event["headers"], "host": "evil.example"}}
    assert Answer(await invoke(forged, mangum)).status_code == 421


@pytest.mark.long
def test_the_function_loads_neither_models_nor_the_cloud():
    """LiteLLM would triple its start; boto3 comes with the first invocation."""
    event = json.loads(json.dumps(EVENTS["mcp_tools_list"]).replace("gk_dev_local", "gk_malformed"))
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        input=json.dumps(event),
        cwd=ROOT,
        env={
            "PATH": os.environ["PATH"],
            "UPSTASH_REDIS_REST_URL": "http://127.0.0.1:1",
            "UPSTASH_REDIS_REST_TOKEN": "none",
        },
        capture_output=True,
        text=True,
        timeout=patience(50),
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == {"answers": [401, 401], "loaded": []}
