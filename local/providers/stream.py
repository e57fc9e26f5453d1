"""Sends a streamed answer, whole or as far as its fault lets it."""

from __future__ import annotations

from collections.abc import Iterator

from local.providers.model import Frame
from local.providers.quirks import reworded_frames
from local.providers.scene import Scene
from local.providers.sse import formed

_WHOLE = ("", "slow", "slow_first_token")
"""Kinds that only take their time."""


async def stream(scene: Scene) -> None:
    """Raises Gone if nobody is there any more."""
    await scene.exchange.start(200, "text/event-stream; charset=utf-8", scene.headers)
    scene.exchange.watch()
    if scene.kind == "slow_first_token":
        await scene.linger(scene.delay_s)
    frames = [
        Frame(formed(frame.data, scene.sse, first=at == 0), frame.tokens) for at, frame in enumerate(_frames(scene))
    ]
    if scene.kind not in _WHOLE:
        for frame in frames[: _breaking_point(frames, scene.after_chunks)]:
            await _write(scene, frame)
        await scene.break_off()
    else:
        for frame in frames[:-1]:
            await _write(scene, frame)
        scene.finish()
        await scene.exchange.write(frames[-1].data)
        await scene.exchange.end()


def _frames(scene: Scene) -> Iterator[Frame]:
    return reworded_frames(scene.wire.frames(scene.prompt, scene.generation, scene.stamp), scene.generation.quirks)


async def _write(scene: Scene, frame: Frame) -> None:
    scene.call.generated += frame.tokens
    await scene.exchange.write(frame.data)
    if frame.tokens and scene.pace_s:
        await scene.exchange.pause(scene.pace_s)


def _breaking_point(frames: list[Frame], chunks: int) -> int:
    """How many frames go out: those up to the given number of chunks with content, always short of the ending."""
    content = [at for at, frame in enumerate(frames) if frame.tokens]
    if chunks and content:
        return content[min(chunks, len(content)) - 1] + 1
    return content[0] if content else 0
