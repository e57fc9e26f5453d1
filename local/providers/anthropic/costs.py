"""Anthropic's report of costs: https://platform.claude.com/docs/en/api/admin/cost_report."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, override

from local.providers.anthropic.base import AnthropicWire
from local.providers.bills import Bills, Window, number
from local.providers.model import Generation, Json, Prompt, Refused, Request, Stamp

_KINDS = {"input": ("Input", "uncached_input_tokens"), "output": ("Output", "output_tokens")}


class AnthropicCosts(AnthropicWire):
    """GET /v1/organizations/cost_report: a bucket a day; amounts are decimal strings in cents."""

    endpoint = "costs"

    def __init__(self, bills: Bills) -> None:
        self._bills = bills

    @override
    def read(self, request: Request) -> Prompt:
        first = _day(request.query.get("starting_at"), "starting_at")
        end = _day(request.query.get("ending_at", f"{first + timedelta(days=7)}T00:00:00Z"), "ending_at")
        window = Window.of(first, end, number(request.query.get("limit"), 7, 31), request.query.get("page", ""))
        return Prompt(model="", body={"window": window, "grouped": request.query.get("group_by[]") == "description"})

    @override
    def whole(self, prompt: Prompt, generation: Generation, stamp: Stamp) -> Json:
        window: Window = prompt.body["window"]
        buckets = [self._bucket(day, grouped=prompt.body["grouped"]) for day in window.days]
        return {"data": buckets, "has_more": window.next_page is not None, "next_page": window.next_page}

    def _bucket(self, day: date, *, grouped: bool) -> Json:
        items = self._bills.items("anthropic", day)
        rows = [_row(model, *_KINDS[kind], amount) for model, kind, amount in items]
        if not grouped and items:
            rows = [_row(None, None, None, sum((amount for *_, amount in items), Decimal()))]
        tomorrow = day + timedelta(days=1)
        return {"starting_at": f"{day}T00:00:00Z", "ending_at": f"{tomorrow}T00:00:00Z", "results": rows}


def _row(model: str | None, title: str | None, kind: str | None, amount: Decimal) -> dict[str, Any]:
    """Without a model it is the sum of all."""
    return {
        "amount": f"{amount * 100:f}",
        "currency": "USD",
        "workspace_id": None,
        "description": f"{model} Usage - {title} Tokens" if model else None,
        "cost_type": "tokens" if model else None,
        "model": model,
        "token_type": kind,
        "service_tier": "standard" if model else None,
        "context_window": "0-200k" if model else None,
        "inference_geo": None,
    }


def _day(text: str | None, field: str) -> date:
    try:
        return datetime.fromisoformat(text or "").date()
    except ValueError:
        raise Refused(
            f"{field}: Field required" if text is None else f"{field}: Input should be a valid date"
        ) from None
