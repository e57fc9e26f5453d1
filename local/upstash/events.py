"""SUBSCRIBE, PSUBSCRIBE and MONITOR as server-sent events, each on a connection of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator

from starlette.responses import StreamingResponse

from local.upstash.commands import Args
from local.upstash.resp import BackendError, Connection, ErrorReply, Reply, SimpleString


async def open_stream(port: int, args: Args) -> StreamingResponse | ErrorReply:
    """Start listening; the first reply is awaited, so that a refusal is still an ordinary error.

    Raises:
        BackendError: the server cannot be reached.
    """
    connection = await Connection.open(port)
    connection.send(args)
    first = await connection.read()
    if isinstance(first, ErrorReply):
        await connection.closed()
        return first
    return StreamingResponse(_events(connection, first), media_type="text/event-stream")


async def _events(connection: Connection, first: Reply) -> AsyncIterator[str]:
    reply = first
    try:
        while True:
            yield _event(reply)
            reply = await connection.read()
    except BackendError:
        return
    finally:
        connection.close()


def _event(reply: Reply) -> str:
    return "".join(f"data: {line}\n" for line in _text(reply).split("\n")) + "\n"


def _text(reply: Reply) -> str:
    """`message,chat,hello` for what a channel says; `"OK"` and plain lines for MONITOR."""
    match reply:
        case list():
            return ",".join(_text(item) for item in reply)
        case SimpleString(b"OK"):
            return '"OK"'
        case bytes():
            return reply.decode("utf-8", "replace")
    return str(reply)
