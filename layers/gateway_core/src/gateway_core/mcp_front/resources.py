"""What clients can read without a model's call of a tool: the models, what was spent, and what may be."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, override

from fastmcp.exceptions import ValidationError
from fastmcp.resources.base import Resource
from fastmcp.resources.template import ResourceTemplate
from mcp_types import Resource as ListedResource
from mcp_types import ResourceTemplate as ListedTemplate
from pydantic import AnyUrl, PrivateAttr

from gateway_core.domain.chat import Json
from gateway_core.domain.compact_json import compact
from gateway_core.invocation import HttpRequest
from gateway_core.mcp_front.models import MODELS
from gateway_core.mcp_front.reader import Reader
from gateway_core.mcp_front.report import describe
from gateway_core.mcp_front.usage import USAGE
from gateway_core.mcp_front.visitor import Visitor

_JSON = "application/json"
MODEL_TEMPLATE = "models://{model}"


@dataclass(frozen=True, slots=True)
class Report:
    """A resource of the caller's own project. `request` gets the UTC day of now."""

    uri: str
    name: str
    description: str
    request: Callable[[Visitor, date], HttpRequest]


def _usage(visitor: Visitor, first: date, last: date) -> HttpRequest:
    days = {"start_date": first.isoformat(), "end_date": last.isoformat()}
    return visitor.request("GET", "/v1/usage", query={**days, "group_by": "model"})


REPORTS: Sequence[Report] = (
    Report(
        "usage://today",
        "Usage today",
        "Requests, tokens and cost of the key's project by model, since midnight UTC.",
        lambda visitor, today: _usage(visitor, today, today),
    ),
    Report(
        "usage://month",
        "Usage this month",
        "The same since the month's first day.",
        lambda visitor, today: _usage(visitor, today.replace(day=1), today),
    ),
    Report(
        "usage://budgets",
        "Budgets",
        "Limits of day and month that hold for the key: what is spent, held and left.",
        lambda visitor, _today: visitor.request("GET", "/v1/budgets"),
    ),
)


class ReportResource(Resource):
    """A report, as its route gives it."""

    right: str = USAGE.name
    _report: Report = PrivateAttr()
    _reader: Reader = PrivateAttr()

    @classmethod
    def of(cls, report: Report, reader: Reader) -> ReportResource:
        resource = cls(uri=AnyUrl(report.uri), name=report.name, description=report.description, mime_type=_JSON)
        resource._report, resource._reader = report, reader
        return resource

    @override
    async def read(self) -> str:
        today = datetime.fromtimestamp(self._reader.clock.now_ms() / 1000, UTC).date()
        made = self._report.request
        return _text(await self._reader.ask(USAGE.function, self.right, lambda visitor: made(visitor, today)))

    @override
    def to_mcp_resource(self, **overrides: Any) -> ListedResource:
        return super().to_mcp_resource(**{**overrides, "_meta": None})


class CatalogResource(Resource):
    """All that `list_models` knows, or one entry of it."""

    right: str = MODELS.name
    _reader: Reader = PrivateAttr()
    _only: str = PrivateAttr("")

    @classmethod
    def of(cls, reader: Reader, uri: str = "models://catalog", *, only: str = "") -> CatalogResource:
        resource = cls(uri=AnyUrl(uri), name="Models", description=MODELS.description, mime_type=_JSON)
        resource._reader, resource._only = reader, only
        return resource

    @override
    async def read(self) -> str:
        catalog = await self._reader.catalog()
        if not self._only:
            return _text(catalog)
        for entry in (*catalog["models"], *catalog["groups"]):
            if entry["id"] == self._only:
                return _text(entry)
        raise ValidationError(describe("unknown_model", "There is no such model."), log_level=logging.DEBUG)

    @override
    def to_mcp_resource(self, **overrides: Any) -> ListedResource:
        return super().to_mcp_resource(**{**overrides, "_meta": None})


class ModelTemplate(ResourceTemplate):
    """One model or group by its name."""

    right: str = MODELS.name
    _reader: Reader = PrivateAttr()

    @classmethod
    def of(cls, reader: Reader) -> ModelTemplate:
        template = cls(
            uri_template=MODEL_TEMPLATE,
            name="Model",
            description="One model or group of the catalog.",
            mime_type=_JSON,
            parameters={"type": "object", "properties": {"model": {"type": "string"}}, "required": ["model"]},
        )
        template._reader = reader
        return template

    @override
    async def create_resource(self, uri: str, params: dict[str, Any]) -> Resource:
        return CatalogResource.of(self._reader, uri, only=params["model"])

    @override
    def to_mcp_template(self, **overrides: Any) -> ListedTemplate:
        return super().to_mcp_template(**{**overrides, "_meta": None})


def resources_of(reader: Reader) -> list[Resource]:
    """All of them, in the order in which they are listed."""
    return [CatalogResource.of(reader), *(ReportResource.of(report, reader) for report in REPORTS)]


def _text(value: Json) -> str:
    return compact(value)
