"""Whom a request counts for, where it says so in several places: they have to agree."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.requests import Request

from gateway_core.domain.errors import InvalidRequest

PROJECT_HEADER, AGENT_HEADER = "x-project-id", "x-agent-id"


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


def check_headers(request: Request, *, project_id: str | None, agent_id: str | None) -> None:
    """For routes that take both from the body. Raises InvalidRequest for a header that says something else."""
    agreed("project_id", {"project_id": project_id, PROJECT_HEADER: header(request, PROJECT_HEADER, "project_id")})
    agreed("agent_id", {"agent_id": agent_id, AGENT_HEADER: header(request, AGENT_HEADER, "agent_id")})


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
