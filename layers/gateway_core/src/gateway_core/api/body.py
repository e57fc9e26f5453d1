"""Reads a JSON body strictly: bounded size and depth, no NaN, Unicode only; each error names its field."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import PydanticCustomError
from starlette.datastructures import Headers
from starlette.requests import Request

from gateway_core.crowd.slot import waited
from gateway_core.domain.caller import MOST_NAME_BYTES, NAME, of_few_bytes
from gateway_core.domain.errors import BodyTooLarge, InvalidRequest, UnsupportedEncoding

MOST_DEPTH = 64
NOT_OFFERED = "not_offered"
"""Of an error: the request has the right form, but the gateway does not do what it asks for."""
_LONGEST_NAME = 64
_MOST_DIGITS = 18
_REASONS = {
    "extra_forbidden": "is not a field of this request. Remove it or check its spelling",
    "string_pattern_mismatch": "has characters or a form that are not allowed here",
    "value_error": "{error}",
    "union_tag_invalid": "{discriminator} must be one of {expected_tags}",  # pydantic's own text quotes the input
}


def not_offered(why: str) -> PydanticCustomError:
    """The error of a field that has the right form, see `NOT_OFFERED`."""
    return PydanticCustomError(NOT_OFFERED, "{why}", {"why": why})


type Id = Annotated[str, Field(min_length=1, max_length=MOST_NAME_BYTES, pattern=NAME)]
"""Names that a caller makes up, as providers take them."""
type Party = Annotated[Id, AfterValidator(of_few_bytes)]
"""The name of an agent or user, which the store keeps with each thing that is counted for it."""


class Strict(BaseModel):
    """A schema that refuses fields it does not know, and does not turn one type into another."""

    # Deferred: at a cold start only the one that a request needs is built, and what it nests not once more by itself.
    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True, defer_build=True)


async def read_json(request: Request, limit: int) -> dict[str, Any]:
    """The body's JSON object. Raises as `read_body`, and InvalidRequest for what is none."""
    return parse_json(await read_body(request, limit))


def parse_json(raw: bytes) -> dict[str, Any]:
    """A JSON object from bytes. Raises InvalidRequest."""
    try:
        value = _DECODER.decode(_text(raw))
    except _DuplicateError as error:
        name = str(error)[:_LONGEST_NAME].encode("utf-8", "replace").decode()  # it may be no Unicode
        text = f"The body has the member '{name}' twice in one object. Send each once."
        raise InvalidRequest(text, param="body") from None
    except RecursionError:
        raise InvalidRequest(f"The body is nested deeper than {MOST_DEPTH} levels.", param="body") from None
    except ValueError as error:
        where = f" at character {error.pos}" if isinstance(error, json.JSONDecodeError) else ""
        raise InvalidRequest(f"The body is not valid JSON{where}. Send a JSON object in UTF-8.", param="body") from None
    if not isinstance(value, dict):
        raise InvalidRequest("The body must be a JSON object.", param="body")
    _check(value)
    return value


def _text(raw: bytes) -> str:
    """The text in UTF-8. Raises InvalidRequest, where Python's JSON would read UTF-16 and UTF-32 as well."""
    encoding = json.detect_encoding(raw)
    if not encoding.startswith("utf-8"):
        name = encoding[:6].upper()
        raise InvalidRequest(f"The body is in {name}. Send a JSON object in UTF-8.", param="body")
    return raw.decode(encoding, "surrogatepass")


class _DuplicateError(ValueError):
    """A member of this name comes twice: what we read must be what a provider reads."""


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        names = [name for name, _ in pairs]
        raise _DuplicateError(next(name for name in names if names.count(name) > 1))
    return members


_DECODER = json.JSONDecoder(parse_constant=float, object_pairs_hook=_unique)


def validate[T: BaseModel](model: type[T], value: dict[str, Any]) -> T:
    """The body as a schema's object. Raises InvalidRequest (422) that names the first wrong field, never its value."""
    try:
        return model.model_validate(value)
    except ValidationError as error:
        raise _schema_error(error, model, value) from None


async def read_body(request: Request, limit: int) -> bytes:
    """The whole body. Raises BodyTooLarge above `limit` bytes, as soon as that is known, and UnsupportedEncoding.

    A client who sends slowly keeps nobody else from work.
    """
    _check_head(request.headers, limit)
    return await waited(_read_body(request, limit))


async def _read_body(request: Request, limit: int) -> bytes:
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > limit:
            raise _too_large(limit)
        parts.append(part)
    return b"".join(parts)


def _check_head(headers: Headers, limit: int) -> None:
    """Before anything of the body is read."""
    declared = headers.get("content-length", "")
    if declared.isdecimal() and (len(declared) > _MOST_DIGITS or int(declared) > limit):
        raise _too_large(limit)
    encodings = ",".join(headers.getlist("content-encoding")).lower().split(",")
    if not {encoding.strip() for encoding in encodings} <= {"", "identity"}:
        text = "Content-Encoding: bodies are taken as they are. Send the JSON uncompressed, without this header."
        raise UnsupportedEncoding(text, param="content-encoding")


def _too_large(limit: int) -> BodyTooLarge:
    return BodyTooLarge(f"The body is larger than {limit} bytes. Send less, for example smaller images.")


def _schema_error(error: ValidationError, schema: type[BaseModel], value: dict[str, Any]) -> InvalidRequest:
    # A union reports each of its branches: the caller meant the one with the deepest location, or of the value's type.
    errors = error.errors(include_url=False, include_input=False)
    first = max(errors, key=lambda e: (len(e["loc"]), not e["type"].endswith("_type")))
    path = _callers_path(first["loc"], value, is_missing=first["type"] == "missing")
    reason = _REASONS.get(first["type"], "{msg}").format(msg=first["msg"], **first.get("ctx", {}))
    from gateway_core.api.spelling import meant  # noqa: PLC0415 - no start needs it

    hint = meant(first["type"], path, schema, value) if len(first["loc"]) == 1 else ""
    return InvalidRequest(f"{path}: {reason}.{hint}", param=path, schema=first["type"] != NOT_OFFERED)


def _callers_path(location: tuple[str | int, ...], value: Any, *, is_missing: bool) -> str:
    """The location as the caller knows it: without the names of union branches that pydantic puts in between."""
    for path, node in _ways(location[:-1], value):
        if isinstance(node, (dict, list)) and (_child(node, location[-1]) is _NOTHING) == is_missing:
            return ".".join(map(str, [*path, location[-1]]))
    path, _ = next(_ways(location, value))
    return ".".join(map(str, path))


_NOTHING = object()


def _child(node: Any, step: str | int) -> Any:
    try:
        return node[step]
    except (KeyError, IndexError, TypeError):
        return _NOTHING


def _ways(
    location: tuple[str | int, ...], node: Any, *, at_branch: bool = False
) -> Iterator[tuple[list[str | int], Any]]:
    """How a location may be read, with where it leads: best first, as a branch may be named like a field of it."""
    if not location:
        yield [], node
        return
    step, rest = location[0], location[1:]
    child = _child(node, step)
    taken = (([step, *path], end) for path, end in _ways(rest, child)) if child is not _NOTHING else ()
    passed = _ways(rest, node, at_branch=True)
    is_tag = not at_branch and isinstance(node, dict) and step in (node.get("role"), node.get("type"))
    yield from (*passed, *taken) if is_tag else (*taken, *passed)


type _Trail = tuple[_Trail, str | int] | None
"""The way to a node, child first: cheap to carry, spelled out only for an error."""


def _check(value: dict[str, Any]) -> None:
    """Looks at every key and node; iterative, so that depth is ours to limit."""
    stack: list[tuple[_Trail, Any, int]] = [(None, value, 0)]
    while stack:
        trail, node, depth = stack.pop()
        if node and depth >= MOST_DEPTH:
            raise InvalidRequest(f"{_top(trail)}: nested deeper than {MOST_DEPTH} levels.", param=_top(trail))
        members: Iterable[tuple[str | int, Any]] = node.items() if isinstance(node, dict) else enumerate(node)
        for key, child in members:
            if isinstance(key, str) and (fault := _fault_of(key)):
                raise _faulty(trail, fault)  # first: a path may hold it
            if isinstance(child, dict | list):
                stack.append(((trail, key), child, depth + 1))
            elif fault := _fault_of(child):
                raise _faulty((trail, key), fault)


def _fault_of(leaf: object) -> str:
    if isinstance(leaf, str):
        return "" if leaf.isascii() or _is_unicode(leaf) else "the text has a lone surrogate, which is not Unicode"
    return "NaN and infinite numbers are not JSON" if isinstance(leaf, float) and not math.isfinite(leaf) else ""


def _faulty(trail: _Trail, fault: str) -> InvalidRequest:
    path = _spell(trail)
    return InvalidRequest(f"{path}: {fault}.", param=path)


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _keys(trail: _Trail) -> list[str]:
    keys: list[str] = []
    while trail is not None:
        trail, key = trail
        keys.append(str(key))
    return keys[::-1]


def _spell(trail: _Trail) -> str:
    return ".".join(_keys(trail)) or "body"


def _top(trail: _Trail) -> str:
    return _keys(trail)[0]
