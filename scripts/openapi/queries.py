"""Query parameters whose schema a route does not have in one piece."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field


class Mode(BaseModel):
    mode: Literal["job"] | None = None


class AnthropicPage(BaseModel):
    """Counts with the header `anthropic-version` only."""

    limit: Annotated[int, Field(ge=1, le=1000)] = 20
    after_id: str = ""
    before_id: str = ""
