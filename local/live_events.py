"""GET /v1/events: what happens in this process, live, as server-sent events."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from functools import partial

from starlette.requests import Request

from gateway_core.access.rights import check_tool
from gateway_core.adapters.feed import Entry, EventFeed
from gateway_core.api.auth import identify
from gateway_core.api.routes import Routes
from gateway_core.api.sse import Events, EventStream, event
from gateway_core.domain.caller import Caller
from gateway_core.domain.errors import InvalidRequest, LLMError
from gateway_core.services import Current, Services

TOOL = "get_usage"
"""Who may see what was used may see it live."""


def events_router(feed: EventFeed) -> Callable[[Current[Services]], Routes]:
    """A factory of the route over `feed`."""

    def router(source: Current[Services]) -> Routes:
        routes = Routes()
        run = secrets.token_hex(4)  # numbers begin anew with each start: an id of another run resumes nothing

        @routes.get("/v1/events")
        async def events(request: Request) -> EventStream:
            caller = await identify(request, source.now())
            check_tool(caller, TOOL)
            after = _resume_after(request.headers.get("last-event-id"), run, feed)
            watcher = partial(identify, request, source.now())
            return EventStream(_events(feed, after, watcher, run), {"x-gateway-request-id": request.state.request_id})

        return routes

    return router


def _resume_after(last_id: str | None, run: str, feed: EventFeed) -> int:
    """The number to go on from: new events only, unless the client says what it has seen."""
    if last_id is None:
        return feed.last
    known, _, number = last_id.rpartition("-")
    if not number.isdecimal():
        raise InvalidRequest("That is no event's id. Send one, or 0 for all that are kept.", param="last-event-id")
    return int(number) if known == run else 0


async def _events(feed: EventFeed, after: int, watcher: Callable[[], Awaitable[Caller]], run: str) -> Events:
    async with aclosing(feed.read(after)) as entries:
        async for entry in entries:
            try:
                caller = await watcher()  # asks the store every 30 s at most: a stream may outlive its key
            except LLMError:
                return
            if _may_see(caller, entry):
                rendered = entry.event.render()
                yield event(rendered, rendered["detail-type"], f"{run}-{entry.number}")


def _may_see(caller: Caller, entry: Entry) -> bool:
    """Everything with an admin key, else what is its project's, and its user's where the key is bound to one."""
    if caller.admin:
        return True
    is_own = entry.event.project_id == caller.project_id
    return is_own and caller.user_id in ("", entry.event.facts().get("user_id"))
