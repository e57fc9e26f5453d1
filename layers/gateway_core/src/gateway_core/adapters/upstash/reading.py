"""Reads what the store answers: the one place at which something else than we wrote becomes an error of the store."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import date

from gateway_core.adapters.upstash.client import Reply
from gateway_core.domain.errors import StoreUnreadable
from gateway_core.domain.times import LATEST_MS

_TRIPPED = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)
"""What a parser trips over where a text has another form than ours."""


async def read[T](what: str, asked: Awaitable[Reply], parse: Callable[[Reply], T]) -> T:
    """What `parse` makes of the answer to `asked`. Raises StoreUnreadable, which names `what` it was, or a part of it.

    The client's own trouble with an answer counts as well: it may be nested deeper than anybody reads.
    """
    with named(what):
        return parse(await asked)


async def done(what: str, asked: Awaitable[Reply | list[Reply]]) -> None:
    """Wait for what was asked to be done; nothing is to be read in the answer. Raises as `read`."""
    with named(what):
        await asked


@contextmanager
def named(what: str) -> Iterator[None]:
    """Whatever cannot be read in here is `what`, for the operator; never its content."""
    try:
        yield
    except StoreUnreadable:
        raise
    except _TRIPPED:
        raise StoreUnreadable.of(what) from None


def text(reply: Reply) -> str:
    if not isinstance(reply, str):
        raise TypeError
    return reply


def text_or_none(reply: Reply) -> str | None:
    return None if reply is None else text(reply)


def rows(reply: Reply) -> list[Reply]:
    if not isinstance(reply, list):
        raise TypeError
    return reply


def texts(reply: Reply) -> list[str]:
    return [text(item) for item in rows(reply)]


def pairs(reply: Reply) -> dict[str, str]:
    """A hash from the flat list of its fields and values."""
    flat = texts(reply)
    return dict(zip(flat[::2], flat[1::2], strict=True))


def scanned(reply: Reply) -> tuple[str, dict[str, str]]:
    """What HSCAN answers: the cursor that goes on behind it, and fields with their values."""
    cursor, fields = rows(reply)
    return str(whole(text(cursor))), pairs(fields)


def values(reply: Reply, count: int) -> list[str | None]:
    """So many fields of a hash; None for those that it does not have."""
    found = [text_or_none(item) for item in rows(reply)]
    if len(found) != count:
        raise ValueError
    return found


def flag(reply: Reply) -> bool:
    """What a script answers with 1 or 0."""
    if reply not in (0, 1) or isinstance(reply, bool):
        raise ValueError
    return reply == 1


def whole(number: str) -> int:
    """A whole number that is not negative."""
    found = int(number)
    if found < 0:
        raise ValueError
    return found


def moment(number: str) -> int:
    """Milliseconds since the epoch, of a moment that has a date."""
    found = whole(number)
    if found > LATEST_MS:
        raise ValueError
    return found


def check_day(day: str) -> None:
    """Raises ValueError for what is no day `20261120`."""
    date(int(day[:4]), int(day[4:6]), int(day[6:]))


def one_of[T](known: dict[str, T], name: str) -> T:
    """A word that we know."""
    return known[name]
