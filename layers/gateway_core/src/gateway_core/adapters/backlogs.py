"""Which backlog it is that an environment names."""

from __future__ import annotations

from pathlib import Path

from gateway_core.adapters.insistence import BackgroundBacklog, InlineBacklog, Retrier
from gateway_core.invocation import time_left_s
from gateway_core.ports import Backlog, Clock, Ledger
from gateway_core.telemetry.telemetry import Telemetry


def backlog_of(named: str | None, store: Ledger, clock: Clock, telemetry: Telemetry, *, on_lambda: bool) -> Backlog:
    """Where settlements go that the store did not take, and what is tried where they cannot go there. Never raises."""
    retrier = Retrier(store, clock, telemetry, open_backlog(named))
    return InlineBacklog(retrier, time_left_s) if on_lambda else BackgroundBacklog(retrier)


def open_backlog(named: str | None) -> Backlog | None:
    """The queue at a URL or the folder at a path, neither of which is looked for before it is needed."""
    if named is None:
        return None
    if "://" in named:
        from gateway_core.adapters.sqs_backlog import SqsBacklog  # noqa: PLC0415 - for AWS only

        return SqsBacklog(named)
    from gateway_core.adapters.file_backlog import FileBacklog  # noqa: PLC0415 - not on AWS

    return FileBacklog(Path(named))
