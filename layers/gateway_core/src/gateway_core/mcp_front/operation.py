"""What a tool is: texts, arguments, the request that it makes of a function, and what it makes of the answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from gateway_core.domain.chat import Json
from gateway_core.domain.compact_json import compact
from gateway_core.invocation import HttpRequest
from gateway_core.mcp_front.arguments import Arguments
from gateway_core.mcp_front.visitor import Visitor

type JsonType = Literal["string", "integer", "boolean", "array", "object"]


@dataclass(frozen=True, slots=True)
class Result:
    """What the client gets: text for people and plain clients, `structured` for programs."""

    text: str
    structured: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Operation[A: Arguments]:
    """One tool.

    `asks_models` says that a provider is called: it costs money and no two answers are the same. `changes` is for what
    does something else than to ask. `right` is the tool that a key has to be allowed, if it is not this one.
    """

    name: str
    title: str
    description: str
    function: str
    arguments: type[A]
    request: Callable[[A, Visitor], HttpRequest]
    result: Callable[[Json], Result]
    output: Json = field(default_factory=dict)
    asks_models: bool = False
    changes: bool = False
    right: str = ""


def output_of(**properties: JsonType) -> dict[str, Any]:
    """The output schema of an object with these properties, and maybe more."""
    return {"type": "object", "properties": {name: {"type": kind} for name, kind in properties.items()}}


def whole(body: Json) -> Result:
    """The function's own answer, as text as well."""
    return Result(compact(body), dict(body))


def json_body(value: Json) -> bytes:
    """A request's body."""
    return compact(value).encode()
