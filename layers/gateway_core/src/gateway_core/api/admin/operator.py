"""Who administers, and what is told of it: a line of the log for each request, an event for each change."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from starlette.requests import Request

from gateway_core.access.administration import Administration
from gateway_core.access.known_names import KnownNames
from gateway_core.api.auth import presented_key
from gateway_core.domain.errors import Forbidden, LLMError
from gateway_core.services import Current, Services
from gateway_core.telemetry.audit import Administered

MOST_BODY_BYTES = 64 * 1024
DEV_KEY = "dev key"
_LONGEST_TARGET = 80
TOLD_S = 1.0
"""For so long an answer waits for its event: on Lambda nothing runs behind it."""
_UNSIGNED = (
    "Administration takes requests that are signed with AWS credentials (Signature Version 4, execute-api:Invoke), and "
    "no gateway key. See docs/administration.md."
)
_OFF = "Administration over HTTP is off: GATEWAY_DEV_KEY is not set. Set it, or use the command line: gateway --help."
_OTHER_KEY = "Administration takes the development key (GATEWAY_DEV_KEY), and no other key of the gateway."

type Gate = Callable[[Request, Services], str]
"""Who sent a request that may administer. Raises Forbidden, or Unauthenticated for one that shows nothing."""


def signed_by(request: Request, _services: Services) -> str:
    """On Lambda: the ARN whose signature API Gateway found right, and allowed to invoke this route."""
    context = request.scope.get("aws.event", {}).get("requestContext") or {}
    operator = (context.get("identity") or {}).get("userArn")
    if not isinstance(operator, str) or not operator:
        raise Forbidden(_UNSIGNED)
    return operator


def with_dev_key(request: Request, services: Services) -> str:
    """On one machine: who has the development key; nobody where there is none."""
    dev_key = services.settings.dev_key
    if dev_key is None:
        raise Forbidden(_OFF)
    if not hmac.compare_digest(presented_key(request.headers).encode(), dev_key.reveal().encode()):
        raise Forbidden(_OTHER_KEY)
    return DEV_KEY


@dataclass(slots=True)
class Deed:
    """What somebody is about to do: `target` is an id, as soon as there is one. Only what `changes` is an event."""

    work: Administration
    services: Services
    action: str
    target: str = ""
    project_id: str = ""
    changes: bool = True


@dataclass(frozen=True, slots=True)
class Desk:
    """Where operators are let in."""

    source: Current[Services]
    gate: Gate

    @asynccontextmanager
    async def serve(
        self, request: Request, action: str, target: str = "", *, changes: bool = True
    ) -> AsyncGenerator[Deed]:
        """What the block does is told, done or refused. Raises what the gate does, before anything is read."""
        services = self.source.now()
        operator = self.gate(request, services)
        names = KnownNames(services.settings.catalog)
        deed = Deed(
            Administration(services.store, services.clock, names),
            services,
            action,
            target[:_LONGEST_TARGET],
            changes=changes,
        )
        try:
            yield deed
        except LLMError as error:
            services.telemetry.administered(_told(request, operator, deed, error.code))
            raise
        told = _told(request, operator, deed, "ok")
        services.telemetry.administered(told)
        if deed.changes:
            await _emit(services, told)


def _told(request: Request, operator: str, deed: Deed, outcome: str) -> Administered:
    return Administered(
        at_ms=deed.services.clock.now_ms(),
        project_id=deed.project_id,
        request_id=request.state.request_id,
        operator=operator,
        action=deed.action,
        target=deed.target,
        outcome=outcome,
    )


async def _emit(services: Services, told: Administered) -> None:
    try:
        async with asyncio.timeout(TOLD_S):
            await services.events.emit([told])
    except Exception as error:  # noqa: BLE001 - what is done is done, whoever hears of it
        services.telemetry.events_failed(1, type(error).__name__)
