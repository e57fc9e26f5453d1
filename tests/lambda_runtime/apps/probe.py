"""A raw ASGI app that does what a test wants to see, by path, and its handlers."""

import asyncio
import base64
import gc
import json
import os
import random
import resource
import threading
from urllib.parse import parse_qs

from gate_client import Gate

from gateway_core.lambda_stream import on_restore, streaming_handler

CHUNK = b"x" * 1024
COLLECTS_WHILE_LOADED = gc.isenabled()


async def start(send, status=200, headers=((b"content-type", b"text/plain"),)):
    await send({"type": "http.response.start", "status": status, "headers": list(headers)})


async def body(send, data, *, more=True):
    await send({"type": "http.response.body", "body": data, "more_body": more})


async def echo(scope, receive, send):
    """Everything that the app was told."""
    message = await receive()
    plain = {name: scope[name] for name in ("method", "path", "root_path", "client", "scheme")}
    told = {
        **plain,
        "raw_path": scope["raw_path"].decode(),
        "query": scope["query_string"].decode(),
        "headers": [[name.decode(), value.decode()] for name, value in scope["headers"]],
        "body": base64.b64encode(message["body"]).decode(),
        "event": sorted(scope["aws.event"]),
        "request_id": scope["aws.context"].aws_request_id,
        "pid": os.getpid(),
        "loop": id(asyncio.get_running_loop()),
        "collects": [COLLECTS_WHILE_LOADED, gc.isenabled()],
        "frozen": gc.get_freeze_count(),
    }
    await start(send, 201, [(b"content-type", b"application/json"), (b"content-length", b"99999")])
    await body(send, json.dumps(told).encode(), more=False)


async def steps(scope, receive, send):
    """Three chunks; the test lets each one go."""
    await start(send, headers=[(b"content-type", b"text/event-stream")])
    async with Gate() as gate:
        for number in range(3):
            await gate.say(f"before {number}")
            await body(send, b"data: %d\n\n" % number)
    await body(send, b"", more=False)


async def cut(scope, receive, send):
    await start(send)
    await body(send, b"partial")
    raise ValueError(scope["query_string"].decode() * 1000)


async def early(scope, receive, send):
    raise KeyError("before the first byte")


async def empty(scope, receive, send):
    """No byte of body, with the status that the test wants."""
    await start(send, int(parse_qs(scope["query_string"].decode())["status"][0]))
    await body(send, b"", more=False)


async def unfinished(scope, receive, send):
    await start(send)
    await body(send, b"half")


async def many_headers(scope, receive, send):
    pairs = [(b"Set-Cookie", b"a=1; Path=/"), (b"Set-Cookie", b"b=2"), (b"Vary", b"accept"), (b"Vary", b"origin")]
    await start(send, headers=[*pairs, (b"content-type", b"application/octet-stream")])
    await body(send, bytes(range(256)), more=False)


async def huge_headers(scope, receive, send):
    await start(send, headers=[(b"x-large", b"x" * 20_000)])
    await body(send, b"", more=False)


async def flood(scope, receive, send):
    """20,000 chunks as fast as they go, then by how many KiB the process's peak memory grew."""
    await start(send)
    for _ in range(1000):
        await body(send, CHUNK)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in range(19_000):
        await body(send, CHUNK)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    await body(send, b"%1024d" % grown, more=False)


async def endless(scope, receive, send):
    """Chunks of 4 KiB without end and without a pause; at the end it says how many went out."""
    count = 0
    await start(send)
    try:
        while True:
            await body(send, b"y" * 4_096)
            count += 1
    finally:
        async with Gate() as gate:
            await gate.say(f"sent {count}")


async def hang(scope, receive, send):
    """One chunk, then nothing; says what ended it."""
    await start(send)
    await body(send, b"first")
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        async with Gate() as gate:
            await gate.say("cancelled")
        raise


async def stubborn(scope, receive, send):
    """Does not let itself be cancelled, until the test has seen the answer end."""
    await start(send)
    await body(send, b"first")
    async with Gate() as gate:
        waiting = asyncio.create_task(gate.say("waiting"))
        while not waiting.done():
            try:
                await asyncio.shield(waiting)
            except asyncio.CancelledError:
                continue


async def listen(scope, receive, send):
    """One chunk, then it waits for the disconnect as an app does that has a provider call to cancel."""
    await receive()
    await start(send)
    await body(send, b"first")
    message = await receive()
    async with Gate() as gate:
        await gate.say(message["type"])


async def write_on(scope, receive, send):
    """Goes on writing whatever happens; says what stopped it."""
    await start(send)
    try:
        while True:
            await body(send, CHUNK)
    except OSError as error:
        async with Gate() as gate:
            await gate.say(type(error).__name__)
        raise


async def meet(scope, receive, send):
    """Says which process it is in, and waits to be let go."""
    async with Gate() as gate:
        await gate.say(str(os.getpid()))
    await start(send)
    await body(send, b"met", more=False)


async def restored(scope, receive, send):
    """What the restore hook saw, and a number from the shared generator."""
    await start(send)
    drawn = random.random()  # noqa: S311 - whether the shared generator was seeded anew is what the test asks
    await body(send, json.dumps({"hooks": HOOKS, "random": drawn}).encode(), more=False)


HOOKS: list[str] = []
on_restore(lambda: HOOKS.append("restored"))
random.seed(1)

ROUTES = {
    "/echo": echo,
    "/steps": steps,
    "/cut": cut,
    "/early": early,
    "/empty": empty,
    "/unfinished": unfinished,
    "/many-headers": many_headers,
    "/huge-headers": huge_headers,
    "/flood": flood,
    "/endless": endless,
    "/hang": hang,
    "/stubborn": stubborn,
    "/listen": listen,
    "/write-on": write_on,
    "/meet": meet,
    "/restored": restored,
}


async def app(scope, receive, send):
    """Route by the path below `root_path`."""
    await ROUTES[scope["path"].removeprefix(scope["root_path"])](scope, receive, send)


handler = streaming_handler(app)


def plain(event, context):
    """A handler that knows nothing of streams."""
    return {"statusCode": 200, "body": "plain"}


def blocking(event, context):
    """A handler that never comes back."""
    threading.Event().wait()
