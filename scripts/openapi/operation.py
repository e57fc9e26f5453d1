"""What is said of a route, in the terms of OpenAPI."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

BAD_REQUEST, NO_KEY, NO_MONEY, NO_RIGHT, UNKNOWN = 400, 401, 402, 403, 404
TOO_LARGE, ENCODED, ILL_FORMED, LIMITED = 413, 415, 422, 429
FAILED, PROVIDER, UNAVAILABLE, LATE = 500, 502, 503, 504

LOOKS = (BAD_REQUEST, NO_KEY, NO_RIGHT, ILL_FORMED, FAILED, UNAVAILABLE)
"""How a look at what is known may end."""
READS_BODY = (*LOOKS, UNKNOWN, TOO_LARGE, ENCODED)
ASKS = (*READS_BODY, NO_MONEY, LIMITED, PROVIDER, LATE)
"""How what asks a model may end."""

OWN = ("ErrorAnswer",)
ANTHROPIC = ("MessagesErrorAnswer",)
SAYS_WHOM = {
    "x-project-id": "The project that the request counts for, where the body does not say it",
    "x-agent-id": "The agent, likewise",
    "x-session-id": "What the client calls the conversation",
}


@dataclass(frozen=True, slots=True)
class Example:
    """A request that can be sent as it is, and what of it shows in the answer's status.

    `saves` names members of the answer that later examples have in the place of `{name}`. `with_key` is false where the
    request has none. `until` is the `state` that the answer must have before it counts.
    """

    name: str
    summary: str
    body: Mapping[str, Any] | None = None
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    path: Mapping[str, str] = field(default_factory=dict)
    status: int = 200
    saves: Mapping[str, str] = field(default_factory=dict)
    with_key: bool = True
    until: str = ""


@dataclass(frozen=True, slots=True)
class Operation:
    """A method on a path.

    `answers` are the forms of what comes with each good status, several where it depends on the request. `streams` says
    which events come instead, where the request wants a stream, `files` which other types an answer may have. `queries`
    are schemas of query parameters, `headers` names of headers with what they do, `errors_as` the forms of errors.
    """

    id: str
    method: str
    path: str
    tag: str
    summary: str
    answers: Mapping[int, tuple[Any, ...]]
    errors: tuple[int, ...]
    description: str = ""
    body: Any = None
    queries: tuple[Any, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    streams: str = ""
    files: tuple[str, ...] = ()
    errors_as: tuple[str, ...] = OWN
    is_open: bool = False
    examples: tuple[Example, ...] = ()
