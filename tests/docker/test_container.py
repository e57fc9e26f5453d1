"""The image and `compose.yaml`: the same gateway, on a machine of one's own."""

import json
import os
import re
import threading
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from fastmcp import Client
from mcp.client.client import Client as OfficialClient
from mcp.client.stdio import StdioServerParameters, stdio_client

from tests.docker.conftest import IMAGE, KEY, docker, wait_until_it_serves
from tests.e2e.conftest import PROVIDER_KEYS
from tests.patience import patience

QUESTION = {"messages": [{"role": "user", "content": "Say hello"}], "model_group": "fast"}
MOST_MB = 700
SECRETS = re.compile(r"(sk-[A-Za-z0-9]|AIza|BEGIN [A-Z ]*PRIVATE|gk_[a-z])")


def test_it_answers(stack):
    """Liveness without a key, a completion with one, and its cost in the report."""
    assert httpx.get(f"{stack.http.base_url}/health", timeout=patience(30)).json()["status"] == "ok"
    answer = stack.http.post("/v1/complete", json={**QUESTION, "agent_id": "container"})
    assert (answer.status_code, answer.json()["model"]) == (200, "claude-haiku-3.5"), answer.text
    rows = stack.http.get("/v1/usage", params={"group_by": "agent"}).json()["rows"]
    assert [row["cost_usd"] for row in rows if row["agent_id"] == "container"] == [answer.json()["cost"]["total_usd"]]


def test_it_streams(stack):
    """Piece by piece: the first event is read while later ones are still to come."""
    with stack.http.stream("POST", "/v1/stream", json=QUESTION) as answer:
        names = [line.removeprefix("event: ") for line in answer.iter_lines() if line.startswith("event: ")]
    assert names[0] == "chunk"
    assert names[-1] == "done"
    assert names.count("chunk") > 1


async def test_mcp_clients_reach_it(stack):
    """Over streamable HTTP, with the key as a bearer token."""
    async with Client(f"{stack.http.base_url}/mcp", auth=KEY) as gateway:
        answer = await gateway.call_tool("complete", QUESTION)
    assert answer.structured_content["model"] == "claude-haiku-3.5"


def test_the_batch_service_is_where_its_specification_says(stack):
    """Its own curl, on the port that PORT names, with a key."""
    question = {"index": 1, "question": "What is 1+1?", "model": "openai/gpt-4o-mini"}
    answer = stack.http.post("/ask", json={"questions": [question]})
    assert answer.status_code == 200, answer.text
    assert [result["index"] for result in answer.json()["results"]] == [1]


def test_any_providers_key_gets_into_it(stack):
    """By LiteLLM's name; what .env says of `make run` does not change where the container listens."""
    inside = docker("exec", stack.container, "env").splitlines()
    assert "PERPLEXITY_API_KEY=of-any-provider" in inside
    assert {"PORT=8787", "HOST=0.0.0.0", "LOCAL_STORE_DIR=/data"} <= set(inside)


@pytest.mark.parametrize("mode", ["auto", pytest.param("legacy", marks=pytest.mark.long)])
async def test_mcp_clients_start_it(mode):
    """`docker run -i IMAGE mcp`, as an MCP client's settings have it: the whole gateway over stdio."""
    arguments = ["run", "--rm", "-i", "-e", "LOCAL_SIMULATE=1", IMAGE, "mcp"]
    docker_run = StdioServerParameters(command="docker", args=arguments, env=dict(os.environ))
    heard = []

    async def progress(done, total, _message):
        heard.append((done, total))

    async with OfficialClient(stdio_client(docker_run), mode=mode) as client:
        batch = {"questions": [{"index": 1, "question": "Say hello", "model": "gpt-5.1-mini"}]}
        asked = await client.call_tool("litellm_batch_ask", batch, progress_callback=progress)
        assert asked.structured_content["results"][0]["status"] == "success", asked.content
    assert heard == [(1, 1)]


def test_it_is_confined(stack):
    """No root, no way to become it, nothing writable but the data, and bounds on memory, processors and processes."""
    found = stack.inspect()
    host = found["HostConfig"]
    assert docker("exec", stack.container, "id", "-u") == "10001"
    assert host["ReadonlyRootfs"]
    assert host["CapDrop"] == ["ALL"]
    assert "no-new-privileges:true" in host["SecurityOpt"]
    assert (host["Memory"], host["NanoCpus"], host["PidsLimit"]) == (1 << 30, 2_000_000_000, 256)
    assert stack.gets_healthy()


def test_only_this_machine_reaches_it_by_default(stack):
    """Published on loopback; the store inside is not published at all."""
    ports = stack.inspect()["NetworkSettings"]["Ports"]
    assert list(ports) == ["8787/tcp"]
    assert [binding["HostIp"] for binding in ports["8787/tcp"]] == ["127.0.0.1"]


def test_keys_are_made_in_the_container(stack):
    """As docs/docker.md says."""
    environ = ("--env", "UPSTASH_REDIS_REST_URL=http://127.0.0.1:8788", "--env", "UPSTASH_REDIS_REST_TOKEN=local")
    made = docker("exec", *environ, stack.container, "gateway", "keys", "create", "--project", "alpha")
    headers = {"authorization": f"Bearer {json.loads(made)['key']}"}
    assert stack.http.post("/v1/complete", json=QUESTION, headers=headers).status_code == 200


def test_stopping_lets_a_stream_finish_and_keeps_the_books(container, tmp_path):
    """SIGTERM in the middle: the answer comes to its end, the exit code is 0, a new container knows what it cost."""
    volume = f"llm-gateway-test-{tmp_path.name}"
    options = ("--env", f"GATEWAY_DEV_KEY={KEY}", "--env", "LOCAL_SIMULATE=1", "--volume", f"{volume}:/data")
    try:
        first = container(*options, "--publish", "127.0.0.1:18788:8787")
        wait_until_it_serves(first)
        done = _stream_while_it_stops(first)
        assert docker("wait", first) == "0"
        second = container(*options, "--publish", "127.0.0.1:18789:8787")
        wait_until_it_serves(second)
        assert _records(18789) == [(done["id"], done["cost"]["total_usd"])]
    finally:
        for identity in docker("ps", "--all", "--quiet", "--filter", f"volume={volume}").split():
            docker("rm", "--force", identity)
        docker("volume", "rm", "--force", volume)


def _stream_while_it_stops(identity: str) -> dict[str, object]:
    """The result of a stream whose container is told to stop after its first piece."""
    stopping = threading.Thread(target=docker, args=("stop", "--time", "40", identity))
    # Some 70 pieces, 50 ms apart: it is told to stop long before the last of them.
    question = {
        **QUESTION,
        "messages": [{"role": "user", "content": f"[[pace=50]] {'word ' * 200}"}],
        "max_tokens": 400,
    }
    names, done = [], {}
    headers = {"authorization": f"Bearer {KEY}"}
    url = "http://127.0.0.1:18788/v1/stream"
    with httpx.stream("POST", url, json=question, headers=headers, timeout=patience(60)) as answer:
        for line in answer.iter_lines():
            name, _, value = line.partition(": ")
            if name == "event":
                names.append(value)
                if names == ["chunk"]:
                    stopping.start()
            if name == "data" and names[-1] == "done":
                done = json.loads(value)
    stopping.join(patience(60))
    assert names.count("chunk") > 50
    assert names[-1] == "done"
    return done


def _records(port: int) -> list[tuple[str, str]]:
    day = f"{datetime.now(UTC):%Y-%m-%d}"
    headers = {"authorization": f"Bearer {KEY}"}
    answer = httpx.get(
        f"http://127.0.0.1:{port}/v1/usage/records", params={"date": day}, headers=headers, timeout=patience(30)
    ).json()
    return [(record["request_id"], record["cost_usd"]) for record in answer["records"]]


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (("--env", "GATEWAY_CONFIG=/nowhere.yaml"), "GATEWAY_CONFIG: cannot read /nowhere.yaml"),
        pytest.param(
            ("--env", "UPSTASH_REDIS_REST_URL=https://one.example"), "belong together", marks=pytest.mark.long
        ),
        pytest.param(("--env", "PORT=eighty"), "PORT must be", marks=pytest.mark.long),
    ],
)
def test_a_wrong_setting_ends_the_start(container, options, text):
    """With a message that names it, and no trace."""
    identity = container(*options)
    assert docker("wait", identity) == "2"
    logs = docker("logs", identity)
    told = logs or _standard_error(identity)
    assert text in told
    assert "Traceback" not in told


def _standard_error(identity: str) -> str:
    return Path(docker("inspect", "--format", "{{.LogPath}}", identity)).read_text()


def test_without_keys_nothing_is_made_up(container):
    """A gateway that others can reach has neither a key of its own making nor simulated answers."""
    identity = container()
    wait_until_it_serves(identity)
    logs = docker("logs", identity)
    assert re.search(r"^Key +none made", logs, re.MULTILINE)
    assert re.search(r"^Simulated +none", logs, re.MULTILINE)


def test_the_image_holds_no_secret_and_no_tools():
    """Neither in its settings nor in how it was made; and it stays small."""
    (found,) = json.loads(docker("image", "inspect", IMAGE))
    history = docker("history", "--no-trunc", "--format", "{{.CreatedBy}}", IMAGE)
    assert not SECRETS.search(json.dumps(found["Config"]) + history)
    assert found["Size"] < MOST_MB * 1_000_000
    assert docker("run", "--rm", IMAGE, "ls", "/app").split() == ["functions", "local"]
    assert docker("run", "--rm", IMAGE, "find", "/venv", "/app", "-name", ".env", "-o", "-name", "*.pth") == ""
    programs = docker("run", "--rm", IMAGE, "ls", "/venv/bin").split()
    assert [name for name in programs if not name.startswith("python")] == ["gateway", "mcp"]


async def test_with_a_database_of_its_owner_it_starts_none(container, outside):
    """Settled in what the variables name, over a network that is trusted; nothing is kept in the container."""
    environ = {**outside.environ, **PROVIDER_KEYS, "GATEWAY_ALLOW_HTTP": "1", "GATEWAY_CONFIG": ""}
    options = [part for name, value in environ.items() for part in ("--env", f"{name}={value}")]
    identity = container(*options, "--publish", "127.0.0.1:18790:8787")
    wait_until_it_serves(identity)
    headers = {"authorization": f"Bearer {await outside.key('alpha')}"}
    async with httpx.AsyncClient(base_url="http://127.0.0.1:18790", headers=headers, timeout=patience(60)) as http:
        answer = await http.post("/v1/complete", json=QUESTION)
    assert answer.status_code == 200, answer.text
    assert [record.request_id for record in await outside.records("alpha")] == [answer.json()["id"]]
    assert docker("exec", identity, "ls", "/data") == ""
    assert re.search(rf"^Store +{outside.environ['UPSTASH_REDIS_REST_URL']}$", docker("logs", identity), re.MULTILINE)
