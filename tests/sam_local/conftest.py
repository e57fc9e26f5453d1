"""SAM's own local Lambda: real containers from what `sam build` made, over a store and simulated providers of ours."""

from __future__ import annotations

import json
import os
import platform
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import contextmanager
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from gateway_core.store.virtual_keys import KeyRecord, digest_of
from gateway_core.wires.billing import BILLED
from local.serving import bind
from scripts.deploy import FOLDERS
from tests.lambda_runtime.deployment import Backend, running_backend
from tests.lambda_runtime.durable import Engine, running_engine
from tests.patience import patience
from tests.sam_local.layers import Layers, named_layers
from tests.template.test_template import FUNCTIONS, ROOT

HERE = Path(__file__).parent
SAM = Path(sys.executable).parent / "sam"
ARCHITECTURE = {"x86_64": "x86_64"}.get(platform.machine(), "arm64")
BUILT = ROOT / FOLDERS[ARCHITECTURE] / "template.yaml"
PROVIDERS = ("ANTHROPIC", "OPENAI", "GEMINI", "DEEPSEEK")
PATIENCE_S = 120
READY = "Press CTRL+C to quit"


def _docker(*arguments: str) -> str | None:
    """What docker prints, None where it does not answer."""
    try:
        done = subprocess.run(
            ("/usr/bin/env", "docker", *arguments), capture_output=True, text=True, timeout=patience(30), check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Without a daemon or a build there is nothing to look at; `make sam-local` sees to both."""
    reason = "no Docker daemon answers" if _docker("version") is None else None
    reason = reason or (None if BUILT.is_file() else "there is no build: run `make sam-local`")
    # pytest hands over what it found in all folders.
    for item in (item for item in items if item.path.is_relative_to(HERE)):
        item.add_marker(pytest.mark.timeout(PATIENCE_S * 2))
        if reason:
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session")
def bridge() -> str:
    """The address under which containers reach this machine; nobody else does."""
    subnet = _docker("network", "inspect", "bridge", "--format", "{{(index .IPAM.Config 0).Subnet}}")
    assert subnet
    return str(ip_network(subnet)[1])


@pytest.fixture(scope="session")
async def backend(tmp_path_factory, bridge) -> AsyncIterator[Backend]:
    """Store and providers on the bridge, and the key that the events carry."""
    async with running_backend(tmp_path_factory.mktemp("sam"), bridge) as found:
        await found.store.put_key(KeyRecord(project_id="dev", digest=digest_of("gk_dev_local"), admin=True))
        yield found


@pytest.fixture(scope="session")
def environ(backend, bridge, lambda_port) -> dict[str, str]:
    """What `--env-vars` gives to all functions, each of which takes what the template names for it."""
    addresses = {name: url for name, url in backend.environ.items() if name != "GATEWAY_CONFIG"}
    return {
        **addresses,
        **{f"{name}_API_KEY": f"the-{name.lower()}-key" for name in PROVIDERS},
        **{f"{name.upper()}_ADMIN_KEY": f"the-{name}-admin-key" for name in BILLED},
        **{f"GATEWAY_FUNCTION_{name.upper()}": name for name in FUNCTIONS if name not in {"JobWorker", "Mcp", "Probe"}},
        "AWS_ENDPOINT_URL_LAMBDA": f"http://{bridge}:{lambda_port}",
        "GATEWAY_SECRETS_STORE": "",
        "GATEWAY_SECRETS_PROVIDERS": "",
        "GATEWAY_SECRETS_BILLING": "",
        "GATEWAY_ALLOW_HTTP": "1",
    }


@pytest.fixture(scope="session")
def lambda_port(bridge) -> int:
    """A free port for `sam local start-lambda`."""
    return free_port(bridge)


def free_port(host: str) -> int:
    """One that nobody listens on just now."""
    with bind(0, host) as sock:
        return int(sock.getsockname()[1])


@pytest.fixture
async def engine() -> AsyncIterator[Engine]:
    """AWS's emulator of durable executions, from PyPI: SAM would pull an image, which not every registry gives.

    SAM calls it by this machine's own address, and containers do by the bridge.
    """
    async with running_engine("http://127.0.0.1:9", host="0.0.0.0") as found:
        yield found


@pytest.fixture(scope="session")
def aws_port(bridge) -> int:
    """A free port for what stands in for CodeDeploy, see `releases`."""
    return free_port(bridge)


@pytest.fixture(scope="session")
def layers(tmp_path_factory) -> Iterator[Layers]:
    """Those of the build. What SAM made of them is removed in the end, but for what another worker still runs."""
    before = _images()
    found = named_layers(BUILT, tmp_path_factory.getbasetemp().name)
    yield found
    found.template.unlink()
    shutil.rmtree(found.cache)
    for image in _images() - before:
        _docker("image", "rm", image)


def _images() -> set[str]:
    """With functions' layers, as SAM makes them."""
    return set((_docker("image", "ls", "samcli/lambda-python", "--format", "{{.Repository}}:{{.Tag}}") or "").split())


@pytest.fixture(scope="session")
def command(environ, layers, bridge, aws_port, tmp_path_factory) -> Callable[..., list[str]]:
    """A `sam local` command with what all of them need. `Preflight` asks another Lambda than the others do."""
    url = f"http://{bridge}:{aws_port}"
    variables = {
        "Parameters": environ,
        "Preflight": {"AWS_ENDPOINT_URL_CODEDEPLOY": url, "AWS_ENDPOINT_URL_LAMBDA": url},
    }
    (path := tmp_path_factory.mktemp("env") / "env.json").write_text(json.dumps(variables))

    def make(*arguments: str) -> list[str]:
        found = ("--template", str(layers.template), "--layer-cache-basedir", str(layers.cache))
        options = (*found, "--env-vars", str(path), "--skip-pull-image")
        overrides = ("--parameter-overrides", f"Architecture={ARCHITECTURE}")
        return [str(SAM), "local", *arguments, *options, *overrides]

    return make


def sam_environ() -> Mapping[str, str]:
    """SAM asks nobody for credentials, and gives these to the functions."""
    return {
        **os.environ,
        "SAM_CLI_TELEMETRY": "0",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_DEFAULT_REGION": "eu-central-1",
        "AWS_ACCESS_KEY_ID": "nobody",
        "AWS_SECRET_ACCESS_KEY": "nothing",
    }


@pytest.fixture(scope="session")
def invoke(command) -> Callable[[str, Path], dict[str, Any]]:
    """`sam local invoke`: a function's answer to the event in a file."""

    def run(function: str, event: Path) -> dict[str, Any]:
        done = subprocess.run(
            command("invoke", function, "--event", str(event)),
            env=sam_environ(),
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=patience(PATIENCE_S),
            check=False,
        )
        assert done.returncode == 0, done.stderr
        answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return answer

    return run


@pytest.fixture(scope="session")
def lambda_api(command, bridge, lambda_port) -> Iterator[str]:
    """`sam local start-lambda`."""
    options = ("--host", bridge, "--port", str(lambda_port), "--warm-containers", "LAZY")
    with serving(command("start-lambda", *options)):
        yield f"http://{bridge}:{lambda_port}"


@pytest.fixture(scope="session")
def call(lambda_api) -> Callable[[str, Mapping[str, Any]], dict[str, Any]]:
    """The same by boto3, as from Lambda's own API, in containers that stay. SAM is loaded once for all of them."""
    client = boto3.client(
        "lambda",
        endpoint_url=lambda_api,
        region_name="eu-central-1",
        aws_access_key_id="nobody",
        aws_secret_access_key="nothing",
        config=Config(retries={"total_max_attempts": 1}, read_timeout=patience(100)),
    )

    def run(function: str, event: Mapping[str, Any]) -> dict[str, Any]:
        told = client.invoke(FunctionName=function, Payload=json.dumps(event))
        answer: dict[str, Any] = json.loads(told["Payload"].read())
        return answer

    return run


@contextmanager
def serving(arguments: list[str]) -> Iterator[list[str]]:
    """A `sam local start-...` from the moment when it serves until the block ends; gives the lines that it prints."""
    process = subprocess.Popen(
        arguments, env=sam_environ(), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    lines: list[str] = []
    ready = threading.Event()

    def read() -> None:
        assert process.stdout
        with process.stdout as output:
            for line in output:
                lines.append(line)
                if READY in line:
                    ready.set()
        ready.set()

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    try:
        assert ready.wait(patience(PATIENCE_S)), lines
        assert process.poll() is None, lines
        yield lines
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(patience(PATIENCE_S))
        reader.join(patience(5))
