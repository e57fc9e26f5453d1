"""Settles what waits in the backlog while the stack runs, as a function does on AWS."""

from __future__ import annotations

import contextlib
import hashlib
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

from gateway_core.adapters.feed import EventFeed
from gateway_core.adapters.file_backlog import FileBacklog
from gateway_core.bootstrap import light_services
from gateway_core.config.environment import backlog_folder
from gateway_core.telemetry.sinks import FanOut
from gateway_core.triggers.replay import Replayer, ReplayLoop
from local.environment import LocalEnvironment
from local.working import working


def backlog_of(stack: ExitStack, choices: LocalEnvironment, environ: Mapping[str, str], store_url: str) -> str:
    """The folder of the backlog: the one that is set, else beside the store's data.

    What waits for one store is nothing for another, so each real store has its own. Where a store of ours forgets all
    when it ends, so does the backlog.
    """
    if named := backlog_folder(environ):
        return named
    if not choices.real_store:
        return str(Path(choices.store_dir or stack.enter_context(tempfile.TemporaryDirectory())) / "backlog")
    state = Path(environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "llm-gateway"
    folder = Path(choices.store_dir) if choices.store_dir else state
    return str(folder / f"backlog-{hashlib.sha256(store_url.encode()).hexdigest()[:12]}")


@contextlib.contextmanager
def replaying(settings: Mapping[str, str], feed: EventFeed | None = None) -> Iterator[None]:
    """In a thread of its own; leaving the block tries once more and ends it. `feed` hears of what it changes."""
    folder = backlog_folder(settings)
    if folder is None:
        yield
        return
    services = light_services(settings)
    events = services.now().events
    if feed and isinstance(events, FanOut):
        events.attach(feed)
    with working(ReplayLoop(Replayer(services), FileBacklog(Path(folder)))):
        yield
