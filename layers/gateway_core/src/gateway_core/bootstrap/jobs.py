"""Where jobs are kept, and what works on them: for the few processes that have to do with jobs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from gateway_core.bootstrap import job_services
from gateway_core.config.environment import ProcessEnvironment
from gateway_core.services import Current, Jobs, ModelServices
from gateway_core.telemetry.ports import EventSink, Observer

if TYPE_CHECKING:
    from gateway_core.adapters.job_bell import JobBell
    from gateway_core.triggers.durable import Handler
    from gateway_core.triggers.job_loop import JobLoop


def jobs_for(environ: Mapping[str, str], source: Current[ModelServices]) -> Jobs | None:
    """Where jobs are kept and started: on Lambda by the function and bucket that are named, None if there are none.

    Elsewhere they are kept in the store, and started by a `JobBell`, for whoever runs a `job_loop` in this process.
    """
    process = ProcessEnvironment.from_env(environ)
    if process.jobs_bucket and (function := process.functions.get("jobs")):
        from gateway_core.adapters.job_invoker import JobInvoker  # noqa: PLC0415 - for AWS only
        from gateway_core.adapters.s3_job_files import S3JobFiles  # noqa: PLC0415 - for AWS only

        return Jobs(S3JobFiles(process.jobs_bucket), JobInvoker(function), listed=False)
    if process.on_lambda:
        return None
    from gateway_core.adapters.job_bell import JobBell  # noqa: PLC0415 - not on AWS

    return Jobs(source.now().store, JobBell())


def job_loop(
    environ: Mapping[str, str],
    bell: JobBell,
    feed: EventSink | None = None,
    project_id: str | None = None,
    observers: Sequence[Observer] = (),
) -> JobLoop:
    """What works on the jobs of the store, or of one project in it; on those at once of which `bell` tells."""
    from gateway_core.triggers.job_loop import JobLoop  # noqa: PLC0415 - not on AWS

    source = job_services(environ, feed)
    for observer in observers:
        source.now().telemetry.attach(observer)
    loop = JobLoop(source, source.now().store, project_id=project_id)
    bell.attach(loop.ring)
    return loop


def job_handler(environ: Mapping[str, str]) -> Handler:
    """For the durable function that works on the jobs of AWS. Raises ConfigError where no bucket is named."""
    # Here, not above: only that function starts with them.
    from gateway_core.adapters.s3_job_files import S3JobFiles  # noqa: PLC0415
    from gateway_core.triggers.durable import LoopThread, durable_handler  # noqa: PLC0415

    files = S3JobFiles(ProcessEnvironment.from_env(environ).needed_bucket)
    return durable_handler(job_services(environ), files, LoopThread())
