"""One gateway in a process of its own, forked from a parent that has LiteLLM loaded: as many as a test wants."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from multiprocessing.connection import Connection
from typing import Any, override
from unittest import mock

from gateway_core import bootstrap
from gateway_core.adapters.clock import SystemClock
from gateway_core.adapters.job_bell import JobBell
from gateway_core.api import ask, chat, complete, embeddings, stream, usage
from gateway_core.api.app import create_app
from gateway_core.batch.job_recorder import Pace
from gateway_core.services import Jobs
from gateway_core.triggers.job_loop import JobLoop
from local.replaying import replaying
from local.serving import serve
from local.working import working

PARTS = (complete, stream, chat, embeddings, usage)
BRIEF = Pace(lease_ms=1500)
"""A lease that a test can wait for."""
LOOK_S = 0.3


class SharedClock(SystemClock):
    """The time of day that all processes agree on: what `at_ms` holds, the machine's if that is 0."""

    def __init__(self, at_ms: Any) -> None:
        super().__init__()
        self._at_ms = at_ms

    @override
    def now_ms(self) -> int:
        return int(self._at_ms.value) or super().now_ms()


def run(pipe: Connection, environ: Mapping[str, str], at_ms: Any) -> None:
    """Serve the routes that cost money, say where through the pipe, and end when its other end is closed."""
    # The composition root takes the machine's clock; all else is wired as it is in production.
    with mock.patch.object(bootstrap, "SystemClock", return_value=SharedClock(at_ms)):
        services = bootstrap.model_services(environ)
    with serve(create_app(services, *(part.router for part in PARTS))) as url:
        pipe.send(url)
        pipe.poll(None)


def run_replaying(pipe: Connection, environ: Mapping[str, str], _at_ms: Any) -> None:
    """As `run`, and settle the backlog in the folder that the environment names."""
    services = bootstrap.model_services(environ)
    with replaying(environ), serve(create_app(services, *(part.router for part in PARTS))) as url:
        pipe.send(url)
        pipe.poll(None)


def run_jobs(pipe: Connection, environ: Mapping[str, str], _at_ms: Any) -> None:
    """Serve batches and reports, and work on jobs, those that others left included."""
    services = bootstrap.model_services(environ)
    bell, store = JobBell(), services.now().store
    loop = JobLoop(bootstrap.job_services(environ), store, BRIEF, LOOK_S)
    bell.attach(loop.ring)
    routes = partial(ask.router, jobs=Jobs(store, bell))
    with serve(create_app(services, routes, usage.router)) as url, working(loop):
        pipe.send(url)
        pipe.poll(None)
