"""JSON-RPC 2.0 as MCP narrows it, checked before any library reads the bytes. Pure.

Readers that disagree about one message (which of two equal members counts, whether `Method` is `method`) are a way
around whatever the first of them checks. So: one UTF-8 JSON object, no member twice, exact names, no batch.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, NoReturn

PARSE_ERROR = -32700
INVALID_REQUEST = -32600
UNSUPPORTED_VERSION = -32022
_MOST_VERSION = 32
_KINDS = frozenset({"method", "result", "error"})
_MEMBERS = _KINDS | {"jsonrpc", "id", "params"}


class BadMessage(Exception):
    """Not a message of MCP. `code` is JSON-RPC's, with its `data`; `id` is the request's where it could be read."""

    def __init__(
        self, code: int, message: str, request_id: str | int | None = None, data: dict[str, Any] | None = None
    ) -> None:
        super().__init__(message)
        self.data = data
        self.code = code
        self.message = message
        self.id = request_id

    def body(self) -> dict[str, Any]:
        """The JSON-RPC error response."""
        about = {} if self.data is None else {"data": self.data}
        return {"jsonrpc": "2.0", "id": self.id, "error": {"code": self.code, "message": self.message, **about}}


def check_version(asked: str | None, supported: Sequence[str], message: dict[str, Any]) -> None:
    """Raises BadMessage for a protocol version, as the header has it, that is none of ours. None is not given.

    A message with an envelope names its version too: what is wrong with that is the library's to say.
    """
    if asked is None or asked in supported or "_meta" in message.get("params", {}):
        return
    about = {"supported": list(supported), "requested": asked[:_MOST_VERSION]}
    raise BadMessage(UNSUPPORTED_VERSION, "Unsupported protocol version", message.get("id"), about)


def check_message(raw: bytes) -> dict[str, Any]:
    """The message. Raises BadMessage unless `raw` is one request, notification or response. Quotes nothing of it."""
    value = _parse(raw)
    if not isinstance(value, dict):
        what = "Batches are not supported" if isinstance(value, list) else "A message is a JSON object"
        raise BadMessage(INVALID_REQUEST, f"{what}. Send one object at a time.")
    request_id = value.get("id")
    known = request_id if _is_id(request_id) else None
    if fault := _fault(value):
        raise BadMessage(INVALID_REQUEST, fault, known)
    return value


def _parse(raw: bytes) -> Any:
    try:
        text = raw.decode()
        value = json.loads(text, object_pairs_hook=_unique, parse_constant=_refuse_constant)
        if "\\u" in text:
            json.dumps(value, ensure_ascii=False).encode()  # a lone surrogate is not Unicode
    except _RepeatedMemberError:
        raise BadMessage(INVALID_REQUEST, "A member occurs twice in one object.") from None
    except RecursionError:
        raise BadMessage(PARSE_ERROR, "The message is nested too deeply.") from None
    except ValueError:
        raise BadMessage(PARSE_ERROR, "The message is not JSON in UTF-8.") from None
    return value


def _fault(value: dict[str, Any]) -> str:
    """What is wrong with the envelope, empty if nothing is."""
    rules = (
        (value.keys() <= _MEMBERS, "There is a member that JSON-RPC does not know. Names are case-sensitive."),
        (value.get("jsonrpc") == "2.0", "jsonrpc must be '2.0'."),
        ("id" not in value or _is_id(value["id"]), "id must be a string or an integer."),
        (len(value.keys() & _KINDS) == 1, "A message has a method, or a result, or an error."),
        (isinstance(value.get("method", ""), str), "method must be a string."),
        (isinstance(value.get("params", {}), dict), "params must be an object."),
    )
    return next((text for holds, text in rules if not holds), "")


def _is_id(value: Any) -> bool:
    return isinstance(value, str | int) and not isinstance(value, bool)


class _RepeatedMemberError(Exception):
    pass


def _unique(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise _RepeatedMemberError
    return value


def _refuse_constant(_name: str) -> NoReturn:
    raise ValueError
