"""Streams an ASGI app's answers from Lambda's Python runtime, which by itself can only send whole ones.

awslambdaric does everything that it always does: events, context, logs, init errors, SnapStart hooks. Two of its points
are widened by subclassing (`runtime`), and only for what a `StreamingHandler` returns:

    Lambda -> awslambdaric -> marshaller marks the event      -> StreamingHandler runs the app up to its status line
                           -> marshaller lets a Stream pass   <- Stream
                           -> post_invocation_result sends it -> Runtime API, chunk by chunk, as the app makes them

`whole_handler` is for routes whose answers are always small: Mangum, over the same reader of events.
A handler whose event bears no mark (another runtime, `sam local`, a test) answers whole, in API Gateway's proxy form.
`stream-runtime`, in the layer's root, starts this instead of the managed runtime.
"""

from gateway_core.lambda_stream.handler import StreamingHandler, streaming_handler
from gateway_core.lambda_stream.restore import on_restore
from gateway_core.lambda_stream.whole import whole_handler

__all__ = ["StreamingHandler", "on_restore", "streaming_handler", "whole_handler"]
