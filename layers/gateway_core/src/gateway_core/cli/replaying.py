"""`gateway usage replay`: settles what a log or a backlog says was not settled."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from gateway_core.adapters.clock import SystemClock
from gateway_core.adapters.file_backlog import FileBacklog
from gateway_core.adapters.opening import StoreTimes, open_databases
from gateway_core.cli.answers import Answer, UsageError
from gateway_core.cli.opening import named_databases
from gateway_core.config.environment import backlog_folder
from gateway_core.domain.errors import (
    ConfigError,
    InvalidRequest,
    LLMError,
    ProjectMisplaced,
    RecordRefused,
    StoreUnavailable,
)
from gateway_core.ports import Clock, Store
from gateway_core.ports.replaying import replay
from gateway_core.store.estimates import LEAST_WAIT_MS
from gateway_core.store.messages import BreakerPolicy, Terms
from gateway_core.store.placement import Placement
from gateway_core.store.unsettled import Verdict, parse

_TIMEOUT_S = 10.0
_COUNTED = ("written", "known", "refused", "waiting")
_MARKS = ("usage not settled", '{"version":')


async def usage_replay(options: argparse.Namespace, environ: Mapping[str, str]) -> Answer:
    """One line that counts: `written` now, `known` already, `refused`, and `waiting`, as their records have no room.

    Raises StoreUnavailable when the store does not answer; what was settled until then stays so.
    """
    sources = options.sources or _default(environ)
    named = named_databases(environ)
    store = open_databases(named.addresses, named.placement, StoreTimes(_TIMEOUT_S, _TIMEOUT_S, LEAST_WAIT_MS))
    again = _Again(store, named.placement, SystemClock())
    try:
        for source in sources:
            await _replay(source, again)
    finally:
        await store.close()
    return Answer([{name: again.told[name] for name in _COUNTED}], _COUNTED)


class _Again:
    """Settles messages and counts what became of them."""

    def __init__(self, store: Store, placement: Placement, clock: Clock) -> None:
        self._store = store
        self._placement = placement
        self._away: set[str] = set()
        self._clock = clock
        self.told: Counter[str] = Counter()
        self.failure: StoreUnavailable | None = None

    async def replay(self, text: str) -> Verdict:
        """Implements `ports.Replay`. Of several databases, one that is away does not keep what is for the others."""
        database = ""
        try:
            unsettled = parse(text)
            database = self._placement.database_of(unsettled.ticket.project_id)
            if database in self._away:
                return "waits"
            settled = await replay(self._store, unsettled, Terms(self._clock.now_ms(), BreakerPolicy()))
        except ProjectMisplaced as error:
            return self._tell("waits", "waiting", error)
        except StoreUnavailable as error:
            self.failure = error
            self._away.add(database)
            return "waits" if len(self._store.databases) > 1 else "away"
        except RecordRefused as error:
            return self._tell("waits", "waiting", error)
        except InvalidRequest as error:
            return self._tell("refused", "refused", error)
        self.told["written" if settled.written else "known"] += 1
        return "settled"

    def _tell(self, verdict: Verdict, name: str, error: LLMError) -> Verdict:
        self.told[name] += 1
        print(f"gateway: {error.message}", file=sys.stderr)
        return verdict


async def _replay(source: str, again: _Again) -> None:
    if folder := _folder(source):
        await folder.drain(again.replay)
    else:
        for line in _lines(source):
            if await again.replay(line) == "away":
                break
    if again.failure:
        raise again.failure


def _folder(source: str) -> FileBacklog | None:
    return FileBacklog(Path(source)) if source != "-" and Path(source).is_dir() else None


def _lines(source: str) -> Iterator[str]:
    """Those of a file, or of standard input for `-`, that say what was not settled."""
    if source == "-":
        yield from _marked(sys.stdin)
        return
    try:
        with Path(source).open(encoding="utf-8", errors="replace") as file:
            yield from _marked(file)
    except OSError as error:
        raise ConfigError(f"{source}: cannot be read: {error.strerror}.") from error


def _marked(lines: Iterable[str]) -> Iterator[str]:
    return (line.rstrip("\n") for line in lines if any(mark in line for mark in _MARKS))


def _default(environ: Mapping[str, str]) -> Sequence[str]:
    folder = backlog_folder(environ)
    if folder is None:
        raise UsageError("Name a file of log lines, - for standard input, or a backlog's folder.")
    return [folder]
