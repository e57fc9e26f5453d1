"""The backlog of one process, gone with it: for tests, and whoever embeds the gateway."""

from __future__ import annotations

from collections import Counter

from gateway_core.domain.errors import LLMError
from gateway_core.ports import Replay
from gateway_core.store.records import Unsettled
from gateway_core.store.unsettled import Verdict, pack


class MemoryBacklog:
    """Implements the port `LocalBacklog`. What is refused is in `refused`."""

    def __init__(self) -> None:
        self.waiting: list[str] = []
        self.refused: list[str] = []

    async def put(self, unsettled: Unsettled, error: LLMError) -> None:  # noqa: ARG002 - the port's
        self.waiting.append(pack(unsettled))

    async def drain(self, replay: Replay) -> Counter[Verdict]:
        told: Counter[Verdict] = Counter()
        taken, self.waiting = self.waiting, []
        for number, text in enumerate(taken):
            verdict = await replay(text)
            told[verdict] += 1
            if verdict == "away":
                self.waiting += taken[number:]
                break
            if verdict == "waits":
                self.waiting.append(text)
            elif verdict == "refused":
                self.refused.append(text)
        return told
