"""The processes of `benchmarks.crowd`: a store and a gateway, each of which can be killed and started again."""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx

from gateway_core.cli.main import main as command_line
from local.valkey import free_port

TOKEN = "crowd"  # noqa: S105 - of a store of its own
_PATIENCE_S = 180.0
_STAT = Path("/proc")


@dataclass(slots=True)
class Program:
    """A Python module as a process. What it prints is read to its end; lines until `ready` is among them are kept."""

    module: Sequence[str]
    environ: Mapping[str, str]
    ready: str
    lines: list[str] = field(default_factory=list)
    process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Returns once it has said that it is ready. Raises RuntimeError if it ends instead."""
        inherited = {name: os.environ[name] for name in ("PATH", "HOME", "PYTHONPATH") if name in os.environ}
        self.process = subprocess.Popen(  # noqa: S603 - our own modules
            [sys.executable, "-m", *self.module],
            env={**inherited, **self.environ},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.lines.clear()
        ready = threading.Event()
        threading.Thread(target=self._read, args=(self.process, ready), daemon=True).start()
        ready.wait(_PATIENCE_S)
        if not any(line.startswith(self.ready) for line in self.lines):
            raise RuntimeError("".join(self.lines))

    def said(self, name: str) -> str:
        """The word behind `name` in what it printed."""
        return next(line.split()[1] for line in self.lines if line.startswith(name))

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        """Send it a signal and wait until it is gone."""
        if self.process:
            self.process.send_signal(number)
            self.process.wait(_PATIENCE_S)

    def cpu_s(self) -> float:
        """Processor time that it has taken so far; 0 where the system does not say."""
        try:
            fields = (_STAT / str(self.process and self.process.pid) / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            return 0.0
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def _read(self, process: subprocess.Popen[str], ready: threading.Event) -> None:
        assert process.stdout  # noqa: S101 - it is a pipe
        with process.stdout as output:
            for line in output:
                if not ready.is_set():
                    self.lines.append(line)
                if line.startswith(self.ready):
                    ready.set()
        ready.set()


@dataclass(frozen=True, slots=True)
class Books:
    """What the gateway knows of a project: records of good answers and of others, USD spent and held."""

    good: int
    bad: int
    spent_usd: Decimal
    held_usd: Decimal


class Stack:
    """A store whose data is on the disk, and one process of the gateway over it, with simulated providers."""

    def __init__(self, folder: str, settings: Mapping[str, str]) -> None:
        port = free_port()
        store_url = f"http://127.0.0.1:{port}"
        self._store_environ = {"UPSTASH_REDIS_REST_URL": store_url, "UPSTASH_REDIS_REST_TOKEN": TOKEN}
        store = ["local.upstash", "--port", str(port), "--token", TOKEN, "--dir", folder]
        self.store = Program(store, {}, "UPSTASH_REDIS_REST_URL")
        given = {"PORT": str(free_port()), "LOCAL_PROVIDERS_PORT": "0", "PROBE_INTERVAL_S": "0", "LOG_LEVEL": "ERROR"}
        environ = {**given, **settings, **self._store_environ}
        self.gateway = Program(["local"], environ, "Try it")
        self.key = ""

    def start(self) -> None:
        """Both."""
        self.store.start()
        self.gateway.start()
        self.key = self.gateway.said("Key")

    def stop(self) -> None:
        """Both, the gateway first."""
        self.gateway.stop()
        self.store.stop()

    @property
    def url(self) -> str:
        return self.gateway.said("Gateway")

    @property
    def simulator_url(self) -> str:
        return next(line.split()[-1] for line in self.gateway.lines if line.startswith("Simulated"))

    def new_key(self, project: str) -> str:
        """A key of a project with a budget, so that holds are made."""
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            command_line(["keys", "create", "--project", project, "--day-usd", "100000"], self._store_environ)
        return str(json.loads(printed.getvalue().splitlines()[-1])["key"])

    def books(self, key: str) -> Books:
        """As soon as nothing is under way any more, or has not changed for a while."""
        before: Books | None = None
        while True:
            now = self._books(key)
            if now == before:
                return now
            before = now
            time.sleep(2.0)

    def _books(self, key: str) -> Books:
        headers = {"authorization": f"Bearer {key}"}
        with httpx.Client(base_url=self.url, headers=headers, timeout=60.0) as http:
            totals: Any = _value(http, "/v1/usage")["totals"]
            lines: Any = _value(http, "/v1/budgets")["budgets"]
        held = max((Decimal(line["held_usd"]) for line in lines), default=Decimal(0))
        errors = int(totals["errors"])
        return Books(int(totals["requests"]) - errors, errors, Decimal(totals["cost_usd"]), held)


def _value(http: httpx.Client, path: str) -> Any:
    return http.get(path).raise_for_status().json()
