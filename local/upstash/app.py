"""The ASGI app: one request from its address check to its answer."""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from local.upstash import faults as fault_knobs
from local.upstash.access import Tokens, require_address
from local.upstash.answer import json_response, result, results
from local.upstash.batch import run_atomically, run_each
from local.upstash.call import ApiError, Call, Form, path_of, read_call
from local.upstash.commands import Args, denial, name_of, refusal
from local.upstash.events import open_stream
from local.upstash.faults import Fault, FaultKind, Faults
from local.upstash.resp import BackendError, ErrorReply, Pool
from local.upstash.scripts import Prepared, Scripts

MAX_BODY = 10 * 1024 * 1024
POOL_SIZE = 32
_METHODS = {"GET", "POST", "PUT", "HEAD"}


@dataclass(frozen=True, slots=True)
class _Asked:
    """What the headers of a request say."""

    read_only: bool
    as_base64: bool


class UpstashApp:
    """The REST API in front of one server. Use `create_app`."""

    def __init__(
        self,
        redis_port: int,
        tokens: Tokens,
        *,
        max_body: int,
        pool_size: int,
        strict: bool,
        faults: Faults | None,
        address: str,
    ) -> None:
        self._port = redis_port
        self._tokens = tokens
        self._address = address
        self._max_body = max_body
        self._pool = Pool(redis_port, pool_size)
        self._scripts = Scripts(strict=strict)
        self._faults = faults
        self._node = secrets.token_hex(4)
        self._clock = itertools.count(1)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
            return
        with suppress(ClientDisconnect):  # nobody is there to be told
            answer = await self._answer(Request(scope, receive))
            await answer(scope, receive, self._with_sync_token(send))

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self._pool.close()
        await send({"type": "lifespan.shutdown.complete"})

    def _with_sync_token(self, send: Send) -> Send:
        async def stamped(message: Message) -> None:
            if message["type"] == "http.response.start":
                token = f"{self._node}={next(self._clock)}".encode()
                message["headers"] = [*message["headers"], (b"upstash-sync-token", token)]
            await send(message)

        return stamped

    async def _answer(self, request: Request) -> ASGIApp:
        try:
            asked = self._admit(request)
            if self._faults is not None and path_of(request) == "/__faults":
                return await fault_knobs.control(self._faults, request)
            fault = self._faults.take() if self._faults else None
            return await self._answer_through(fault, request, asked)
        except ApiError as error:
            return json_response({"error": error.text}, error.status)
        except BackendError as error:
            return json_response({"error": f"ERR backend unavailable: {error}"}, 503)

    def _admit(self, request: Request) -> _Asked:
        require_address(request.scope, self._address)
        read_only = self._tokens.is_read_only(request)
        if request.method not in _METHODS:
            raise ApiError("ERR method not allowed", 405)
        if request.headers.get("upstash-response-format", "json") != "json":
            raise ApiError("ERR the local stand-in answers in JSON only")
        encoding = request.headers.get("upstash-encoding", "")
        if encoding not in {"", "base64"}:
            raise ApiError(f"ERR unsupported encoding: {encoding}")
        return _Asked(read_only, encoding == "base64")

    async def _answer_through(self, fault: Fault | None, request: Request, asked: _Asked) -> ASGIApp:
        if fault and (answer := await fault_knobs.instead(fault, request)):
            return answer
        answer = await self._run(await read_call(request, self._max_body), asked)
        return fault_knobs.broken() if fault and fault.kind is FaultKind.DROP else answer

    async def _run(self, call: Call, asked: _Asked) -> Response:
        if call.form is Form.STREAM:
            return await self._stream(call.commands[0], asked)
        if call.form is Form.TRANSACTION:
            return await self._run_transaction(call.commands, asked)
        return await self._run_pipeline(call, asked)

    async def _run_pipeline(self, call: Call, asked: _Asked) -> Response:
        items = [self._prepare(args, asked) for args in call.commands]
        async with self._pool.lease() as connection:
            replies = await run_each(connection, items)
        if call.form is Form.PIPELINE:
            return json_response(results(replies, as_base64=asked.as_base64))
        status = 400 if isinstance(replies[0], ErrorReply) else 200
        return json_response(result(replies[0], as_base64=asked.as_base64), status)

    async def _run_transaction(self, commands: Sequence[Args], asked: _Asked) -> Response:
        items = [_or_raise(self._prepare(args, asked)) for args in commands]
        async with self._pool.lease() as connection:
            replies = await run_atomically(connection, items)
        if isinstance(replies, ErrorReply):
            raise ApiError(replies.text)
        return json_response(results(replies, as_base64=asked.as_base64))

    def _prepare(self, args: Args, asked: _Asked) -> Prepared | ErrorReply:
        return refusal(args, read_only=asked.read_only) or self._scripts.prepare(args)

    async def _stream(self, args: Args, asked: _Asked) -> Response:
        denied = denial(name_of(args)) if asked.read_only else None
        stream = denied or await open_stream(self._port, args)
        if isinstance(stream, ErrorReply):
            raise ApiError(stream.text)
        return stream


def _or_raise(item: Prepared | ErrorReply) -> Prepared:
    if isinstance(item, ErrorReply):
        raise ApiError(item.text)
    return item


def create_app(
    *,
    redis_port: int,
    token: str,
    read_only_token: str = "",
    max_body: int = MAX_BODY,
    pool_size: int = POOL_SIZE,
    strict: bool = True,
    faults: Faults | None = None,
    address: str = "",
) -> UpstashApp:
    """Make the stand-in over a server on 127.0.0.1:`redis_port`.

    `max_body` is in bytes. `strict` refuses undeclared keys in scripts that carry `allow-key-locking`, as Upstash
    does. With `faults` the app answers `/__faults` and breaks on demand. It answers on loopback addresses, and on
    `address`, if that is given.

    Raises:
        ValueError: `token` is empty.
    """
    return UpstashApp(
        redis_port,
        Tokens(token, read_only_token),
        max_body=max_body,
        pool_size=pool_size,
        strict=strict,
        faults=faults,
        address=address,
    )
