"""Lua scripts with the shebang flag `allow-key-locking`, which Upstash alone knows.

Plain Redis and Valkey refuse the flag, so it is stripped; callers go on to name a script by the SHA-1 of the text that
they sent. Under the flag Upstash locks only the declared keys and refuses any other, and so does the stand-in (strict
mode): a script that works here must not fail there. Who counts commands by INFO commandstats leaves out
COMMAND|GETKEYS, with which strict mode looks for the keys of each call.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from local.upstash.commands import Args, name_of, names

_FLAG = b"allow-key-locking"
_SHEBANG = re.compile(rb"\A#!lua([^\n]*)(?:\n|\Z)")
_FLAGS = re.compile(rb"\s*\bflags=(\S*)")
ONE_KEY = names(
    """
    GET SET SETEX PSETEX GETDEL INCR INCRBY DECR DECRBY STRLEN TYPE TTL PTTL EXPIRETIME PEXPIRETIME
    EXPIRE PEXPIRE EXPIREAT PEXPIREAT PERSIST
    HGET HMGET HGETALL HKEYS HVALS HLEN HEXISTS HSTRLEN HSET HSETNX HDEL HINCRBY
    LLEN LRANGE LINDEX LPUSH RPUSH LPOP RPOP LTRIM SCARD SMEMBERS SISMEMBER SADD SREM
    ZCARD ZCOUNT ZRANGEBYSCORE ZSCORE ZADD ZREM ZINCRBY XLEN XRANGE XREVRANGE XADD XDEL XTRIM
    """
)
"""Commands with one key, their first argument: what a declared key may be given to without asking the server."""
# One line, so that line numbers in error messages stay the caller's. COMMAND GETKEYS knows the keys of any command.
_STRICT = (
    b" ".join(
        line.strip()
        for line in b"""
local redis, server = (function(real, one_key)
  local declared = {}
  for _, key in ipairs(KEYS) do declared[key] = true end
  local function undeclared(name, key, ...)
    if key and declared[key] and string.find(one_key, ' ' .. name .. ' ', 1, true) then return nil end
    local keys = real.pcall('COMMAND', 'GETKEYS', name, key, ...)
    if type(keys) ~= 'table' or keys.err then return nil end
    for _, key in ipairs(keys) do
      if not declared[key] then
        return real.error_reply("ERR Dynamic keys are not allowed in Lua scripts when 'allow-key-locking' flag is set. "
          .. "Key was: " .. key)
      end
    end
  end
  local function call(...)
    local refused = undeclared(...)
    if refused then error(refused) end
    return real.call(...)
  end
  local function pcall(...) return undeclared(...) or real.pcall(...) end
  local guarded = setmetatable({call = call, pcall = pcall}, {__index = real})
  return guarded, guarded
end)(redis, ' %s ')
""".strip().splitlines()
    )
    % " ".join(sorted(ONE_KEY)).encode()
)


@dataclass(frozen=True, slots=True)
class Prepared:
    """A command as the server gets it; `answer`, where given, replaces a successful reply."""

    args: Args
    answer: bytes | None = None


def sha1(text: bytes) -> bytes:
    """Hexadecimal SHA-1, which is how Redis names a script."""
    return hashlib.sha1(text, usedforsecurity=False).hexdigest().encode()


class Scripts:
    """Rewrites script commands and remembers which digest stands for which.

    The map needs no forgetting: after SCRIPT FLUSH or a restart the server itself answers NOSCRIPT.
    """

    def __init__(self, *, strict: bool = True) -> None:
        self._prelude = _STRICT if strict else b""
        self._digests: dict[bytes, bytes] = {}

    def prepare(self, args: Args) -> Prepared:
        """Give the command to run in place of `args`."""
        name = name_of(args)
        if name in {"EVAL", "EVAL_RO"} and len(args) > 1:
            return Prepared((args[0], self._rewrite(args[1]), *args[2:]))
        if name in {"EVALSHA", "EVALSHA_RO"} and len(args) > 1:
            return Prepared((args[0], self._digest(args[1]), *args[2:]))
        if name == "SCRIPT" and len(args) > 2:  # noqa: PLR2004 - SCRIPT, its subcommand and at least one argument
            return self._script(args)
        return Prepared(args)

    def _script(self, args: Args) -> Prepared:
        subcommand = args[1].upper()
        if subcommand == b"LOAD":
            return Prepared((*args[:2], self._rewrite(args[2]), *args[3:]), answer=sha1(args[2]))
        if subcommand == b"EXISTS":
            return Prepared((*args[:2], *map(self._digest, args[2:])))
        return Prepared(args)

    def _digest(self, digest: bytes) -> bytes:
        return self._digests.get(digest.lower(), digest)

    def _rewrite(self, script: bytes) -> bytes:
        shebang = _SHEBANG.match(script)
        flags = _FLAGS.search(shebang[1]) if shebang else None
        if shebang is None or flags is None or _FLAG not in flags[1].split(b","):
            return script
        head = self._head(shebang[1], flags)
        rewritten = head + script[shebang.end() :]
        self._digests[sha1(script)] = sha1(rewritten)
        return rewritten

    def _head(self, options: bytes, flags: re.Match[bytes]) -> bytes:
        """First line without the flag, then the strict prelude on a line that the script has anyway."""
        kept = [flag for flag in flags[1].split(b",") if flag and flag != _FLAG]
        if not kept:
            return self._prelude + b"\n"
        others = options[: flags.start()] + options[flags.end() :]
        return b"#!lua" + others + b" flags=" + b",".join(kept) + b"\n" + self._prelude + b" "
