"""The container as a newcomer runs it: `docker-compose up`, with the image that `make test-docker` built."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.lambda_runtime.deployment import Backend, running_backend
from tests.patience import patience
from tests.template.test_template import ROOT

HERE = Path(__file__).parent
IMAGE = "llm-gateway"
KEY = "gk_dev_container"
PORT = 18787
PATIENCE_S = 120
SERVES = "Simulated "
"""How a line begins that is printed once all is served."""


def docker(*arguments: str) -> str:
    """What docker prints; its complaint is the error's text."""
    done = subprocess.run(
        ("/usr/bin/env", "docker", *arguments),
        capture_output=True,
        text=True,
        timeout=patience(PATIENCE_S),
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def _is_there(*arguments: str) -> bool:
    command = ("/usr/bin/env", "docker", *arguments)
    return subprocess.run(command, capture_output=True, timeout=patience(30), check=False).returncode == 0


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Without a daemon or an image there is nothing to look at; `make test-docker` sees to both."""
    reason = None if _is_there("version") else "no Docker daemon answers"
    reason = reason or (None if _is_there("image", "inspect", IMAGE) else "no image: run `make test-docker`")
    # pytest hands over what it found in all folders.
    for item in (item for item in items if item.path.is_relative_to(HERE)):
        item.add_marker(pytest.mark.timeout(PATIENCE_S * 2))
        if reason:
            item.add_marker(pytest.mark.skip(reason=reason))


def wait_until_it_serves(identity: str, *options: str) -> None:
    """By what the container prints; `options` are of `docker logs`."""
    command = ("/usr/bin/env", "docker", "logs", "--follow", *options, identity)
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    end = threading.Timer(patience(PATIENCE_S), process.kill)
    end.start()
    assert process.stdout
    with process.stdout as output:
        serves = any(line.startswith(SERVES) for line in output)
    end.cancel()
    process.kill()
    process.wait(patience(10))
    assert serves, docker("logs", identity)


@pytest.fixture
def container() -> Iterator[Callable[..., str]]:
    """Start a container of the image, removed in the end; gives its id."""
    started: list[str] = []

    def start(*options: str) -> str:
        started.append(docker("run", "--detach", *options, IMAGE))
        return started[-1]

    yield start
    for identity in started:
        docker("rm", "--force", "--volumes", identity)


@pytest.fixture
async def outside(tmp_path) -> AsyncIterator[Backend]:
    """A store and providers on this machine, at the address that containers know it by and nobody else does."""
    subnet = docker("network", "inspect", "bridge", "--format", "{{(index .IPAM.Config 0).Subnet}}")
    async with running_backend(tmp_path, str(ip_network(subnet)[1])) as found:
        yield found


@dataclass
class Watcher:
    """Reads what the health of containers becomes, from Docker's own events: nobody has to poll."""

    process: subprocess.Popen[str]
    states: dict[str, str] = field(default_factory=dict)
    changed: threading.Condition = field(default_factory=threading.Condition)

    def read(self) -> None:
        """Until the process ends."""
        assert self.process.stdout
        with self.process.stdout as output:
            for event in map(json.loads, output):
                with self.changed:
                    self.states[event["id"]] = event["status"]
                    self.changed.notify_all()

    def sees_healthy(self, identity: str) -> bool:
        """Whether this container is, or becomes so: on a busy machine checks may have failed, the next one does not."""
        with self.changed:
            return self.changed.wait_for(
                lambda: self.states.get(identity) == "health_status: healthy", patience(PATIENCE_S)
            )


@dataclass(frozen=True)
class Stack:
    """What `docker-compose up` started."""

    http: httpx.Client
    container: str
    watcher: Watcher

    def gets_healthy(self) -> bool:
        """Docker's own verdict."""
        return self.watcher.sees_healthy(self.container)

    def inspect(self) -> dict[str, Any]:
        """What Docker knows of the container."""
        (found,) = json.loads(docker("inspect", self.container))
        return dict(found)


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Compose, with simulated providers and the store in a volume; down again in the end, with the volume."""
    compose = _compose(tmp_path_factory.mktemp("compose"))
    events = ("events", "--format", "{{json .}}", "--filter", "type=container", "--filter", "event=health_status")
    watcher = Watcher(subprocess.Popen(("/usr/bin/env", "docker", *events), stdout=subprocess.PIPE, text=True))
    reader = threading.Thread(target=watcher.read, daemon=True)
    reader.start()
    compose("up", "--detach")
    try:
        container = docker(
            "ps", "--quiet", "--no-trunc", "--filter", f"ancestor={IMAGE}", "--filter", f"publish={PORT}"
        )
        assert watcher.sees_healthy(container), docker("logs", container)
        headers = {"authorization": f"Bearer {KEY}"}
        with httpx.Client(base_url=f"http://127.0.0.1:{PORT}", headers=headers, timeout=patience(60)) as http:
            yield Stack(http, container, watcher)
    finally:
        compose("down", "--volumes", "--timeout", "5")
        watcher.process.terminate()
        watcher.process.wait(patience(10))
        reader.join(patience(5))


def _compose(folder: Path) -> Callable[..., None]:
    """As docs/docker.md says, in a folder of its own: whatever .env is in the repository is not for tests."""
    shutil.copy(ROOT / "compose.yaml", folder)
    example = (ROOT / ".env.example").read_text()
    filled = {"GATEWAY_DEV_KEY": KEY, "LOCAL_SIMULATE": "1", "PORT": str(PORT)}
    for name, value in filled.items():
        example = re.sub(rf"^{name}=.*$", f"{name}={value}", example, flags=re.MULTILINE)
    (folder / ".env").write_text(f"{example}PERPLEXITY_API_KEY=of-any-provider\n")
    has_plugin = _is_there("compose", "version")
    program = ["docker", "compose"] if has_plugin else [shutil.which("docker-compose") or "docker-compose"]
    environ = {"PATH": os.environ["PATH"], "HOME": os.environ["HOME"]}

    def run(*arguments: str) -> None:
        command = ("/usr/bin/env", *program, "--project-name", "llm-gateway-test", *arguments)
        done = subprocess.run(
            command, cwd=folder, env=environ, capture_output=True, text=True, timeout=patience(PATIENCE_S), check=False
        )
        assert done.returncode == 0, done.stderr

    return run
