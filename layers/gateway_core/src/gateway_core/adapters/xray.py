"""Each call of a model as a subsegment of Lambda's own X-Ray trace.

Document: https://docs.aws.amazon.com/xray/latest/devguide/xray-api-segmentdocuments.html, sent as one datagram to the
daemon that Lambda runs: https://docs.aws.amazon.com/xray/latest/devguide/xray-api-sendingdata.html. Why not the SDK:
docs/operations.md#traces.
"""

from __future__ import annotations

import json
import secrets
import socket
from collections.abc import Callable
from typing import Any

from gateway_core.domain.result import Attempt

_HEADER = b'{"format":"json","version":1}\n'


class XRayTracer:
    """Implements the port `Tracer`, for what Lambda samples. `header` tells of the trace that is under way."""

    def __init__(self, header: Callable[[], str], daemon: tuple[str, int]) -> None:
        self._header = header
        self._daemon = daemon
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.settimeout(0)

    def attempt(self, request_id: str, attempt: Attempt, ended_ms: int) -> None:
        trace = _trace(self._header())
        if trace.get("Sampled") != "1" or "Root" not in trace or "Parent" not in trace:
            return
        parent = {"trace_id": trace["Root"], "parent_id": trace["Parent"]}
        document = parent | _subsegment(request_id, attempt, ended_ms)
        try:
            self._socket.sendto(_HEADER + json.dumps(document).encode(), self._daemon)
        except OSError:
            return  # a trace with a hole in it is no reason to fail a request

    def close(self) -> None:
        """Give the socket back."""
        self._socket.close()


def xray_tracer(header: Callable[[], str], daemon: str | None) -> XRayTracer | None:
    """A tracer to the daemon at `host:port`, if that is what it is."""
    host, _, port = (daemon or "").rpartition(":")
    return XRayTracer(header, (host, int(port))) if host and port.isdecimal() else None


def _trace(header: str) -> dict[str, str]:
    """`Root=1-...;Parent=...;Sampled=1` as a mapping."""
    pairs = (part.partition("=") for part in header.split(";"))
    return {name.strip(): value.strip() for name, _, value in pairs if value}


def _subsegment(request_id: str, attempt: Attempt, ended_ms: int) -> dict[str, Any]:
    annotations = {"request_id": request_id, "model": attempt.model, "provider": attempt.provider}
    code = attempt.error_code
    return {
        "type": "subsegment",
        "namespace": "remote",
        "name": attempt.provider,
        "id": secrets.token_hex(8),
        "start_time": (ended_ms - attempt.latency_ms) / 1000,
        "end_time": ended_ms / 1000,
        "annotations": annotations | ({"error_type": code} if code else {}),
        **({"throttle": True, "error": True} if code == "rate_limited" else {"fault": True} if code else {}),
    }
