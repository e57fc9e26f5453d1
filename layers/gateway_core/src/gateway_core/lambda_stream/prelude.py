"""Status and headers in front of a streamed body, in the form of API Gateway and function URLs.

`{"statusCode": 200, "headers": {...}, "cookies": [...]}`, eight NUL bytes, then the body. See "Lambda proxy integration
format for response streaming" in the API Gateway developer guide.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

CONTENT_TYPE = "application/vnd.awslambda.http-integration-response"
LIMIT = 16 * 1024
"""Bytes within which API Gateway wants to see the end of the prelude."""

_SEPARATOR = bytes(8)
# Lambda frames the body, and API Gateway frames it anew.
_HOP_BY_HOP = frozenset({"connection", "content-length", "keep-alive", "trailer", "transfer-encoding", "upgrade"})
_WITHOUT_BODY = frozenset({204, 304})


@dataclass(frozen=True, slots=True)
class Head:
    """A response's status and headers. Names are in lower case, and one may occur more than once."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()

    @classmethod
    def from_message(cls, message: Mapping[str, Any]) -> Head:
        """From ASGI's `http.response.start`."""
        pairs = ((name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in message["headers"])
        return cls(message["status"], tuple(pairs))

    @property
    def allows_body(self) -> bool:
        return self.status not in _WITHOUT_BODY


def encode(head: Head) -> bytes:
    """The prelude with its separator. Raises ValueError when it is larger than API Gateway reads."""
    headers: dict[str, str] = {}
    for name, value in head.headers:
        if name not in _HOP_BY_HOP and name != "set-cookie":
            headers[name] = f"{headers[name]}, {value}" if name in headers else value
    document: dict[str, Any] = {"statusCode": head.status, "headers": headers}
    if cookies := [value for name, value in head.headers if name == "set-cookie"]:
        document["cookies"] = cookies
    prelude = json.dumps(document, separators=(",", ":")).encode() + _SEPARATOR
    if len(prelude) > LIMIT:
        raise ValueError(f"The headers take {len(prelude)} bytes, and API Gateway reads {LIMIT}.")
    return prelude


def decode(payload: bytes) -> tuple[Head, bytes] | None:
    """The head and what follows it, or None while the separator has not arrived: for whoever invokes a function.

    Raises:
        ValueError: the payload does not begin with a prelude.
    """
    text, separator, rest = payload.partition(_SEPARATOR)
    if not separator:
        if len(payload) > LIMIT:
            raise ValueError("The payload has no prelude.")
        return None
    document = json.loads(text)
    cookies = [("set-cookie", cookie) for cookie in document.get("cookies", ())]
    return Head(document["statusCode"], (*document.get("headers", {}).items(), *cookies)), rest
