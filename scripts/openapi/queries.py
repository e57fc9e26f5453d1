"""Query parameters whose schema a route does not have in one piece."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field


class Mode(BaseModel):
    mode: Literal["job"] | None = None


class AnthropicPage(BaseModel):
    """Counts with the header `anthropic-version` only; without it nothing is asked of it."""

    limit: Annotated[str, Field(description="With anthropic-version: from 1 to 1000")] = "20"
    after_id: Annotated[str, Field(description="With anthropic-version: the page behind this model")] = ""
    before_id: Annotated[str, Field(description="With anthropic-version: the page before this model")] = ""
