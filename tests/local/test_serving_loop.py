"""The event loop under what is served here."""

from __future__ import annotations

import asyncio
import sys
from types import ModuleType

import httpx

from local.serving import serve


async def _tell_loop(scope, receive, send):
    if scope["type"] == "lifespan":
        return
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": type(asyncio.get_running_loop()).__name__.encode()})


def test_it_is_asyncios_where_uvloop_is_installed(monkeypatch):
    """The HTTP client connects as only asyncio's loops can."""
    uvloop = ModuleType("uvloop")
    uvloop.new_event_loop = uvloop.Loop = type("OtherLoop", (asyncio.SelectorEventLoop,), {})
    monkeypatch.setitem(sys.modules, "uvloop", uvloop)
    with serve(_tell_loop) as url:
        assert "OtherLoop" not in httpx.get(url).text
