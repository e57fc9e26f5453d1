"""What the routes on OpenAI's wire share: names of models, and whom a request counts for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated

from pydantic import Field
from starlette.requests import Request

from gateway_core.access.rights import attribute
from gateway_core.api.attribution import AGENT_HEADER, PROJECT_HEADER, header, origin_of
from gateway_core.api.sessions import session_of, short_name
from gateway_core.domain.caller import Attribution, Caller
from gateway_core.domain.catalog import Catalog

type ModelName = Annotated[str, Field(min_length=1, max_length=128)]


def attribution_of(
    request: Request, caller: Caller, *, user: str | None = None, metadata: Mapping[str, str] | None = None
) -> Attribution:
    """From `metadata`, or from `x-project-id`, `x-agent-id` and OpenAI's `user`. Raises Forbidden, InvalidRequest.

    Where both say something, they have to say the same. OpenAI sets no limits to `user`: one that is no name here
    counts under its digest.
    """
    named = metadata or {}
    ways: dict[str, dict[str, str | None]] = {
        "project_id": {PROJECT_HEADER: header(request, PROJECT_HEADER, "project_id")},
        "agent_id": {AGENT_HEADER: header(request, AGENT_HEADER, "agent_id")},
        "user_id": {"user": user and short_name(user, "u")},
    }
    origin = origin_of({name: {f"metadata.{name}": named.get(name), **way} for name, way in ways.items()})
    wanted = attribute(caller, origin.project_id, origin.agent_id, origin.user_id)
    return replace(wanted, session_id=session_of(request, metadata))


def group_or_model(catalog: Catalog, name: str) -> tuple[str | None, str | None]:
    """On clients' wires `model` takes either: (group, None) or (None, model), once `model_aliases` have been asked."""
    name = catalog.named(name)
    return (name, None) if name in catalog.groups else (None, name)
