"""Response models that ship. A question names one by `response_model`; users add theirs in the configuration.

Fields have descriptions, as a model reads them in its schema.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

type Share = Annotated[float, Field(ge=0, le=1, description="From 0 to 1.")]


class ResponseModel(BaseModel):
    """Base of those that ship: a field that nobody asked for is an error."""

    model_config = ConfigDict(extra="forbid")


class TextAnswer(ResponseModel):
    """A short answer, and how sure the model is of it."""

    answer: str = Field(min_length=1)
    confidence: Share


class ItemList(ResponseModel):
    """Several answers of one kind."""

    items: list[str] = Field(min_length=1)


class Decision(ResponseModel):
    """Yes or no, and why."""

    decision: Literal["yes", "no"]
    reason: str = Field(min_length=1)


class Classification(ResponseModel):
    """Which of several labels fits, and why."""

    label: str = Field(min_length=1)
    confidence: Share
    reason: str = Field(min_length=1)


class Fact(ResponseModel):
    """A statement, and where it is from."""

    statement: str = Field(min_length=1)
    source: str = Field(min_length=1)


class Facts(ResponseModel):
    """Statements with their sources."""

    facts: list[Fact] = Field(min_length=1)


SHIPPED: Mapping[str, type[BaseModel]] = MappingProxyType(
    {model.__name__: model for model in (TextAnswer, ItemList, Decision, Classification, Facts)}
)
