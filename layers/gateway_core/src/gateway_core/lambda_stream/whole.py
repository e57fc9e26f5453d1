"""Turns an ASGI app into a Lambda handler that answers whole, for routes whose answers are always small."""

from __future__ import annotations

from typing import Any, override

from mangum import Mangum
from mangum.protocols import HTTPCycle
from starlette.types import ASGIApp

from gateway_core.lambda_stream.request import acknowledged, read_event


class WholeHandler(Mangum):
    """Mangum over our reader of events, so that all functions read an event alike.

    Mangum's own reader leaves a custom domain's base path in the path, and fails where an event is no request.
    """

    @override
    def __call__(self, event: Any, context: Any) -> dict[str, Any]:
        """API Gateway's proxy response; blocks."""
        request = read_event(event, context)
        if request is None:
            return acknowledged(event)
        return request.mangum_response(HTTPCycle(request.scope, request.body)(self.app))


def whole_handler(app: ASGIApp) -> WholeHandler:
    """The Lambda handler of `app`. Lambda takes 6 MB of it for an answer: whatever may grow streams instead."""
    return WholeHandler(app, lifespan="off")  # type: ignore[arg-type]  # wants to know that it is a coroutine
