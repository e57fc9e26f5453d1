"""The app that invokers reach: it echoes, streams, waits, breaks."""

import asyncio
import threading

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route


async def echo(request: Request) -> Response:
    """What arrived, as the function sees it."""
    told = {
        "method": request.method,
        "path": request.url.path,
        "query": dict(request.query_params),
        "key": request.headers.get("authorization"),
        "body": (await request.body()).decode(),
        "authorizer": request.scope.get("aws.event", {}).get("requestContext", {}).get("authorizer"),
    }
    return JSONResponse(told, 418, {"x-gateway-model": "first"})


async def three_parts(request: Request) -> Response:
    """An SSE stream."""

    async def parts():
        for number in range(3):
            yield f"data: {number}\n\n"

    return StreamingResponse(parts(), media_type="text/event-stream")


async def binary(request: Request) -> Response:
    """Bytes that are no text, the separator among them."""
    return Response(bytes(range(256)) + b"\0" * 9, media_type="application/octet-stream")


RELEASED = threading.Event()
ASKED = threading.Semaphore(0)


async def slow(request: Request) -> Response:
    """Answers only when the tests are over, so that no thread outlives them."""
    ASKED.release()
    await asyncio.to_thread(RELEASED.wait)
    return Response()


async def broken(request: Request) -> Response:
    """A crash whose text holds a prompt."""
    raise KeyError("the prompt was: hello")


async def two_cookies(request: Request) -> Response:
    """A header that comes twice."""
    answer = Response("ok", media_type="text/plain")
    answer.headers.append("x-twice", "a")
    answer.headers.append("x-twice", "b")
    return answer


APP = Starlette(
    routes=[
        Route("/echo", echo, methods=["GET", "POST"]),
        Route("/three", three_parts),
        Route("/binary", binary),
        Route("/slow", slow),
        Route("/broken", broken),
        Route("/twice", two_cookies),
    ]
)
