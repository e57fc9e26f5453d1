"""Groups streamed text into whole words, for callers that show or speak it as it comes. Pure."""

from __future__ import annotations

import re
from dataclasses import replace

from gateway_core.domain.answer import Chunk

_LAST_GAP = re.compile(r"\s(?=\S*$)")


class WordBuffer:
    """Holds text back until the word is complete. Anything that is not text lets it go, so that order is kept."""

    def __init__(self) -> None:
        self._held = ""

    def push(self, chunk: Chunk) -> list[Chunk]:
        """What may go out now that `chunk` has come."""
        if chunk == Chunk():
            return []
        if not chunk.text:
            return [*self.flush(), chunk]
        whole = self._held + chunk.text
        gap = _LAST_GAP.search(whole)
        ready, self._held = (whole[: gap.end()], whole[gap.end() :]) if gap else ("", whole)
        rest = replace(chunk, text=ready)
        if chunk.finish_reason or chunk.tool_calls:
            return [replace(rest, text=ready + self._take())]
        return [rest] if rest != Chunk() else []

    def flush(self) -> list[Chunk]:
        """What is still held, at the end or before something else."""
        held = self._take()
        return [Chunk(text=held)] if held else []

    def _take(self) -> str:
        held, self._held = self._held, ""
        return held
