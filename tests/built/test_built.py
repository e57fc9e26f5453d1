"""What `sam build` made: its size, its parts, and that it runs by itself as on Lambda. `make build` starts this."""

from __future__ import annotations

import dataclasses
import json
import os
import struct
import subprocess
import sys
from collections.abc import AsyncIterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from gateway_core.invocation import read_answer
from gateway_core.store.virtual_keys import KeyRecord, digest_of
from local.front import function_of
from local.serving import serve
from tests import other_providers
from tests.built.build import MACHINE, NAMES, WITH_JOBS, WITH_LITELLM, Build, Managed, files, managed_runtime, size
from tests.lambda_runtime.deployment import (
    EVENTS,
    PAGES,
    QUEUED,
    SCHEDULED,
    STARTED,
    Backend,
    deployed_functions,
    running_backend,
)
from tests.lambda_runtime.emulator.answer import collect
from tests.lambda_runtime.emulator.environment import Environment, Function
from tests.template.test_template import FUNCTIONS

BUILD = Path(os.environ.get("GATEWAY_BUILD", "none"))
ARCHITECTURE = os.environ.get("GATEWAY_BUILD_ARCHITECTURE", "")
pytestmark = pytest.mark.skipif(not BUILD.is_dir(), reason="it looks at what `make build` made")

built = Build(BUILD)
# A little above what they are, and below the budgets of the design (200, 110 and 40 MB): growth is to be noticed.
LIGHT_MB = 32
MOST_MB = dict.fromkeys(WITH_LITELLM, 190) | dict.fromkeys(WITH_JOBS, 198) | {"Mcp": 106}
MACHINES = {"x86_64": 62, "arm64": 183}  # e_machine in ELF's header
MODELS = ("claude-haiku-3.5", "gpt-5.1", "codex-max", "gemini-flash", "deepseek-v3.2")
"""One for each wire of the four providers."""


@pytest.mark.parametrize("name", FUNCTIONS)
def test_it_is_small_enough(name, capsys):
    """Unzipped, with its layers; Lambda's own limit is 250 MiB."""
    sizes = {folder.name: size(folder) for folder in built.parts(name)}
    with capsys.disabled():
        print("", name, sum(sizes.values()), sizes)  # noqa: T201 - the build's report
    assert sum(sizes.values()) <= MOST_MB.get(name, LIGHT_MB) * 1_000_000


def test_compiled_parts_are_for_the_architecture():
    """No wheel of the building machine slipped in."""
    libraries = list(files(BUILD, "*.so"))
    machines = {struct.unpack_from("<H", path.read_bytes()[:20], 18)[0] for path in libraries}
    assert machines == {MACHINES[ARCHITECTURE]}


def test_everything_is_compiled():
    """Unchecked: flags 1 after the magic number (PEP 552)."""
    if sys.version_info[:2] != (3, 13):
        pytest.skip("the runtime's Python 3.13 is not this one, and may not have been there to compile")
    folders = (built.core, built.litellm, built.jobs, BUILD / "Mcp")
    sources = [path for folder in folders for path in files(folder, "*.py")]
    compiled = [path.parent / "__pycache__" / f"{path.stem}.cpython-313.pyc" for path in sources]
    assert [path for path in compiled if not path.exists()] == []
    assert {struct.unpack_from("<I", path.read_bytes()[:8], 4)[0] for path in compiled} == {1}


def test_nothing_runs_by_itself():
    """No `.pth` file, no program but the wrapper, which may be run."""
    assert list(files(BUILD, "*.pth")) == []
    assert [path.name for path in built.core.iterdir() if path.is_file()] == ["stream-runtime"]
    assert (built.core / "stream-runtime").stat().st_mode & 0o777 == 0o755
    assert not list(BUILD.glob("*/bin")) + list(BUILD.glob("*/python/bin"))


@pytest.fixture(scope="module")
async def backend(tmp_path_factory) -> AsyncIterator[Backend]:
    """Store and providers, and the key that the events carry."""
    async with running_backend(tmp_path_factory.mktemp("build")) as found:
        await found.store.put_key(KeyRecord(project_id="dev", digest=digest_of("gk_dev_local"), admin=True))
        yield found


@pytest.fixture(scope="module")
def managed(tmp_path_factory) -> Managed:
    """What Lambda's runtime has in its own folders."""
    return managed_runtime(tmp_path_factory.mktemp("runtime"))


@pytest.fixture(scope="module")
async def functions(backend, managed) -> AsyncIterator[dict[str, Environment]]:
    """All of them, from the build alone."""
    if MACHINE != ARCHITECTURE:
        pytest.skip(f"this machine is no {ARCHITECTURE}")

    def make(name: str, backend: Backend, lambda_url: str) -> Function:
        return built.function(name, backend, lambda_url, managed)

    async with deployed_functions(backend, tuple(NAMES), make) as found:
        yield found


@pytest.mark.parametrize("name", EVENTS)
async def test_each_event_is_answered(functions, name):
    """By the wrapper, the pinned runtime and the packages in the layers."""
    answer = await ask(functions, EVENTS[name])
    assert answer.status == 200, answer.body
    assert answer.body.rstrip().endswith(PAGES.get(EVENTS[name]["path"], "}").encode()), answer.body


@pytest.mark.parametrize("name", SCHEDULED)
async def test_each_schedule_is_answered(functions, name):
    """By the core layer alone."""
    seen = await collect(functions["probe"].invoke(SCHEDULED[name], 60))
    assert json.loads(seen.payload)["check"] == SCHEDULED[name]["check"], seen


@pytest.mark.parametrize("name", QUEUED)
async def test_each_batch_of_the_backlog_is_settled(functions, name):
    """By the core layer alone."""
    seen = await collect(functions["replay"].invoke(QUEUED[name], 60))
    assert json.loads(seen.payload) == {"batchItemFailures": []}, seen


async def test_what_is_no_execution_is_refused_by_the_engine(functions):
    """By its SDK, from its layer, on Lambda's own runtime: the worker has all that it imports."""
    seen = await collect(functions["jobs"].invoke(STARTED["jobs"], 60))
    assert b"Unexpected payload provided to start the durable execution" in seen.last.body, seen


SERVICES = ("ssm", "secretsmanager", "events", "s3", "appconfigdata", "lambda", "sqs", "sts")
CLIENTS = f"""
import boto3, sys
assert boto3.__file__.startswith({str(built.jobs)!r}), boto3.__file__
for name in {SERVICES!r}:
    boto3.client(name, region_name="eu-central-1")
client = boto3.client("lambda", region_name="eu-central-1")
assert "DurableExecutionName" in client.meta.service_model.operation_model("Invoke").input_shape.members
from gateway_core.adapters.config_sources import open_sources
open_sources("s3://the-bucket/key")
open_sources("appconfig://abc/def/ghi")
assert not [name for name in sys.modules if name.startswith("litellm")]
"""


def test_ask_finds_all_of_aws_in_the_layer_of_jobs(managed):
    """Whose boto3 stands before the runtime's: clients of all services that it may be told to use."""
    if MACHINE != ARCHITECTURE:
        pytest.skip(f"this machine is no {ARCHITECTURE}")
    layers = [str(layer / "python") for layer in (built.core, built.litellm, built.jobs)]
    environ = {"PYTHONPATH": ":".join([*layers, str(managed.folder)]), "PATH": os.environ["PATH"]}
    environ |= {"AWS_DEFAULT_REGION": "eu-central-1", "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        (managed.interpreter, "-c", CLIENTS), env=environ, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("event", ["complete", "stream", "chat"])
async def test_each_provider_answers(functions, event, model):
    """Nothing that LiteLLM loads for one of them was left out."""
    asked = {name: value for name, value in json.loads(EVENTS[event]["body"]).items() if name != "model_group"}
    answer = await ask(functions, {**EVENTS[event], "body": json.dumps({**asked, "model": model})})
    assert answer.status == 200, answer.body
    assert b"heard" in answer.body


@pytest.mark.parametrize("model", MODELS)
async def test_each_providers_tokens_are_counted(functions, model):
    """With the tokeniser that goes with it, from the layer."""
    answer = await ask(functions, {**EVENTS["tokens"], "body": json.dumps({"text": "Say hello", "model": model})})
    assert answer.status == 200, answer.body
    assert json.loads(answer.body)["input_tokens"] > 1


@pytest.mark.parametrize("model", ["text-embedding-3-large", "text-embedding-ada-002"])
async def test_each_embedding_model_answers(functions, model):
    """Whoever makes embeddings."""
    answer = await ask(functions, {**EVENTS["embed"], "body": json.dumps({"input": ["a", "b"], "model": model})})
    assert answer.status == 200, answer.body
    assert len(json.loads(answer.body)["data"]) == 2


@pytest.fixture(scope="module")
async def others(backend, managed, tmp_path_factory) -> AsyncIterator[dict[str, Environment]]:
    """`complete`, from the build alone, configured for providers beyond the four."""
    if MACHINE != ARCHITECTURE:
        pytest.skip(f"this machine is no {ARCHITECTURE}")
    path = tmp_path_factory.mktemp("others") / "config.yaml"

    def make(name: str, backend: Backend, lambda_url: str) -> Function:
        found = built.function(name, backend, lambda_url, managed)
        return dataclasses.replace(
            found, environ={**found.environ, **other_providers.KEYS, "GATEWAY_CONFIG": str(path)}
        )

    with serve(other_providers.create_app()) as url:
        path.write_text(other_providers.CONFIG.format(url=url) + "store: {timeout_s: 30, connect_timeout_s: 30}\n")
        async with deployed_functions(backend, ("complete",), make) as found:
            yield found


@pytest.mark.parametrize("model", other_providers.MODELS)
async def test_providers_beyond_the_four_answer(others, model):
    """On the wires of Ollama, Cohere and Perplexity: `litellm/llms` is all there."""
    asked = {"messages": [{"role": "user", "content": "Say hello"}], "model": model}
    answer = await ask(others, {**EVENTS["complete"], "body": json.dumps(asked)})
    assert answer.status == 200, answer.body
    assert json.loads(answer.body)["content"].endswith("heard: Say hello")


def test_no_provider_was_trimmed():
    """All of LiteLLM's adapters are in the layer, whichever of them are used today."""
    installed = find_spec("litellm")
    assert installed is not None
    assert installed.origin is not None
    wanted = {path.name for path in Path(installed.origin).parent.joinpath("llms").iterdir() if path.is_dir()}
    assert wanted - {"__pycache__"} <= {path.name for path in (built.litellm / "python/litellm/llms").iterdir()}


async def ask(functions: dict[str, Environment], event: dict[str, Any]) -> Any:
    seen = await collect(functions[function_of(event["path"])].invoke(event, 60))
    return read_answer(seen.payload)
