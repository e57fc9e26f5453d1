"""The list of models as Anthropic tells it: https://platform.claude.com/docs/en/api/models/list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import Field

from gateway_core.api.body import Strict, validate
from gateway_core.domain.chat import Json
from gateway_core.domain.errors import InvalidRequest
from gateway_core.domain.times import iso

VERSION_HEADER = "anthropic-version"
"""Anthropic's clients send it, and no others."""
_DEFAULT_LIMIT, _MOST = 20, 1000
_MS_PER_S = 1000


class _Page(Strict):
    limit: int = Field(default=_DEFAULT_LIMIT, ge=1, le=_MOST)
    after_id: str = ""
    before_id: str = ""


def anthropic_model(entry: Json) -> dict[str, Any]:
    """One entry of our own list in Anthropic's form."""
    return {
        "type": "model",
        "id": entry["id"],
        "display_name": entry["id"],
        "created_at": iso(entry["created"] * _MS_PER_S),
        "max_input_tokens": entry["context_window"],
        "max_tokens": entry["max_output_tokens"],
    }


def anthropic_list(entries: Sequence[Json], query: Mapping[str, str]) -> dict[str, Any]:
    """A page of the list. Raises InvalidRequest for a limit, or an id that there is not."""
    limit = query.get("limit", "")
    given: dict[str, Any] = {name: query[name] for name in ("after_id", "before_id") if query.get(name)}
    page = validate(_Page, {**given, **({"limit": int(limit) if limit.isdecimal() else limit} if limit else {})})
    models = [anthropic_model(entry) for entry in entries]
    ids = [model["id"] for model in models]
    first = _place(ids, page.after_id, "after_id") + 1 if page.after_id else 0
    end = _place(ids, page.before_id, "before_id") if page.before_id else len(ids)
    if page.before_id:
        first = max(first, end - page.limit)
    shown = models[first:end][: page.limit]
    has_more = first > 0 if page.before_id else first + len(shown) < len(models)
    return {
        "data": shown,
        "has_more": has_more,
        "first_id": shown[0]["id"] if shown else None,
        "last_id": shown[-1]["id"] if shown else None,
    }


def _place(ids: Sequence[str], name: str, param: str) -> int:
    if name not in ids:
        raise InvalidRequest(f"{param}: there is no such model.", param=param)
    return ids.index(name)
