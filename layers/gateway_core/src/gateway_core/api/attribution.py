"""Whom a request counts for, where it says so in several places: they have to agree."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import Annotated, Protocol

from pydantic import Field
from starlette.requests import Request

from gateway_core.access.rights import attribute
from gateway_core.api.body import Party, Strict, validate
from gateway_core.api.sessions import session_of
from gateway_core.domain.caller import Attribution, Caller
from gateway_core.domain.errors import InvalidRequest

PROJECT_HEADER, AGENT_HEADER = "x-project-id", "x-agent-id"


class Origin(Strict):
    """Whom a request names: by fields of its body, by `metadata`, or by headers."""

    project_id: Annotated[str, Field(pattern=r"^[a-z0-9-]{1,32}$")] | None = None
    agent_id: Party | None = None
    user_id: Party | None = None


class _Named(Protocol):
    """A body that names whom it counts for."""

    project_id: str | None
    agent_id: str | None
    user_id: str | None


def agreed(name: str, said: Mapping[str, str | None]) -> str | None:
    """What the places say of `name`: the first that says anything. Raises InvalidRequest where two differ."""
    places = {place: value for place, value in said.items() if value}
    values = list(places.values())
    for place, value in places.items():
        if value != values[0]:
            first = next(iter(places))
            text = f"{name}: '{first}' and '{place}' name different ones. Send one of them, or the same in both."
            raise InvalidRequest(text, param=name)
    return values[0] if values else None


def origin_of(said: Mapping[str, Mapping[str, str | None]]) -> Origin:
    """What the places of each field say, see `agreed`. Raises InvalidRequest."""
    given = {name: value for name, places in said.items() if (value := agreed(name, places))}
    return validate(Origin, given) if given else _nobody()


@cache
def _nobody() -> Origin:
    return Origin()


def attribution_in(body: _Named, request: Request, caller: Caller) -> Attribution:
    """On our own routes: from the body, or from `x-project-id` and `x-agent-id`. Raises Forbidden, InvalidRequest.

    Where both say something, they have to say the same.
    """
    said = {
        "project_id": {"project_id": body.project_id, PROJECT_HEADER: header(request, PROJECT_HEADER, "project_id")},
        "agent_id": {"agent_id": body.agent_id, AGENT_HEADER: header(request, AGENT_HEADER, "agent_id")},
    }
    origin = origin_of(said)
    wanted = attribute(caller, origin.project_id, origin.agent_id, body.user_id)
    return replace(wanted, session_id=session_of(request))


def header(request: Request, name: str, field: str) -> str | None:
    """A header in UTF-8, which clients send; HTTP itself knows only Latin-1. Raises InvalidRequest for two."""
    values = dict.fromkeys(request.headers.getlist(name))
    if len(values) > 1:
        raise InvalidRequest(f"{field}: the header '{name}' is there with different values. Send it once.", param=field)
    return next(map(_utf8, values), None)


def _utf8(value: str) -> str:
    try:
        return value.encode("latin-1").decode()
    except UnicodeDecodeError:
        return value
