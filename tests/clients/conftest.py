"""The clients that people have, as they come, against the running stack; those for Node are installed by npm."""

from __future__ import annotations

import base64
import fcntl
import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import KEY, gateway, providers, providers_url, run_gateway, simulator, stack, store
from tests.patience import patience

__all__ = ["gateway", "providers", "providers_url", "run_gateway", "simulator", "stack", "store"]

HERE = Path(__file__).parent
LOCK = HERE / "package-lock.json"
MODULES = HERE / "node_modules"
PINS = HERE.parents[1] / "requirements/clients.txt"
FRAMEWORKS = HERE.parents[1] / ".tools/clients/bin/python"
"""Of the environment that `make test-clients` makes from PINS."""
MODELS = {
    "claude-haiku-3.5": ("anthropic", "claude-haiku-4-5"),
    "gpt-5.1": ("openai", "gpt-5.1"),
    "codex-max": ("openai", "gpt-5.3-codex"),
    "gemini-flash": ("gemini", "gemini-3.8-flash"),
    "deepseek-v3.2": ("deepseek", "deepseek-v4-flash"),
}
"""A model of each provider, and of each of OpenAI's two APIs."""
PDF = {"media_type": "application/pdf", "data": base64.b64encode(b"%PDF-1.4\n%%EOF\n").decode()}
_NO_NETWORK = re.compile(r"ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ENETUNREACH|ETIMEDOUT|ERR_SOCKET_TIMEOUT")
_OPTIONS = "--ignore-scripts --no-fund --no-audit --loglevel=error --fetch-retries=1 --fetch-retry-mintimeout=1000"

type Run = Callable[..., dict[str, Any]]


class Program:
    """A running program of `programs/`: loading a framework takes seconds, so that each is loaded once."""

    def __init__(self, name: str, home: Path, url: str) -> None:
        assert FRAMEWORKS.exists(), "the frameworks for Python are not installed: make test-clients does it"
        quiet = {"LANGSMITH_TRACING": "false", "OTEL_SDK_DISABLED": "true", "HOME": str(home)}
        self._process = subprocess.Popen(
            [FRAMEWORKS, f"programs/{name}_program.py"],
            cwd=HERE,
            env={"PATH": os.environ["PATH"], "GATEWAY_URL": url, "GATEWAY_KEY": KEY, **quiet},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def do(self, task: str, **arguments: Any) -> Any:
        """What the task has come to. Fails with its error, if it has one."""
        told = self.tried(task, **arguments)
        assert "error" not in told, json.dumps(told["error"])
        return told["result"]

    def tried(self, task: str, **arguments: Any) -> dict[str, Any]:
        """`{"result": ...}` or `{"error": ...}`."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps({"do": task, "with": arguments}) + "\n")
        self._process.stdin.flush()
        try:
            line = self._process.stdout.readline()
        except BaseException:
            # The time is up, and its answer would be taken for the next one.
            self.end()
            raise
        assert line, "the program has ended"
        told: dict[str, Any] = json.loads(line)
        return told

    def end(self) -> None:
        """It has nothing to tidy up."""
        self._process.kill()
        self._process.communicate()


@pytest.fixture(scope="session")
def node() -> str:
    """A Node that can load the clients; `npm ci` runs when the lock file is not what is installed."""
    npm = shutil.which("npm")
    if not npm or not shutil.which("node"):
        pytest.skip("the Node clients need node and npm, which are not here")
    with LOCK.open("rb") as lock:
        # Several test processes may come here at once, and npm begins by removing what is there.
        fcntl.flock(lock, fcntl.LOCK_EX)
        _install(npm, lock.read())
    own = MODULES / ".bin/node"
    return str(own) if own.exists() else "node"


def _install(npm: str, wanted: bytes) -> None:
    installed = MODULES / ".installed.json"
    if installed.exists() and installed.read_bytes() == wanted:
        return
    done = subprocess.run(
        [npm, "ci", *_OPTIONS.split()], cwd=HERE, capture_output=True, text=True, timeout=patience(240), check=False
    )
    if done.returncode and (reason := _NO_NETWORK.search(done.stderr)):
        pytest.skip(f"the Node clients are not installed, and npm reaches no registry ({reason.group()})")
    assert done.returncode == 0, done.stderr
    installed.write_bytes(wanted)


@pytest.fixture
def run_node(node: str, gateway: Any) -> Run:
    """Run a script to its end; the JSON line that it prints."""

    def run(script: str, *arguments: str, key: str = KEY, **more: str) -> dict[str, Any]:
        url = str(gateway.base_url).rstrip("/")
        environ = {"PATH": os.environ["PATH"], "GATEWAY_URL": url, "GATEWAY_KEY": key, **more}
        done = subprocess.run(
            [node, script, *arguments],
            cwd=HERE,
            env=environ,
            capture_output=True,
            text=True,
            timeout=patience(50),
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, "")
        printed: dict[str, Any] = json.loads(done.stdout)
        return printed

    return run


@pytest.fixture
def counted(providers: Any) -> Callable[[], dict[str, tuple[int, int, int]]]:
    """Answers, input and output tokens by catalog model, as the simulator counted them."""

    def count() -> dict[str, tuple[int, int, int]]:
        found = providers.get("/__calls", params={"wait_idle_s": 5}).json()["providers"]
        tallies = {key: found.get(provider, {}).get(upstream) for key, (provider, upstream) in MODELS.items()}
        return {
            key: (tally["ok"], tally["input_tokens"], tally["output_tokens"]) for key, tally in tallies.items() if tally
        }

    return count


@pytest.fixture
def cut(providers: Any) -> Callable[[str], None]:
    """Let a model's provider break off in the middle of its streams."""

    def break_off(model: str) -> None:
        fault = {"provider": MODELS[model][0], "kind": "cut", "after_chunks": 3}
        providers.post("/__faults", json=fault).raise_for_status()

    return break_off


@pytest.fixture(scope="module")
def program(request: pytest.FixtureRequest, stack: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """The program that the test's file names as PROGRAM."""
    running = Program(request.module.PROGRAM, tmp_path_factory.mktemp("home"), stack.urls["Gateway"].rstrip("/"))
    yield running
    running.end()


@pytest.fixture
def bodies(providers: Any) -> Callable[..., list[dict[str, Any]]]:
    """What a provider was sent, oldest first."""

    def sent(provider: str) -> list[dict[str, Any]]:
        requests = providers.get("/__calls", params={"wait_idle_s": 5}).json()["requests"]
        return [each["body"] for each in requests if each["provider"] == provider and each["body"]]

    return sent


@pytest.fixture
def thinkers(providers: Any) -> Callable[[], set[str]]:
    """The providers' models that were asked to think, and did."""

    def thought() -> set[str]:
        found = providers.get("/__calls", params={"wait_idle_s": 5}).json()["providers"]
        tallies = {upstream: tally for models in found.values() for upstream, tally in models.items()}
        return {upstream for upstream, tally in tallies.items() if tally["reasoning_tokens"]}

    return thought
