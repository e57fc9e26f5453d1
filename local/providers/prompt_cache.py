"""The providers' cache of prompt beginnings, as Anthropic documents it.

Source (2026-11-29): https://platform.claude.com/docs/en/build-with-claude/prompt-caching. An entry is written where a
breakpoint ends a prefix; a request reads the longest prefix that is known, at a breakpoint or up to 20 blocks before
one, and writes what lies between it and its breakpoints. Up to the last breakpoint of an hour that is an hour's write,
the rest a five minutes'. Reading an entry keeps it alive for its time again.
"""

from __future__ import annotations

from collections.abc import Sequence

from local.providers.model import CacheUse, Prefix

LOOKBACK_BLOCKS = 20
HOUR_S = 3600


class PromptCache:
    """What all callers of one simulator share."""

    def __init__(self) -> None:
        self._entries: dict[str, tuple[int, float]] = {}

    def clear(self) -> None:
        self._entries.clear()

    def use(self, prefixes: Sequence[Prefix], minimum: int, now_s: float, *, write: bool) -> CacheUse:
        """What a prompt reads and writes; with `write` false nothing is remembered. Below `minimum` nothing is kept."""
        marks = [at for at, prefix in enumerate(prefixes) if prefix.ttl_s and prefix.tokens >= minimum]
        if not marks:
            return CacheUse()
        hit = self._longest(prefixes, marks, now_s)
        if write:
            self._remember(prefixes, marks, hit, now_s)
        return _use(prefixes, marks, hit)

    def _longest(self, prefixes: Sequence[Prefix], marks: list[int], now_s: float) -> int | None:
        near = {at for mark in marks for at in range(max(0, mark - LOOKBACK_BLOCKS + 1), mark + 1)}
        return max((at for at in near if self._alive(prefixes[at], now_s)), default=None)

    def _alive(self, prefix: Prefix, now_s: float) -> bool:
        _, until_s = self._entries.get(prefix.digest, (0, 0.0))
        return now_s < until_s

    def _remember(self, prefixes: Sequence[Prefix], marks: list[int], hit: int | None, now_s: float) -> None:
        if hit is not None:
            ttl_s, _ = self._entries[prefixes[hit].digest]
            self._entries[prefixes[hit].digest] = (ttl_s, now_s + ttl_s)
        for mark in marks:
            prefix = prefixes[mark]
            if hit is None or mark > hit:
                self._entries[prefix.digest] = (prefix.ttl_s, now_s + prefix.ttl_s)


def _use(prefixes: Sequence[Prefix], marks: list[int], hit: int | None) -> CacheUse:
    read = prefixes[hit].tokens if hit is not None else 0
    new = [prefixes[mark] for mark in marks if hit is None or mark > hit]
    hours = max((prefix.tokens for prefix in new if prefix.ttl_s == HOUR_S), default=read)
    ends = max((prefix.tokens for prefix in new), default=read)
    return CacheUse(read, ends - hours, hours - read)
