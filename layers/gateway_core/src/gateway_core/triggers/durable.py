"""Works on a job as an execution of a Lambda durable function, see ADR 15.

The engine runs the handler again from its start after each pause, with the results of the steps that it has ended. So
there are two kinds of operations and nothing else: a step that works on the job for as long as the invocation has time,
whose result is a pointer (how the worker left), and a wait, which costs nothing.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from dataclasses import asdict
from functools import partial
from typing import Any

from aws_durable_execution_sdk_python import DurableContext, StepContext, durable_execution
from aws_durable_execution_sdk_python.config import Duration, StepConfig, StepSemantics
from aws_durable_execution_sdk_python.retries import RetryDecision

from gateway_core.batch.job_recorder import Pace
from gateway_core.batch.job_rounds import Stay
from gateway_core.ports import JobFiles
from gateway_core.services import Current, ModelServices
from gateway_core.store.jobs import MOST_JOB_S, JobName
from gateway_core.triggers.foreign import IGNORED, is_foreign
from gateway_core.triggers.jobs import worker_of

LEAST_PAUSE_S = 75
"""With a step and a wait each, a day of pauses stays below the engine's 3,000 operations an execution."""
MARGIN_S = 20.0
"""Of an invocation's time, kept for settling what is under way, writing it, and the checkpoint."""
PACE = Pace(lease_ms=60_000, gather_s=1.0, linger_s=5.0, least_pause_s=LEAST_PAUSE_S)

type Handler = Callable[[Any, Any], Any]


class LoopThread:
    """An event loop in a thread of its own, for as long as the process lives: connections outlast invocations."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="jobs", daemon=True)
        self._thread.start()

    def run[T](self, work: Coroutine[Any, Any, T]) -> T:
        """Wait for it, in any other thread."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def close(self) -> None:
        """For who makes many: a function's ends with its process."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


def durable_handler(source: Current[ModelServices], files: JobFiles, loop: LoopThread, *, pace: Pace = PACE) -> Handler:
    """A handler for events `{"job": "job_alpha_0f..."}`, which works in `loop`."""

    def handle(event: dict[str, Any], context: DurableContext) -> dict[str, Any]:
        if is_foreign(event, "job"):
            return IGNORED
        name = JobName.parse(str(event.get("job")))
        if name is None:
            return {"error": "invalid_request"}  # to repeat it would not help
        config = StepConfig(retry_strategy=_again, step_semantics=StepSemantics.AT_MOST_ONCE_PER_RETRY)
        number, stay = 0, Stay()
        while True:
            number += 1
            step = partial(_step, name, _time_left_s(context), stay.idle)
            stay = Stay(**context.step(step, f"work-{number}", config))
            if stay.state or stay.not_ours:
                return {"job": name.id, "state": stay.state}
            context.wait(Duration.from_seconds(max(1, round(stay.pause_s))), f"pause-{number}")

    def _step(name: JobName, time_s: float, idle: int, _context: StepContext) -> dict[str, Any]:
        return loop.run(_stay(name, time_s, idle))

    async def _stay(name: JobName, time_s: float, idle: int) -> dict[str, Any]:
        services = source.now()
        # The name of the worker is the job's: the engine lets nobody else work on an execution meanwhile.
        stay = await worker_of(services, files, name.token, pace).work(name, time_s=time_s, idle=idle)
        if stay.state and not stay.not_ours:
            services.telemetry.job_ended(name.id, stay.state, stay.error_code)
        return asdict(stay)

    return durable_execution(handle)


def _time_left_s(context: DurableContext) -> float:
    """How long a step may take. Locally there is no invocation that ends."""
    remaining = getattr(getattr(context, "lambda_context", None), "get_remaining_time_in_millis", None)
    return max(1.0, remaining() / 1000 - MARGIN_S) if remaining else 600.0


def _again(_error: Exception, attempts: int) -> RetryDecision:
    """A step that failed, as the store was away or its process died, is tried again for as long as a job may take."""
    pause_s = min(LEAST_PAUSE_S * 2 ** min(attempts - 1, 4), 900)
    return RetryDecision.no_retry() if attempts * pause_s > MOST_JOB_S else RetryDecision.retry(Duration(pause_s))
