"""A function that answers whole, called as Lambda does it, for tests."""

from __future__ import annotations

import asyncio
from typing import Any

from mangum import Mangum
from starlette.types import ASGIApp


def classic(app: ASGIApp, event: Any) -> dict[str, Any]:
    """API Gateway's proxy response. In a thread that has no loop of its own: Mangum would leave one open."""
    with asyncio.Runner() as runner:
        asyncio.set_event_loop(runner.get_loop())
        return Mangum(app, lifespan="off")(event, None)  # type: ignore[arg-type]  # wants to know a coroutine
