"""What works on jobs is made of: a worker over the services of now."""

from __future__ import annotations

import secrets
from functools import partial

from gateway_core.access.internal_identity import parse_grant
from gateway_core.access.rights import check_tool, narrowed
from gateway_core.batch.engine import Engine
from gateway_core.batch.job_recorder import Pace
from gateway_core.batch.job_rounds import Tools
from gateway_core.batch.job_worker import JobWorker
from gateway_core.batch.questions import TOOL
from gateway_core.domain.caller import Caller
from gateway_core.ports import JobFiles
from gateway_core.services import ModelServices
from gateway_core.store.jobs import Job


def worker_of(services: ModelServices, files: JobFiles, name: str, pace: Pace) -> JobWorker:
    """A worker called `name`, which has the configuration of now to its end."""
    tools = Tools(
        make_engine=partial(_engine, services),
        find_caller=partial(_caller, services),
        clock=services.clock,
        pace=pace,
        question_timeout_s=services.settings.default_timeout_s,
    )
    return JobWorker(name, services.store, files, tools)


async def _caller(services: ModelServices, job: Job) -> Caller:
    """Who brought the job, with the rights of now. Raises Unauthenticated, Forbidden and StoreUnavailable."""
    caller = await services.authenticator.find(job.key_home, job.digest)
    if grant := parse_grant(job.grant):
        caller = narrowed(caller, grant)
    check_tool(caller, TOOL)
    return caller


def _engine(services: ModelServices, job: Job, caller: Caller, least_call_s: float) -> Engine:
    # Who asks a question once more is no late copy of who asked it before: both are booked.
    request_id = f"{job.name.token}.{secrets.token_hex(4)}"
    return services.engine(caller, job.attribution, request_id, least_call_s=least_call_s)
