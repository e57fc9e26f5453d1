"""The real thing: the local stack in a process of its own, the four providers simulated in this one."""

from __future__ import annotations

import contextlib
import io
import itertools
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from gateway_core.cli.main import main
from local.providers import base_urls, create_app
from local.serving import serve
from tests.fleet.gate import Gate
from tests.forked import ALL_BUT_LITELLM, forked
from tests.patience import patience

KEY = "gk_dev_local"
UNHURRIED = {"GATEWAY_CONFIG": str(Path(__file__).with_name("unhurried.yaml"))}
"""What all stacks have that have no configuration of their own."""
PROVIDER_KEYS = {
    "ANTHROPIC_API_KEY": "sk-ant-api03-the-anthropic-key",
    "OPENAI_API_KEY": "sk-proj-the-openai-key",
    "GEMINI_API_KEY": "AIzaSyTheGeminiKeyTheGeminiKeyTheGemini",
    "DEEPSEEK_API_KEY": "sk-the-deepseek-key",
}


@dataclass
class Stack:
    """A running local stack. `log` is everything that it has printed so far."""

    process: subprocess.Popen[str]
    urls: dict[str, str] = field(default_factory=dict)
    log: list[str] = field(default_factory=list)
    started: threading.Event = field(default_factory=threading.Event)
    grew: threading.Condition = field(default_factory=threading.Condition)
    reader: threading.Thread = field(default_factory=threading.Thread)

    def read(self) -> None:
        """Collect the output until the process ends."""
        assert self.process.stdout
        with self.process.stdout as output:
            for line in output:
                with self.grew:
                    self.log.append(line)
                    self.grew.notify_all()
                name, _, rest = line.partition(" ")
                if name in {"Gateway", "Key", "Store", "Simulated"}:
                    self.urls[name] = rest.split()[0]
                if name == "Try":
                    self.started.set()
        self.started.set()

    @property
    def text(self) -> str:
        return "".join(self.log)

    def prints(self, text: str, times: int = 1, *, after: int = 0) -> None:
        """Wait until so many lines with this text are in the log, behind the first `after` lines of it."""

        def has_come() -> bool:
            return sum(text in line for line in self.log[after:]) >= times

        with self.grew:
            assert self.grew.wait_for(has_come, patience(60)), self.text


def start(**environ: str) -> Stack:
    """Start `python -m local` on free ports with nothing set but `environ` and patience, and wait until it serves.

    Nothing runs in it by itself, so that tests may count: no probes, unless `environ` wants some.
    """
    return _started([sys.executable, "-m", "local"], environ)


def fork(program: str = "local", *, preloaded: str = ALL_BUT_LITELLM, **environ: str) -> Stack:
    """The same, forked from a process that has loaded what it needs."""
    return _started(forked(program, preloaded=preloaded), environ)


def _started(command: list[str], environ: dict[str, str]) -> Stack:
    inherited = {name: os.environ[name] for name in ("PATH", "HOME", "SSL_CERT_DIR") if name in os.environ}
    ports = dict.fromkeys(
        ("PORT", "LOCAL_STORE_PORT", "LOCAL_PROVIDERS_PORT", "PROBE_INTERVAL_S", "INVOICE_INTERVAL_S"), "0"
    )
    process = subprocess.Popen(
        command,
        env={**inherited, **ports, **UNHURRIED, "LOG_FORMAT": "json", **environ},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    stack = Stack(process)
    stack.reader = threading.Thread(target=stack.read, daemon=True)
    stack.reader.start()
    stack.started.wait(patience(50))
    assert process.poll() is None, stack.text
    return stack


def stop(stack: Stack) -> int:
    """Ask it to end; its exit code."""
    stack.process.send_signal(signal.SIGTERM)
    code = stack.process.wait(patience(20))
    stack.reader.join(patience(5))
    return code


@pytest.fixture(scope="session")
def simulator() -> Gate:
    """The providers, in this process."""
    return Gate(create_app(), "/gemini")


@pytest.fixture(scope="session")
def providers_url(simulator) -> Iterator[str]:
    """Where they are."""
    with serve(simulator) as url:
        yield url


@pytest.fixture
def gemini_gate(simulator) -> Iterator[Gate]:
    """The way to Gemini, which a test can shut."""
    yield simulator
    simulator.open()


@pytest.fixture(scope="session")
def stack(providers_url) -> Iterator[Stack]:
    """A stack that takes the simulator for the real providers, by base URLs and keys."""
    running = fork(**PROVIDER_KEYS, **base_urls(providers_url), GATEWAY_DEV_KEY=KEY, LOG_LEVEL="DEBUG")
    yield running
    assert stop(running) == 0


@pytest.fixture
def providers(providers_url) -> Iterator[httpx.Client]:
    """The simulator's own controls, without faults and with counts at zero."""
    with httpx.Client(base_url=providers_url, timeout=patience(60)) as http:
        http.delete("/__faults")
        http.delete("/__calls")
        yield http
        http.delete("/__faults")


@pytest.fixture
def gateway(stack, store) -> Iterator[httpx.Client]:
    """A client with the development key, after everything that the store knew of providers is forgotten."""
    store("DEL", "pv")
    headers = {"authorization": f"Bearer {KEY}"}
    with httpx.Client(base_url=stack.urls["Gateway"], headers=headers, timeout=patience(60)) as http:
        yield http


@pytest.fixture
def store(stack):
    """Run one Redis command through the REST API."""
    headers = {"authorization": "Bearer local"}
    with httpx.Client(base_url=stack.urls["Store"], headers=headers, timeout=patience(60)) as http:
        yield lambda *command: http.post("/", json=list(command)).json()["result"]


@pytest.fixture
def run_gateway(stack):
    """Run the `gateway` command line against the stack's store; the last JSON line that it prints."""

    def run(*arguments: str) -> dict[str, object]:
        environ = {"UPSTASH_REDIS_REST_URL": stack.urls["Store"], "UPSTASH_REDIS_REST_TOKEN": "local"}
        # In a thread, where a loop of the test's own does not disturb it.
        with contextlib.redirect_stdout(io.StringIO()) as printed, ThreadPoolExecutor(1) as thread:
            assert thread.submit(main, arguments, environ).result() == 0
        lines = [json.loads(line) for line in printed.getvalue().splitlines()]
        return lines[-1] if lines else {}

    return run


@pytest.fixture
def trips(stack):
    """How many answers the store has given so far, this question's own left out: its sync token counts them."""
    asked = itertools.count(1)

    def count() -> int:
        headers = {"authorization": "Bearer local"}
        answer = httpx.post(stack.urls["Store"], headers=headers, json=["PING"], timeout=patience(60))
        return int(answer.headers["upstash-sync-token"].partition("=")[2]) - next(asked)

    return count
