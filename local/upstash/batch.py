"""Run commands on one connection: one after the other, or as a transaction."""

from __future__ import annotations

from collections.abc import Sequence

from local.upstash.resp import Connection, ErrorReply, Reply
from local.upstash.scripts import Prepared

_MULTI = (b"MULTI",)
_EXEC = (b"EXEC",)
_ABORTED = ErrorReply("EXECABORT Transaction discarded")


async def run_each(connection: Connection, items: Sequence[Prepared | ErrorReply]) -> list[Reply]:
    """Send all, then read all, in order; an item that is an error already is its own reply.

    Raises:
        BackendError: the connection broke.
    """
    for item in items:
        if isinstance(item, Prepared):
            connection.send(item.args)
    return [await _reply_to(connection, item) for item in items]


async def _reply_to(connection: Connection, item: Prepared | ErrorReply) -> Reply:
    return item if isinstance(item, ErrorReply) else _answered(item, await connection.read())


async def run_atomically(connection: Connection, items: Sequence[Prepared]) -> list[Reply] | ErrorReply:
    """Run MULTI, the commands and EXEC; one error instead of the list means that nothing ran.

    The server says EXECABORT when a command could not be queued; the first queueing error says why.

    Raises:
        BackendError: the connection broke.
    """
    for args in (_MULTI, *(item.args for item in items), _EXEC):
        connection.send(args)
    opened, *queued, executed = [await connection.read() for _ in range(len(items) + 2)]
    if isinstance(executed, list):
        return [_answered(item, reply) for item, reply in zip(items, executed, strict=True)]
    return next((reply for reply in (opened, *queued, executed) if isinstance(reply, ErrorReply)), _ABORTED)


def _answered(item: Prepared, reply: Reply) -> Reply:
    return reply if item.answer is None or isinstance(reply, ErrorReply) else item.answer
