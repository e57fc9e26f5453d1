"""OpenAI's report of costs.

https://developers.openai.com/api/reference/resources/admin/subresources/organization/subresources/usage/methods/costs
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import override

from local.providers.bills import Bills, Window, number
from local.providers.model import Generation, Json, Prompt, Refused, Request, Stamp
from local.providers.openai.base import OpenAIWire

_DAY_S = 86_400


class OpenAICosts(OpenAIWire):
    """GET /v1/organization/costs: a bucket a day; amounts are floats, as the original's are."""

    endpoint = "costs"

    def __init__(self, bills: Bills) -> None:
        self._bills = bills

    @override
    def read(self, request: Request) -> Prompt:
        start = request.query.get("start_time", "")
        if not start.isdecimal():
            raise Refused("Missing required parameter: 'start_time'.")
        first = _day(int(start))
        end = _day(int(request.query.get("end_time", int(start) + 7 * _DAY_S)) + _DAY_S - 1)
        if request.query.get("bucket_width", "1d") != "1d":
            raise Refused("Invalid value for 'bucket_width': only '1d' is supported.")
        window = Window.of(first, end, number(request.query.get("limit"), 7, 180), request.query.get("page", ""))
        return Prompt(model="", body={"window": window, "grouped": request.query.get("group_by") == "line_item"})

    @override
    def whole(self, prompt: Prompt, generation: Generation, stamp: Stamp) -> Json:
        window: Window = prompt.body["window"]
        buckets = [self._bucket(day, grouped=prompt.body["grouped"]) for day in window.days]
        more = window.next_page is not None
        return {"object": "page", "data": buckets, "has_more": more, "next_page": window.next_page}

    def _bucket(self, day: date, *, grouped: bool) -> Json:
        items = [(f"{model}, {kind}", amount) for model, kind, amount in self._bills.items("openai", day)]
        if not grouped and items:
            items = [("", sum((amount for _, amount in items), Decimal()))]
        start = _seconds(day)
        return {
            "object": "bucket",
            "start_time": start,
            "end_time": start + _DAY_S,
            "results": [
                {
                    "object": "organization.costs.result",
                    "amount": {"value": float(amount), "currency": "usd"},
                    "line_item": name or None,
                    "project_id": None,
                }
                for name, amount in items
            ],
        }


def _day(seconds: int) -> date:
    return datetime.fromtimestamp(seconds, UTC).date()


def _seconds(day: date) -> int:
    return (day - date(1970, 1, 1)) // timedelta(seconds=1)
