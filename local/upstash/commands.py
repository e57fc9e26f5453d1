"""What a command looks like, and which ones the REST API does not run.

Sources: https://upstash.com/docs/redis/features/restapi and https://upstash.com/docs/redis/commands/overview. What is
refused is not served there, or needs a connection of its own, or would change a server that others use.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from local.upstash.resp import ErrorReply

type Args = tuple[bytes, ...]

_DOCS = "https://upstash.com/docs/redis/overall/compatibility"


def names(text: str) -> frozenset[str]:
    """A set of command names, from a list with blanks between."""
    return frozenset(text.split())


REFUSED = names(
    """
    MULTI EXEC DISCARD WATCH UNWATCH
    SUBSCRIBE PSUBSCRIBE SSUBSCRIBE UNSUBSCRIBE PUNSUBSCRIBE SUNSUBSCRIBE MONITOR
    SELECT SWAPDB MOVE QUIT RESET HELLO AUTH ACL
    BLPOP BRPOP BLMOVE BLMPOP BRPOPLPUSH BZPOPMIN BZPOPMAX BZMPOP WAIT WAITAOF
    CLUSTER READONLY READWRITE ASKING FAILOVER MIGRATE REPLICAOF SLAVEOF REPLCONF SYNC PSYNC ROLE
    SHUTDOWN DEBUG CONFIG MODULE SAVE BGSAVE BGREWRITEAOF LATENCY SLOWLOG
    OBJECT SORT SORT_RO PFDEBUG PFSELFTEST
    """
)

_CLIENT_SUBCOMMANDS = names("GETNAME ID INFO LIST SETINFO SETNAME")

READ_ONLY = names(
    """
    PING ECHO TIME EXISTS TTL PTTL TYPE EXPIRETIME PEXPIRETIME TOUCH SUBSCRIBE PSUBSCRIBE
    GET MGET STRLEN GETRANGE SUBSTR LCS GETBIT BITCOUNT BITPOS BITFIELD_RO
    HGET HMGET HGETALL HKEYS HVALS HLEN HEXISTS HSTRLEN HRANDFIELD HTTL HPTTL HEXPIRETIME HPEXPIRETIME
    LLEN LRANGE LINDEX LPOS
    SCARD SMEMBERS SISMEMBER SMISMEMBER SRANDMEMBER SINTER SUNION SDIFF SINTERCARD
    ZCARD ZCOUNT ZLEXCOUNT ZRANGE ZREVRANGE ZRANGEBYSCORE ZREVRANGEBYSCORE ZRANGEBYLEX ZREVRANGEBYLEX
    ZSCORE ZMSCORE ZRANK ZREVRANK ZRANDMEMBER ZINTER ZUNION ZDIFF ZINTERCARD
    XLEN XRANGE XREVRANGE XREAD XINFO XPENDING PFCOUNT
    GEOPOS GEODIST GEOHASH GEOSEARCH GEORADIUS_RO GEORADIUSBYMEMBER_RO
    EVAL_RO EVALSHA_RO FCALL_RO
    """
)


class CommandError(ValueError):
    """The JSON is not a command; the text is the API's own."""


class Number(str):
    """A JSON number in the caller's own digits: `1.50` and 2592000 reach the server as they were written."""

    __slots__ = ()


def loads(body: bytes) -> object:
    """Parse a JSON body, numbers as `Number`.

    Raises:
        ValueError: not JSON, not UTF-8, or nested beyond reason.
    """
    try:
        return _DECODER.decode(body.decode())
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def _no_constant(name: str) -> object:
    raise ValueError(f"{name} is not JSON")


_DECODER = json.JSONDecoder(parse_int=Number, parse_float=Number, parse_constant=_no_constant)


def to_args(command: object) -> Args:
    """Turn a JSON array into the server's arguments.

    Raises:
        CommandError: not an array, empty, its first element no string, or text that UTF-8 cannot hold.
    """
    if not isinstance(command, list) or not command or not isinstance(command[0], str):
        raise CommandError("ERR failed to parse command")
    try:
        return tuple([(one if isinstance(one, str) else _compact(one)).encode() for one in command])
    except UnicodeEncodeError as error:
        raise CommandError("ERR invalid utf-8 in command") from error
    except RecursionError as error:
        raise CommandError("ERR failed to parse command") from error


def _compact(value: object) -> str:
    """Compact JSON that keeps the digits of numbers, which `json.dumps` would quote."""
    if isinstance(value, Number):
        return value
    if isinstance(value, list):
        return "[" + ",".join(_compact(item) for item in value) + "]"
    if isinstance(value, dict):
        return "{" + ",".join(f"{_compact(key)}:{_compact(item)}" for key, item in value.items()) + "}"
    return json.dumps(value, ensure_ascii=False)


def name_of(args: Sequence[bytes]) -> str:
    """Name of a command in capitals."""
    return args[0].decode("utf-8", "replace").upper()


def refusal(args: Args, *, read_only: bool) -> ErrorReply | None:
    """Why a command is not run, or None."""
    name = name_of(args)
    if name in REFUSED or _blocks(name, args) or _meddles(name, args):
        return ErrorReply(f"ERR Command is not available: '{name}'. See {_DOCS} for details")
    if read_only:
        return denial(name)
    return None


def denial(name: str) -> ErrorReply | None:
    """Why a read-only token may not run a command, or None."""
    if name in READ_ONLY:
        return None
    return ErrorReply(f"NOPERM this user has no permissions to run the '{name.lower()}' command or its subcommand")


def _blocks(name: str, args: Args) -> bool:
    if name not in {"XREAD", "XREADGROUP"}:
        return False
    words = [arg.upper() for arg in args]
    options = words[: words.index(b"STREAMS")] if b"STREAMS" in words else words
    return b"BLOCK" in options


def _meddles(name: str, args: Args) -> bool:
    """Whether it is a CLIENT subcommand that changes how a pooled connection or its neighbours work."""
    return name == "CLIENT" and len(args) > 1 and name_of(args[1:]) not in _CLIENT_SUBCOMMANDS
