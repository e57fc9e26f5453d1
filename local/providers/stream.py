"""Sends a streamed answer, whole or as far as its fault lets it."""

from __future__ import annotations

from collections.abc import Iterator

from local.providers.exchange import Gone
from local.providers.model import Frame
from local.providers.quirks import reworded_frames
from local.providers.scene import Scene
from local.providers.sse import formed

_WHOLE = ("", "slow", "slow_first_token")
"""Kinds that only take their time."""


async def stream(scene: Scene) -> None:
    """Raises Gone if nobody is there any more."""
    await scene.exchange.start(200, scene.wire.stream_type, scene.headers)
    scene.exchange.watch()
    if scene.kind == "slow_first_token":
        await scene.linger(scene.delay_s)
    frames = [
        Frame(formed(frame.data, scene.sse, first=at == 0), frame.tokens) for at, frame in enumerate(_frames(scene))
    ]
    if scene.kind not in _WHOLE:
        sent = frames[: _breaking_point(frames, scene.after_chunks)]
        await _write_all(scene, sent)
        await scene.break_off(len(sent))
    else:
        await _write_all(scene, frames[:-1])
        scene.finish()
        await scene.exchange.write(frames[-1].data)
        await scene.exchange.end()


def _frames(scene: Scene) -> Iterator[Frame]:
    return reworded_frames(scene.wire.frames(scene.prompt, scene.generation, scene.stamp), scene.generation.quirks)


async def _write_all(scene: Scene, frames: list[Frame]) -> None:
    for at, frame in enumerate(frames):
        try:
            await _write(scene, frame)
        except Gone:
            _go_on(scene, frames[at + 1 :])
            raise


def _go_on(scene: Scene, rest: list[Frame]) -> None:
    """What is written before the provider has noticed that nobody is there any more."""
    if scene.lag_s:
        content = [frame for frame in rest if frame.tokens]
        chunks = int(scene.lag_s / scene.pace_s) if scene.pace_s else len(content)
        scene.call.write(sum(frame.tokens for frame in content[:chunks]))


async def _write(scene: Scene, frame: Frame) -> None:
    scene.call.write(frame.tokens)
    await scene.exchange.write(frame.data)
    if frame.tokens and scene.pace_s:
        await scene.exchange.pause(scene.pace_s)


def _breaking_point(frames: list[Frame], chunks: int) -> int:
    """How many frames go out: those up to the given number of chunks with content, always short of the ending."""
    content = [at for at, frame in enumerate(frames) if frame.tokens]
    if chunks and content:
        return content[min(chunks, len(content)) - 1] + 1
    return content[0] if content else 0
