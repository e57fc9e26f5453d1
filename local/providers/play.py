"""Plays one call: its fault if it has one, else the good answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from local.providers.generation import truncated
from local.providers.model import Reply
from local.providers.quirks import reworded
from local.providers.scene import Scene
from local.providers.stream import stream
from local.providers.wire import dumps

HTML = b"<!DOCTYPE html><html><head><title>502 Bad Gateway</title></head><body><h1>Bad Gateway</h1></body></html>"
GARBAGE_BODY = b'{"id": "broken'
_NOWHERE = "http://127.0.0.1:9/"


async def play(scene: Scene) -> None:
    """Raises Gone if nobody is there any more."""
    await _ACTS.get(scene.kind, _answer)(scene)


async def _answer(scene: Scene) -> None:
    await (stream(scene) if scene.prompt.stream else _json(scene))


async def _json(scene: Scene) -> None:
    whole = scene.wire.whole(scene.prompt, scene.generation, scene.stamp)
    body = dumps(reworded(whole, scene.generation.quirks))
    if scene.kind in ("cut", "stall"):
        await _half(scene, body)
        return
    scene.finish()
    await scene.exchange.reply(Reply(200, body, scene.headers))


async def _half(scene: Scene, body: bytes) -> None:
    """The model said everything, and half of it arrives."""
    scene.call.generated = scene.generation.tokens.output
    await scene.exchange.start(200, "application/json", scene.headers, len(body))
    await scene.exchange.write(body[: len(body) // 2])
    await scene.break_off()


async def _error(scene: Scene) -> None:
    """As the whole answer, or within a stream once `after_chunks` are out."""
    if scene.prompt.stream and "after_chunks" in scene.params:
        await stream(scene)
    else:
        await scene.fail(scene.wire.failure(scene.failure()))


async def _content_filter(scene: Scene) -> None:
    """As a refusal of the prompt, or (with `after_chunks`, or `as_error` false) as the reason why an answer ends."""
    if not scene.params.get("as_error", "after_chunks" not in scene.params):
        await _answer(scene.without_fault(truncated(scene.generation, scene.after_chunks, "content_filter")))
    elif scene.wire.blocks_in_band:
        await _answer(scene.without_fault(truncated(scene.generation, 0, "blocked")))
    else:
        await scene.fail(scene.wire.failure(scene.failure()))


async def _empty(scene: Scene) -> None:
    await _answer(scene.without_fault(truncated(scene.generation, 0, "empty")))


async def _html(scene: Scene) -> None:
    await scene.fail(Reply(scene.params.get("status", 200), HTML, (), "text/html; charset=utf-8"))


async def _malformed(scene: Scene) -> None:
    if scene.prompt.stream:
        await stream(scene)
    else:
        await scene.fail(Reply(200, GARBAGE_BODY, scene.headers))


async def _redirect(scene: Scene) -> None:
    await scene.fail(Reply(307, b"", (("location", str(scene.params.get("url", _NOWHERE))),)))


async def _reset(scene: Scene) -> None:
    """Before the answer, or within a stream once `after_chunks` are out."""
    if scene.prompt.stream and "after_chunks" in scene.params:
        await stream(scene)
    else:
        await scene.break_off()


async def _slow(scene: Scene) -> None:
    await scene.exchange.pause(scene.delay_s)
    await _answer(scene)


async def _slow_first_token(scene: Scene) -> None:
    """A stream begins at once and then says nothing for a while; anything else is just slow."""
    await (stream(scene) if scene.prompt.stream else _slow(scene))


async def _timeout(scene: Scene) -> None:
    await scene.exchange.hang()


_ACTS: dict[str, Callable[[Scene], Awaitable[None]]] = {
    "auth": _error,
    "content_filter": _content_filter,
    "context_length": _error,
    "empty_choices": _empty,
    "error_text": _error,
    "html": _html,
    "malformed": _malformed,
    "not_found": _error,
    "rate_limit": _error,
    "redirect": _redirect,
    "reset": _reset,
    "server_error": _error,
    "slow": _slow,
    "slow_first_token": _slow_first_token,
    "timeout": _timeout,
    "unavailable": _error,
}
"""What each kind does; `cut` and `stall` are good answers up to a point."""
