"""A request's way to a slot of its process: cheap refusals first, then its turn, for as long as its client waits."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from contextlib import contextmanager
from functools import partial
from typing import Any

from starlette.requests import ClientDisconnect
from starlette.types import Message, Receive, Scope

from gateway_core.access.authenticator import Authenticator
from gateway_core.crowd.limiter import Claim, CrowdLimits, Limiter
from gateway_core.crowd.slot import Slot, seated
from gateway_core.domain.caller import Caller
from gateway_core.store.virtual_keys import project_of
from gateway_core.waiting import start_eagerly

LIMITER = "limiter"
"""In the scope's state: the limiter of the whole process. Without it each app has its own."""
_SLOT, _EAR = "slot", "ear"


class Ear:
    """Receives for the app, and may listen before whether the client leaves, keeping what it sends meanwhile."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._kept: deque[Message] = deque()

    async def __call__(self) -> Message:
        return self._kept.popleft() if self._kept else await self._receive()

    async def left(self) -> None:
        """Returns when the client has left. One piece of a body is kept at most: behind it nothing is heard."""
        while not (self._kept and self._kept[-1].get("more_body", False)):
            message = await self._receive()
            self._kept.append(message)
            if message["type"] == "http.disconnect":
                return
        await asyncio.get_running_loop().create_future()


@contextmanager
def turn_of(scope: Scope, receive: Receive, own: Limiter) -> Iterator[tuple[Slot, Ear]]:
    """Within the block the request has a slot that it may take, by `let_in`."""
    state: MutableMapping[str, Any] = scope.setdefault("state", {})
    with seated(state.get(LIMITER) or own) as slot:
        ear = Ear(receive)
        state[_SLOT], state[_EAR] = slot, ear
        yield slot, ear


async def let_in(scope: Scope, key: str, authenticator: Authenticator, limits: CrowdLimits) -> Caller:
    """The caller of a request, once it is its turn to be worked on.

    A key that cannot be right, or is known to be revoked, does not wait. Raises Unauthenticated, Overloaded, or
    StoreUnavailable when nobody can tell.
    """
    claim = Claim(project_of(key), stranger=not authenticator.known(key))
    return await in_turn(scope, claim, limits, partial(authenticator.authenticate, key))


async def in_turn(scope: Scope, claim: Claim, limits: CrowdLimits, find: Callable[[], Awaitable[Caller]]) -> Caller:
    """What `find` finds, once it is the request's turn. Raises what that does, and Overloaded."""
    slot: Slot | None = scope.get("state", {}).get(_SLOT)
    if slot:
        await _turn(slot, scope["state"][_EAR], claim, limits)
    caller = await find()
    if slot:
        slot.recognise(caller.project_id)
    return caller


async def _turn(slot: Slot, ear: Ear, claim: Claim, limits: CrowdLimits) -> None:
    """Take the slot. Raises ClientDisconnect when the client leaves meanwhile."""
    taking = start_eagerly(slot.take(claim, limits))
    if not taking.done():
        leaving = asyncio.ensure_future(ear.left())
        try:
            await asyncio.wait({taking, leaving}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            leaving.cancel()
            if not taking.done():
                taking.cancel()
                await asyncio.wait({taking})
        if taking.cancelled():
            raise ClientDisconnect
    taking.result()
