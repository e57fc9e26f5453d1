"""Faults on demand, for tests of how a client bears them. An app without a `Faults` object has none."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from local.upstash.answer import json_response
from local.upstash.call import ApiError

type Count = Annotated[int, Field(ge=0)]


class FaultKind(StrEnum):
    """What goes wrong: LATENCY and DROP run the commands, the others do not.

    * latency: the answer comes `delay_ms` late
    * hang: no answer until the client gives up
    * html: 502 and a page of HTML, as a proxy in between would send
    * throttled: 429 and the API's own error object
    * unauthorized: 401, as for a token that was rotated
    * crash: 500 and JSON that is neither a result nor an error
    * drop: the connection breaks before the answer
    """

    LATENCY = "latency"
    HANG = "hang"
    HTML = "html"
    THROTTLED = "throttled"
    UNAUTHORIZED = "unauthorized"
    CRASH = "crash"
    DROP = "drop"


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault: the next `skip` requests pass, then it hits `times` requests (None: all that follow)."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    kind: FaultKind
    times: Annotated[int, Field(ge=1)] | None = 1
    skip: Count = 0
    delay_ms: Count = 0

    def after_request(self) -> Fault | None:
        """Give what is left of the fault after one more request, None when it is used up."""
        if self.skip:
            return replace(self, skip=self.skip - 1)
        if self.times is None:
            return self
        return replace(self, times=self.times - 1) if self.times > 1 else None


class Faults:
    """The faults to come, in order."""

    def __init__(self, faults: Iterable[Fault] = ()) -> None:
        self._queue = tuple(faults)

    def plan(self, *faults: Fault) -> None:
        """Plan these faults in place of those that were planned; none clears the plan."""
        self._queue = faults

    def planned(self) -> tuple[Fault, ...]:
        """What is still to come, with the counts that are left."""
        return self._queue

    def take(self) -> Fault | None:
        """Count one request and give the fault that hits it, if any."""
        if not self._queue:
            return None
        fault, *rest = self._queue
        left = fault.after_request()
        self._queue = (left, *rest) if left else tuple(rest)
        return None if fault.skip else fault


async def control(faults: Faults, request: Request) -> Response:
    """GET tells the plan; POST of `[{"kind": "latency", "delay_ms": 200, "times": 2}, ...]` sets it, `[]` clears it.

    Raises:
        ApiError: the body is not such a list.
    """
    adapter = TypeAdapter(tuple[Fault, ...])
    if request.method == "POST":
        try:
            faults.plan(*adapter.validate_json(await request.body()))
        except ValidationError as error:
            raise ApiError(f"ERR bad fault: {error.errors()[0]['msg']}") from error
    return json_response(adapter.dump_python(faults.planned(), mode="json"))


async def instead(fault: Fault, request: Request) -> Response | None:
    """Answer in place of the app, or None after a delay where the commands are to run all the same."""
    match fault.kind:
        case FaultKind.LATENCY:
            await asyncio.sleep(fault.delay_ms / 1000)
        case FaultKind.HANG:
            await _until_disconnect(request)
            return Response(status_code=503)
        case FaultKind.HTML:
            return HTMLResponse("<html><body><h1>502 Bad Gateway</h1></body></html>", 502)
        case FaultKind.THROTTLED:
            return json_response({"error": "ERR max requests limit exceeded"}, 429)
        case FaultKind.UNAUTHORIZED:
            return json_response({"error": "WRONGPASS invalid or missing auth token"}, 401)
        case FaultKind.CRASH:
            return json_response({"message": "Internal Server Error"}, 500)
    return None


async def _until_disconnect(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def broken() -> ASGIApp:
    """Give an answer that breaks off: a head that promises a body, then the end of the connection."""

    async def send_head_only(_scope: Scope, _receive: Receive, send: Send) -> None:
        head = [(b"content-type", b"application/json"), (b"content-length", b"2")]
        await send({"type": "http.response.start", "status": 200, "headers": head})

    return send_head_only
