"""Who sent the request that is being served, and how long it may take."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from fastmcp.server.dependencies import get_http_request

from gateway_core.domain.caller import Caller
from gateway_core.domain.chat import Json
from gateway_core.domain.errors import DeadlineExceeded
from gateway_core.invocation import HttpRequest

_MARGIN_S = 2.0
"""A function's own deadline is to pass first: its error knows what was tried."""


@dataclass(frozen=True, slots=True)
class Visitor:
    """`key` goes on to the functions, or what `vouch` makes of who has come with a token.

    `authorizer` is what API Gateway's authorizer said; `time_left_s` is Lambda's.
    """

    caller: Caller
    key: str
    request_id: str
    authorizer: Json | None = None
    time_left_s: float = math.inf
    default_timeout_s: float = 120.0
    vouch: Callable[[], str] | None = None

    def may_use(self, tool: str) -> bool:
        return not self.caller.tools or tool in self.caller.tools

    def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        timeout_s: float = 30.0,
    ) -> HttpRequest:
        """A request to a function in this visitor's name. Raises DeadlineExceeded if there is no time for it."""
        limit_s = min(timeout_s + _MARGIN_S, self.time_left_s)
        if limit_s <= 0:
            raise DeadlineExceeded("There is no time left for this call.")
        own = {"accept": "application/json"}
        if self.vouch is None:
            own["authorization"] = f"Bearer {self.key}"
        if body:
            own["content-type"] = "application/json"
        identity = self.vouch() if self.vouch else ""
        said = {**(headers or {}), **own}
        return HttpRequest(method, path, query or {}, said, body, self.authorizer, limit_s, identity)


_VISITOR: ContextVar[Visitor] = ContextVar("visitor")
"""Where requests come by no HTTP that could carry it."""


@contextmanager
def visited_by(visitor: Visitor) -> Iterator[None]:
    """Within the block he is the current one."""
    token = _VISITOR.set(visitor)
    try:
        yield
    finally:
        _VISITOR.reset(token)


def current_visitor() -> Visitor:
    """The visitor of the request that FastMCP serves now; the gate or `visited_by` has put it there."""
    visitor: Visitor | None = _VISITOR.get(None)
    return visitor or get_http_request().state.visitor
