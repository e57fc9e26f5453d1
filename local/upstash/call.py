"""From an HTTP request to the commands that it asks for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from urllib.parse import parse_qsl, unquote_to_bytes

from starlette.requests import Request

from local.upstash.commands import Args, CommandError, loads, to_args


class Form(Enum):
    """How the request puts its commands; the value names it in error texts."""

    SINGLE = "command"
    PIPELINE = "pipeline request"
    TRANSACTION = "multi-exec request"
    STREAM = "stream"


_BODY_FORMS = {"": Form.SINGLE, "/pipeline": Form.PIPELINE, "/multi-exec": Form.TRANSACTION}
_STREAMS = {b"subscribe", b"psubscribe", b"monitor"}


class ApiError(Exception):
    """The request is answered with `{"error": text}` and nothing else."""

    def __init__(self, text: str, status: int = 400) -> None:
        super().__init__(text)
        self.text = text
        self.status = status


@dataclass(frozen=True, slots=True)
class Call:
    """The commands of one request; SINGLE and STREAM have exactly one."""

    form: Form
    commands: Sequence[Args]


def query_pairs(request: Request) -> list[tuple[bytes, bytes]]:
    """Query parameters in order, percent-decoded to bytes."""
    query: bytes = request.scope["query_string"]
    return parse_qsl(query, keep_blank_values=True)


def path_of(request: Request) -> str:
    """The path as sent, `%2F` not decoded, without a trailing slash."""
    raw: bytes = request.scope["raw_path"]
    return raw.decode("ascii").rstrip("/")


async def read_call(request: Request, max_body: int) -> Call:
    """Read the commands, from the body or from the path.

    Raises:
        ApiError: the body is too long or cannot be parsed.
    """
    body = await _read_body(request, max_body)
    form = _BODY_FORMS.get(path_of(request))
    if form is None:
        return _path_call(request, body)
    try:
        return Call(form, _parse(form, body))
    except CommandError as error:
        raise ApiError(str(error)) from error
    except ValueError as error:
        raise ApiError(f"ERR failed to parse {form.value}") from error


async def _read_body(request: Request, max_body: int) -> bytes:
    """Read the whole body, so that the answer reaches a client that is still sending, but keep only what may be."""
    chunks, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size <= max_body:
            chunks.append(chunk)
    if size > max_body:
        raise ApiError(f"ERR max request size exceeded. Limit: {max_body} bytes, Actual: {size} bytes")
    return b"".join(chunks)


def _parse(form: Form, body: bytes) -> list[Args]:
    parsed = loads(body)
    if form is Form.SINGLE:
        return [to_args(parsed)]
    if parsed == []:
        raise CommandError(f"ERR empty {form.value}")
    if not isinstance(parsed, list) or not all(isinstance(item, list) for item in parsed):
        raise CommandError(f"ERR failed to parse {form.value}")
    return [to_args(item) for item in parsed]


def _path_call(request: Request, body: bytes) -> Call:
    """`/set/foo/bar?EX=10`: segments, then the body, then the query parameters."""
    segments = [unquote_to_bytes(part) for part in path_of(request).split("/")[1:]]
    tail = [body] if body else []
    for name, value in query_pairs(request):
        if name != b"_token":
            tail += [name, value] if value else [name]
    form = Form.STREAM if segments[0].lower() in _STREAMS else Form.SINGLE
    return Call(form, [(*segments, *tail)])
