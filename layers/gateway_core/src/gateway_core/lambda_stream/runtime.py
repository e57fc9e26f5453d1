"""awslambdaric, widened at two seams: its marshaller, and how it posts a result. `seams.check_seams` comes first."""

from __future__ import annotations

import gc
import random
from collections.abc import Mapping
from typing import Any, ClassVar, override

from awslambdaric import bootstrap  # type: ignore[import-untyped]
from awslambdaric.lambda_config import LambdaConfigProvider  # type: ignore[import-untyped]
from awslambdaric.lambda_multi_concurrent_utils import MultiConcurrentRunner  # type: ignore[import-untyped]
from awslambdaric.lambda_runtime_client import (  # type: ignore[import-untyped]
    BaseLambdaRuntimeClient,
    LambdaMultiConcurrentRuntimeClient,
    LambdaRuntimeClient,
)
from awslambdaric.lambda_runtime_marshaller import LambdaMarshaller  # type: ignore[import-untyped]

from gateway_core.lambda_stream import prelude
from gateway_core.lambda_stream.post import Target
from gateway_core.lambda_stream.restore import on_restore
from gateway_core.lambda_stream.stream import Stream, StreamableEvent


class StreamMarshaller(LambdaMarshaller):  # type: ignore[misc]  # awslambdaric has no types
    """Marks events so that a handler may answer with a `Stream`, and lets that answer through as it is."""

    @override
    def unmarshal_request(self, request: Any, content_type: str = "application/json") -> Any:
        event = super().unmarshal_request(request, content_type)
        return StreamableEvent(event) if isinstance(event, dict) else event

    @override
    def marshal_response(self, response: Any) -> tuple[Any, str]:
        if isinstance(response, Stream):
            return response, prelude.CONTENT_TYPE
        marshalled: tuple[Any, str] = super().marshal_response(response)
        return marshalled


class _PostsStreams(BaseLambdaRuntimeClient):  # type: ignore[misc]  # as above
    """Sends a `Stream` by itself and leaves every other result to awslambdaric."""

    marshaller: ClassVar[StreamMarshaller] = StreamMarshaller()

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        # The handler is loaded next. Collecting in between finds next to nothing and takes a tenth of a cold start.
        gc.disable()

    @override
    def wait_next_invocation(self) -> Any:
        if not gc.isenabled():
            # What was loaded stays: no later collection looks through it. One now would find 1 % garbage, and take
            # longer than all those that were left out.
            gc.freeze()
            gc.enable()
        return super().wait_next_invocation()

    @override
    def post_invocation_result(
        self,
        invoke_id: str,
        result_data: Any,
        content_type: str = "application/json",
        invocation_id: str | None = None,
    ) -> None:
        if not isinstance(result_data, Stream):
            super().post_invocation_result(invoke_id, result_data, content_type, invocation_id)
            return
        try:
            result_data.send(Target(self.lambda_runtime_address, invoke_id, content_type, invocation_id))
        except OSError as error:
            self.handle_exception(error)


class StreamingClient(_PostsStreams, LambdaRuntimeClient):  # type: ignore[misc]  # as above
    """One invocation at a time: plain Lambda."""


class StreamingWorkerClient(_PostsStreams, LambdaMultiConcurrentRuntimeClient):  # type: ignore[misc]  # as above
    """One of several worker processes: Lambda Managed Instances."""


class StreamingPool(MultiConcurrentRunner):  # type: ignore[misc]  # as above
    """awslambdaric's pool of worker processes, with our client in each."""

    @classmethod
    @override
    def run_single(cls, handler: str, api_addr: str, use_thread: bool, socket_path: str | None) -> None:
        if socket_path:
            cls._redirect_output(socket_path)
        bootstrap.run(handler, StreamingWorkerClient(api_addr, use_thread))


def client_of(environ: Mapping[str, str]) -> type[LambdaRuntimeClient]:
    """What serves one invocation at a time: under `sam local`, which takes whole answers only, awslambdaric's own."""
    return LambdaRuntimeClient if environ.get("AWS_SAM_LOCAL") else StreamingClient


def run(args: list[str], environ: Mapping[str, str]) -> None:
    """Serve invocations until the process ends. `args` is argv, its second member names the handler."""
    # Else all processes that are restored from one snapshot draw the same numbers.
    on_restore(random.seed)
    config = LambdaConfigProvider(args, environ)
    where = (config.handler, config.api_address, config.use_thread_polling, config.lmi_socket_path)
    if config.is_multi_concurrent:
        StreamingPool.run_concurrent(*where, int(config.max_concurrency))
    else:
        bootstrap.run(config.handler, client_of(environ)(config.api_address, config.use_thread_polling))
