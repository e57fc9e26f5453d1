"""The runtime in other surroundings: several environments, SnapStart, sam local, other runtimes, real functions."""

from __future__ import annotations

import asyncio
import base64
import json
import random
import shutil
import sys
from importlib.util import find_spec
from pathlib import Path

import httpx

from tests.lambda_runtime.emulator.answer import Answer, collect
from tests.lambda_runtime.emulator.environment import MANAGED, REPOSITORY, WRAPPER, Function, deployed
from tests.lambda_runtime.emulator.events import rest_event, url_event
from tests.lambda_runtime.emulator.fleet import deployed_fleet
from tests.lambda_runtime.emulator.fronts import rest_api
from tests.patience import patience

UNCHANGED = (sys.executable, "-m", "awslambdaric", "probe.handler")
STORE = {"UPSTASH_REDIS_REST_URL": "http://127.0.0.1:9", "UPSTASH_REDIS_REST_TOKEN": "unused"}
PARTS_OF_THE_LAYER = (
    "awslambdaric",
    "gateway_core",
    "mangum",
    "runtime_client",
    "simplejson",
    "snapshot_restore_py",
    "starlette",
    "typing_extensions",
)


async def whole(function: Function, event: object) -> Answer:
    """Deploy, ask once, tear down."""
    async with deployed(function) as environment:
        return await collect(environment.invoke(event))


async def test_environments_answer_side_by_side(gate):
    """Each open answer has a process of its own."""
    function = Function(environ={"GATE_PORT": str(gate.port)})
    async with (
        deployed_fleet(function, 2) as fleet,
        rest_api(fleet) as url,
        httpx.AsyncClient(base_url=url, timeout=patience(30)) as client,
    ):
        asked = [asyncio.create_task(client.get("/meet")) for _ in range(2)]
        met = [await gate.hold() for _ in asked]
        assert len({pid for pid, _ in met}) == 2
        for _, app in met:
            gate.release(app)
        assert [(await answer).content for answer in asked] == [b"met", b"met"]


async def test_restore_hooks_run_after_a_snapshot():
    """The process waits at the snapshot; restored, it runs the hooks, and its random numbers are its own."""
    async with deployed(Function(is_snapstart=True)) as environment:
        assert environment.api.at_snapshot.is_set()
        assert not environment.api.polled.is_set()
        environment.api.restored.set()
        answer = json.loads((await collect(environment.invoke(rest_event("GET", "/restored")))).body)
    assert answer["hooks"] == ["restored"]
    assert answer["random"] != random.Random(1).random()  # noqa: S311 - the number of the seed that the app set


async def test_sam_local_gets_whole_answers():
    """`sam local` takes one JSON document: text as text, other bytes as base64, cookies by the event's version."""
    async with deployed(Function(environ={"AWS_SAM_LOCAL": "true"})) as environment:
        told, binary, joined, broken = [
            await collect(environment.invoke(event))
            for event in (
                rest_event("GET", "/echo"),
                rest_event("GET", "/many-headers"),
                url_event("GET", "/many-headers"),
                rest_event("GET", "/cut"),
            )
        ]
    assert "lambda-runtime-function-response-mode" not in told.begin.headers
    proxy = json.loads(told.payload)
    assert (proxy["statusCode"], proxy["isBase64Encoded"], json.loads(proxy["body"])["path"]) == (
        201,
        False,
        "/live/echo",
    )
    proxy = json.loads(binary.payload)
    assert proxy["multiValueHeaders"]["set-cookie"] == ["a=1; Path=/", "b=2"]
    assert (proxy["isBase64Encoded"], base64.b64decode(proxy["body"])) == (True, bytes(range(256)))
    assert json.loads(joined.payload)["cookies"] == ["a=1; Path=/", "b=2"]
    assert broken.last.error == "ValueError"


async def test_an_unchanged_runtime_gets_whole_answers():
    """Without the wrapper the same handler answers in the buffered form."""
    answer = await whole(Function(command=UNCHANGED), rest_event("GET", "/echo"))
    assert json.loads(answer.payload)["statusCode"] == 201


async def test_other_handlers_run_as_ever():
    """What a handler returns goes through untouched when it is no stream."""
    answer = await whole(Function(handler="probe.plain"), {})
    assert json.loads(answer.payload) == {"statusCode": 200, "body": "plain"}


async def test_another_awslambdaric_is_refused_at_init(tmp_path):
    """A function with it never takes an event, and the init error says what to do."""
    changed = Path(shutil.copytree(location("awslambdaric"), tmp_path / "awslambdaric"))
    client = changed / "lambda_runtime_client.py"
    client.write_text(client.read_text().replace("result_data", "payload"))
    async with deployed(Function(environ={"PYTHONPATH": str(tmp_path)})) as environment:
        assert await environment.exited() == 1
        assert environment.api.init_error["errorType"] == "Runtime.UnknownRuntime"
        assert "post_invocation_result takes" in environment.api.init_error["errorMessage"]
        assert "stream-runtime" in await environment.log.line_with("has other seams")
        assert not environment.api.polled.is_set()


async def test_the_wrapper_starts_the_layers_own_runtime(tmp_path):
    """As on Lambda: /opt/python comes before the managed runtime's directory, which stays for what only it has."""
    opt, managed = tmp_path / "opt", tmp_path / "runtime"
    (opt / "python").mkdir(parents=True)
    for name in PARTS_OF_THE_LAYER:
        (opt / "python" / location(name).name).symlink_to(location(name))
    shutil.copy(WRAPPER, opt / "stream-runtime")
    (managed / "awslambdaric").mkdir(parents=True)
    (managed / "awslambdaric/__init__.py").write_text("raise RuntimeError('the managed runtime was started')")
    (managed / "boto3.py").write_text("ORIGIN = 'managed'")
    task = tmp_path / "task"
    task.mkdir()
    (task / "app.py").write_text(
        "import awslambdaric, boto3\ndef handler(event, context): return [awslambdaric.__file__, boto3.ORIGIN]\n"
    )
    command = (str(opt / "stream-runtime"), f"{sys.base_prefix}/bin/python3", MANAGED)
    function = Function("app.handler", task, command, {"LAMBDA_RUNTIME_DIR": str(managed)})
    started, boto3 = json.loads((await whole(function, {})).payload)
    assert started.startswith(str(opt / "python"))
    assert boto3 == "managed"


async def test_the_health_function_streams():
    """A real function's app under the streaming handler, and under its own."""
    folder = REPOSITORY / "functions/health"
    event = rest_event("GET", "/health")
    environ = {**STORE, "PYTHONPATH": str(folder)}
    streamed, own = await asyncio.gather(
        whole(Function("streamed_health.handler", environ=environ), event),
        whole(Function("app.handler", folder, environ=STORE), event),
    )
    assert (streamed.status, json.loads(streamed.body)["status"]) == (200, "ok")
    assert json.loads(json.loads(own.payload)["body"])["status"] == "ok"


def location(name: str) -> Path:
    """The directory or file of an installed top-level package."""
    spec = find_spec(name)
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent if spec.submodule_search_locations else Path(spec.origin)
