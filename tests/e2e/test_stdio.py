"""`python -m local.stdio` as MCP clients start it: the whole gateway behind stdin and stdout."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from contextlib import contextmanager

import pytest
from fastmcp import Client as FastClient
from fastmcp.client.transports import StdioTransport
from mcp.client.client import Client
from mcp.client.stdio import StdioServerParameters, stdio_client

from local.providers import base_urls
from tests.e2e.conftest import PROVIDER_KEYS, UNHURRIED
from tests.forked import forked
from tests.patience import patience

pytestmark = pytest.mark.xdist_group("e2e")

PROGRAM = "local.stdio"
BASE = {
    "PATH": os.environ["PATH"],
    "HOME": os.environ["HOME"],
    "PROBE_INTERVAL_S": "0",
    "LOG_FORMAT": "json",
    **UNHURRIED,
}
HELLO = {"messages": [{"role": "user", "content": "Say hello"}], "model_group": "fast"}
BATCH = {
    "questions": [
        {"index": 1, "question": "Name a city", "method": "sequential", "model": "gemini-flash"},
        {"index": 2, "question": "What lies near {Q1_result}?", "method": "sequential", "model": "gpt-5.1-mini"},
        {"index": 3, "question": "What are the primary colors?", "model": "gpt-5.1-mini"},
    ]
}
INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}},
}


@pytest.fixture
def real(providers, providers_url):
    """An environment that takes the simulator for the real providers."""
    return {**BASE, **PROVIDER_KEYS, **base_urls(providers_url)}


@pytest.fixture
def shared(stack):
    """The address of a store that is not its own."""
    return {"UPSTASH_REDIS_REST_URL": stack.urls["Store"], "UPSTASH_REDIS_REST_TOKEN": "local"}


def official(environ, mode, log):
    """The SDK's client, which starts the gateway."""
    command, *args = forked(PROGRAM)
    return Client(stdio_client(StdioServerParameters(command=command, args=args, env=environ), errlog=log), mode=mode)


@contextmanager
def started(command, **environ):
    """The gateway as a process, to be spoken to by hand."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, env={**BASE, **environ}, text=True, **pipes) as process:
        try:
            yield process
        finally:
            process.kill()


def say(process, message):
    """One message to it."""
    process.stdin.write(json.dumps(message) + "\n")
    process.stdin.flush()


@pytest.mark.parametrize(("mode", "version"), [("auto", "2026-07-28"), ("legacy", "2025-11-25")])
async def test_the_official_client(real, tmp_path, mode, version):
    """Lists, completes, asks a batch with progress; the books have it all, and the log has no prompt."""
    heard = []

    async def progress(done, total, message):
        heard.append((done, total, message))

    with (tmp_path / "log").open("w+") as log:
        async with official(real, mode, log) as client:
            assert client.session.protocol_version == version
            assert "litellm_batch_ask" in [tool.name for tool in (await client.list_tools()).tools]
            answer = await client.call_tool("complete", HELLO)
            assert answer.structured_content["provider"] == "anthropic"
            asked = await client.call_tool("litellm_batch_ask", BATCH, progress_callback=progress)
            assert not asked.is_error, asked.content
            report = await client.call_tool("get_usage", {})
            assert report.structured_content["totals"]["requests"] == 4
        log.seek(0)
        lines = log.read()
    results = asked.structured_content["results"]
    assert [(result["index"], result["status"]) for result in results] == [(n, "success") for n in (1, 2, 3)]
    assert results[0]["result"] in results[1]["result"]
    assert [(done, total) for done, total, _ in heard] == [(1, 3), (2, 3), (3, 3)]
    assert lines.count('"message":"usage"') == 4
    assert not [word for word in ("hello", "city", "gk_", *PROVIDER_KEYS.values()) if word in lines]


async def test_fastmcps_client(real):
    """With a store and a key of its own making, as the other."""
    command, *args = forked(PROGRAM)
    async with FastClient(StdioTransport(command, args, env=real)) as client:
        answer = await client.call_tool("litellm_batch_ask", BATCH)
    assert answer.structured_content["totals"]["succeeded"] == 3


async def test_cancelling_frees_the_session(real, providers):
    """A question that hangs is waited for by nobody when the client says so; the end of the session ends it."""
    providers.post("/__faults", json={"provider": "openai", "kind": "stall"}).raise_for_status()
    heard = asyncio.Event()

    async def progress(_done, _total, _message):
        heard.set()

    async with official(real, "legacy", sys.stderr) as client:
        call = asyncio.create_task(client.call_tool("litellm_batch_ask", BATCH, progress_callback=progress))
        await heard.wait()
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        answer = await client.call_tool("complete", HELLO)
        assert answer.structured_content["provider"] == "anthropic"
    totals = providers.get("/__calls", params={"wait_idle_s": patience(10)}).json()["totals"]
    assert totals["disconnects"] >= 1


def test_nothing_but_messages_is_on_stdout():
    """Logs go to stderr, whatever their level; without a key no answer is made up; the end of stdin ends it."""
    with started([sys.executable, "-m", PROGRAM], LOG_LEVEL="DEBUG") as process:
        say(process, INITIALIZE)
        say(process, {"jsonrpc": "2.0", "method": "notifications/initialized"})
        call = {"name": "complete", "arguments": HELLO}
        say(process, {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": call})
        answers = [json.loads(process.stdout.readline()) for _ in range(2)]
        rest, log = process.communicate(timeout=patience(50))
    assert [answer["id"] for answer in answers] == [1, 2]
    assert answers[1]["result"]["isError"] is True
    assert "heard" not in answers[1]["result"]["content"][0]["text"]
    assert (rest, process.returncode) == ("", 0)
    assert [json.loads(line)["level"] for line in log.splitlines()]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it(number):
    """As the end of stdin does: `docker stop` sends SIGTERM to a process that nothing else would end."""
    with started(forked(PROGRAM)) as process:
        say(process, INITIALIZE)
        process.stdout.readline()
        process.send_signal(number)
        assert process.wait(patience(20)) == 0
        assert "Traceback" not in process.stderr.read()


@pytest.mark.parametrize(
    ("environ", "text"),
    [
        ({"GATEWAY_KEY": "not-a-key"}, "GATEWAY_KEY must look like gk_PROJECT_SECRET"),
        ({"GATEWAY_CONFIG": "missing.yaml"}, "missing.yaml"),
        ({"UPSTASH_REDIS_REST_URL": "http://127.0.0.1:9", "UPSTASH_REDIS_REST_TOKEN": "any"}, "GATEWAY_KEY: set a key"),
        (
            {
                "UPSTASH_REDIS_REST_URL": "http://127.0.0.1:9",
                "UPSTASH_REDIS_REST_TOKEN": "any",
                "GATEWAY_KEY": "gk_alpha_some",
            },
            "store does not answer",
        ),
    ],
)
def test_a_wrong_setting_is_explained(environ, text):
    """On stderr, in one line that names the variable; exit code 2, no trace."""
    done = subprocess.run(
        forked(PROGRAM),
        env={**BASE, **environ},
        input="",
        capture_output=True,
        text=True,
        timeout=patience(50),
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, ""), done.stderr
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("mcp: ")]
    assert text in line
    assert "Traceback" not in done.stderr


@pytest.fixture
def limited(run_gateway):
    """A key for one tool."""
    return str(run_gateway("keys", "create", "--project", "stdio", "--tools", "complete")["key"])


async def test_a_key_of_a_shared_store(real, shared, limited):
    """Its rights hold."""
    async with official({**real, **shared, "GATEWAY_KEY": limited}, "auto", sys.stderr) as client:
        assert [tool.name for tool in (await client.list_tools()).tools] == ["complete"]


def test_a_key_that_a_shared_store_does_not_know(shared):
    """It has to be there: none is made in a store of others."""
    wrong = {**BASE, **shared, "GATEWAY_KEY": "gk_stdio_unknown"}
    done = subprocess.run(
        forked(PROGRAM), env=wrong, input="", capture_output=True, text=True, timeout=patience(50), check=False
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert "mcp: GATEWAY_KEY: The API key is unknown or revoked." in done.stderr


async def ended(client, job_id):
    """The last page of a job's results, when it has ended."""
    async with asyncio.timeout(patience(40)):
        while True:
            shown = (await client.call_tool("batch_status", {"id": job_id})).structured_content
            if shown["state"] not in {"queued", "running"}:
                return shown
            await asyncio.sleep(0.1)


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_a_job(real, tmp_path, mode):
    """It is worked on in the same process, begun as soon as LiteLLM is loaded; no log has its questions."""
    with (tmp_path / "log").open("w+") as log:
        async with official(real, mode, log) as client:
            begun = await client.call_tool("litellm_batch_ask", {**BATCH, "mode": "job"})
            assert not begun.is_error, begun.content
            shown = await ended(client, begun.structured_content["id"])
            again = await client.call_tool("batch_cancel", {"id": shown["id"]})
        log.seek(0)
        lines = log.read()
    assert (shown["state"], shown["answered"], shown["next"]) == ("succeeded", 3, None)
    results = {result["index"]: result for result in shown["results"]}
    assert results[1]["result"] in results[2]["result"]
    assert again.structured_content["state"] == "succeeded"
    assert '"message":"job ended"' in lines
    assert not [word for word in ("city", "gk_", *PROVIDER_KEYS.values()) if word in lines]


async def test_a_job_that_is_cancelled(real, providers):
    """What is under way may end; the session goes on."""
    providers.post("/__faults", json={"provider": "openai", "kind": "slow", "delay_ms": 3000}).raise_for_status()
    questions = [{"index": n, "question": f"ask {n}", "model": "gpt-5.1-mini", "cache": False} for n in range(100)]
    async with official(real, "auto", sys.stderr) as client:
        begun = await client.call_tool("litellm_batch_ask", {"questions": questions, "mode": "job"})
        stopped = await client.call_tool("batch_cancel", {"id": begun.structured_content["id"]})
        shown = await ended(client, begun.structured_content["id"])
        answer = await client.call_tool("complete", HELLO)
    assert (stopped.structured_content["state"], shown["state"]) == ("cancelled", "cancelled")
    assert shown["answered"] < 100
    assert answer.structured_content["provider"] == "anthropic"


async def test_a_job_that_outlives_its_process(real, providers, tmp_path):
    """The next one over the same volume goes on with it, where the first has stopped."""
    providers.post("/__faults", json={"provider": "openai", "kind": "slow", "delay_ms": 500}).raise_for_status()
    kept = {**real, "LOCAL_STORE_DIR": str(tmp_path)}
    questions = [{"index": n, "question": f"ask {n}", "model": "gpt-5.1-mini", "cache": False} for n in range(60)]
    async with official(kept, "auto", sys.stderr) as client:
        begun = await client.call_tool("litellm_batch_ask", {"questions": questions, "mode": "job"})
    async with official(kept, "auto", sys.stderr) as client:
        shown = await ended(client, begun.structured_content["id"])
    assert (shown["state"], shown["succeeded"]) == ("succeeded", 60)
    assert sorted(result["index"] for result in shown["results"]) == list(range(60))
    calls = providers.get("/__calls").json()["totals"]["calls"]
    assert 60 <= calls <= 60 + 16
