"""What the code asks AWS for: its own adapters, driven over clients that answer by themselves and keep the calls."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import Callable, Iterable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, partial
from types import SimpleNamespace
from typing import Any

import boto3

from gateway_core.adapters import invoke_lambda, job_invoker, release, s3_job_files, sqs_backlog
from gateway_core.adapters.aws import AwsError
from gateway_core.adapters.backlog_keepers import QueueKeeper
from gateway_core.adapters.config_sources.appconfig import AppConfigSource
from gateway_core.adapters.config_sources.s3 import S3Source
from gateway_core.adapters.eventbridge import EventBridgeSink
from gateway_core.adapters.secrets import read_secrets
from gateway_core.config.environment import ProcessEnvironment
from gateway_core.domain.errors import StoreUnavailable
from gateway_core.invocation import SEPARATOR, HttpRequest
from gateway_core.store.jobs import JobName
from gateway_core.store.messages import Ticket
from gateway_core.store.records import Unsettled
from gateway_core.telemetry.events import OperatorEvent
from gateway_core.telemetry.telemetry import Telemetry
from tests.unit.test_events import RECORD

JOB = JobName("alpha", "0" * 32)


@dataclass(frozen=True, slots=True)
class Call:
    """One request: the service by AWS's name of its API, the operation, and what was asked."""

    service: str
    operation: str
    arguments: Mapping[str, Any]


type Answer = Callable[[Call], Mapping[str, Any]]


class Recorder:
    """Keeps the calls of whoever works with its clients. `letters` is the ARN of the backlog's dead letters."""

    def __init__(self, letters: str = "") -> None:
        self.calls: list[Call] = []
        self.letters = letters
        self.refuses: tuple[str, ...] = ()

    def told(self, call: Call) -> Mapping[str, Any]:
        """The answer, which is as good as any."""
        self.calls.append(call)
        if call.arguments.get("Path") in self.refuses:
            raise AwsError("AccessDeniedException")
        return _answer(call, self.letters)

    @contextmanager
    def watching(self, client: Any) -> Any:
        """boto3's client, which sends nothing meanwhile."""
        events, asked = client.meta.events, list[Any]()
        keep: Any = lambda params, **_: asked.append(params)  # noqa: E731 - both are compared when they go
        answer: Any = partial(self._answered, client.meta.service_model.service_name, asked)
        events.register("provide-client-params.*.*", keep)
        events.register("before-call.*.*", answer)
        try:
            yield client
        finally:
            events.unregister("provide-client-params.*.*", keep)
            events.unregister("before-call.*.*", answer)

    def _answered(self, service: str, asked: list[Any], model: Any, **_: Any) -> Any:
        return SimpleNamespace(status_code=200), dict(self.told(Call(service, model.name, asked.pop())))


class Signed:
    """Implements `Calls`: what is signed by ourselves."""

    def __init__(self, recorder: Recorder, service: str) -> None:
        self._recorder, self._service = recorder, service

    def call(self, operation: str, arguments: Mapping[str, Any], within_s: float = 0) -> dict[str, Any]:
        return dict(self._recorder.told(Call(self._service, operation, dict(arguments))))

    def close(self) -> None:
        pass


def _answer(call: Call, letters: str) -> Mapping[str, Any]:
    known: Mapping[str, Answer] = {
        "GetParametersByPath": _parameters,
        "GetSecretValue": lambda _: {"SecretString": '{"NAME": "value"}'},
        "GetObject": lambda _: {"Body": io.BytesIO(b'["a line"]'), "ETag": "x"},
        "ListObjectsV2": lambda asked: {"Contents": [{"Key": f"{asked.arguments['Prefix']}000000-0001"}]},
        "StartConfigurationSession": lambda _: {"InitialConfigurationToken": "a"},
        "GetLatestConfiguration": lambda _: {"NextPollConfigurationToken": "b", "Configuration": io.BytesIO(b"x: 1")},
        "GetQueueUrl": lambda asked: {"QueueUrl": f"https://sqs/1/{asked.arguments['QueueName']}"},
        "GetQueueAttributes": lambda _: {"Attributes": _attributes(letters)},
        "Invoke": lambda _: {"Payload": io.BytesIO(b"{}")},
        "InvokeWithResponseStream": lambda _: {"EventStream": _Stream()},
        "GetDeployment": lambda _: {"deploymentInfo": {"revision": {"string": {"content": _APP_SPEC}}}},
    }
    return known[call.operation](call) if call.operation in known else {}


_APP_SPEC = json.dumps({"Resources": [{"it": {"Properties": {"Name": "the-function", "TargetVersion": 7}}}]})


def _parameters(asked: Call) -> Mapping[str, Any]:
    path = asked.arguments["Path"]
    below = ("store/NAME", "providers/NAME") if asked.arguments["Recursive"] else ("NAME",)
    return {"Parameters": [{"Name": f"{path}/{name}", "Value": "value"} for name in below]}


def _attributes(letters: str) -> Mapping[str, str]:
    counts = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesDelayed")
    redrive = json.dumps({"deadLetterTargetArn": letters})
    return {**dict.fromkeys((*counts, "ApproximateNumberOfMessagesNotVisible"), "1"), "RedrivePolicy": redrive} | {
        "QueueArn": letters
    }


class _Stream:
    """An answer of a function, as an event stream has it."""

    def __iter__(self) -> Any:
        yield {"PayloadChunk": {"Payload": b'{"statusCode": 200, "headers": {}}' + SEPARATOR}}
        yield {"InvokeComplete": {}}

    def close(self) -> None:
        pass


@cache
def client(service: str) -> Any:
    """Made once: each takes a tenth of a second, and nobody changes one but for a while."""
    made: Mapping[str, Callable[[], Any]] = {
        "codedeploy": lambda: release.connect("codedeploy"),
        "lambda": job_invoker.connect,
        "s3": s3_job_files.connect,
        "sqs": sqs_backlog.connect,
    }
    return made[service]() if service in made else boto3.session.Session().client(service)


async def calls_of(environ: Mapping[str, str], recorder: Recorder) -> list[Call]:
    """All that a function with this environment may ask for."""
    process = ProcessEnvironment.from_env(environ)
    _secrets(process, recorder)
    _configuration(environ.get("GATEWAY_CONFIG", ""), recorder)
    if process.event_bus:
        telemetry = Telemetry(stream=io.StringIO())
        sink = EventBridgeSink(process.event_bus, telemetry, Signed(recorder, "events"))
        await sink.emit([OperatorEvent(at_ms=1, kind="config.reloaded", details={})])
        sink.close()
    await _queues(process, recorder)
    await _jobs(process, recorder)
    await _invocations(process, recorder)
    return recorder.calls


def _secrets(process: ProcessEnvironment, recorder: Recorder) -> None:
    """Also as it is where one call for all is not allowed."""
    sources = [list(process.secret_sources), [process.billing_source] if process.billing_source else []]
    parents = {source.partition(":")[2].rpartition("/")[0] for source in process.secret_sources}
    for refuses in ((), tuple(parents)):
        recorder.refuses = refuses
        for some in filter(None, sources):
            read_secrets(some, lambda service: Signed(recorder, service.name))
    recorder.refuses = ()


def _configuration(named: str, recorder: Recorder) -> None:
    scheme, _, rest = named.partition("://")
    if scheme == "s3":
        bucket, _, key = rest.partition("/")
        with recorder.watching(client("s3")) as s3:
            S3Source(bucket, key, s3).read()
    elif scheme == "appconfig":
        with recorder.watching(client("appconfigdata")) as appconfig:
            AppConfigSource(*rest.split("/"), client=appconfig).read()


async def _queues(process: ProcessEnvironment, recorder: Recorder) -> None:
    with recorder.watching(client("sqs")) as sqs:
        if process.backlog:
            unsettled = Unsettled(Ticket("r1", "alpha", "key", "", "", 1), (), None, RECORD)
            await sqs_backlog.SqsBacklog(process.backlog, lambda: sqs).put(unsettled, StoreUnavailable("away"))
        if process.admin_backlog:
            keeper = QueueKeeper(process.admin_backlog, lambda: sqs)
            await keeper.state()
            await keeper.replay()


async def _jobs(process: ProcessEnvironment, recorder: Recorder) -> None:
    """Who is told of the function that works starts jobs, shows and drops them; who is not, is that function."""
    if not process.jobs_bucket:
        return
    with recorder.watching(client("s3")) as s3, recorder.watching(client("lambda")) as by_lambda:
        files = s3_job_files.S3JobFiles(process.jobs_bucket, lambda: s3)
        if worker := process.functions.get("jobs"):
            await files.put_input(JOB, "[]")
            await job_invoker.JobInvoker(worker, lambda: by_lambda).start(JOB)
        else:
            await files.read_input(JOB)
            await files.append(JOB, 0, ["a line"])
        await files.read(JOB, 0, 1)
        await files.drop_input(JOB)


async def _invocations(process: ProcessEnvironment, recorder: Recorder) -> None:
    others = {name: arn for name, arn in process.functions.items() if name != "jobs"}
    with recorder.watching(client("lambda")) as by_lambda:
        invoker = invoke_lambda.LambdaInvoker(others, lambda: by_lambda)
        for name in others:
            await invoker.invoke(name, HttpRequest("GET", "/"))
        await asyncio.to_thread(invoker._threads.shutdown)


def calls_before_traffic(functions: Iterable[str], recorder: Recorder) -> list[Call]:
    """What is asked when versions of these functions are to get traffic."""
    with recorder.watching(client("codedeploy")) as codedeploy, recorder.watching(client("lambda")) as by_lambda:
        clients = {"codedeploy": codedeploy, "lambda": by_lambda}
        released = release.CodeDeployRelease(clients.__getitem__)
        released.version("d-1")
        for function in functions:
            released.ask(release.Version(function, "7"), {})
        released.report("d-1", "h-1", passed=True)
    return recorder.calls
