"""A Redis behind the stand-in, for what a test asks of it beside the store."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from typing import Any

import httpx

from gateway_core.adapters.upstash import UpstashStore
from local.loopback import LOOPBACK
from local.upstash.faults import Faults
from tests.contract.wire import Wire, at_once

TOKEN = "contract-token"


def clear(port: int, *commands: bytes) -> None:
    """Run commands that answer OK, past the stand-in: before each test, for a tenth of what a request takes."""
    with socket.create_connection((LOOPBACK, port)) as connection:
        connection.sendall(b"".join(b"%b\r\n" % command for command in commands))
        expected = b"+OK\r\n" * len(commands)
        assert connection.recv(len(expected), socket.MSG_WAITALL) == expected


@dataclass(frozen=True)
class Redis:
    """The REST API of a store, for what a test asks of Redis itself."""

    url: str
    port: int
    http: httpx.Client
    wire: Wire
    faults: Faults
    token: str = TOKEN

    def run(self, *command: str | int) -> Any:
        """Past the stand-in."""
        return at_once(self.wire.execute(*command))

    def fail(self, kind: str, **knobs: int) -> None:
        """Let the next requests fail, see `local.upstash.faults`."""
        response = self.http.post("/__faults", json=[{"kind": kind, **knobs}])
        assert response.status_code == 200, response.text

    def connect(self) -> UpstashStore:
        """A store with patience: these machines may be busy."""
        return UpstashStore(self.url, self.token, connect_timeout_s=30, timeout_s=30)

    def environ(self) -> dict[str, str]:
        """What a process needs to find it."""
        return {"UPSTASH_REDIS_REST_URL": self.url, "UPSTASH_REDIS_REST_TOKEN": self.token}

    def hash(self, key: str) -> dict[str, str]:
        flat = self.run("HGETALL", key)
        return dict(zip(flat[::2], flat[1::2], strict=True))
