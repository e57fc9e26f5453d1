"""What providers say that they bill: where they tell it, to whom, and how their answers are read.

* OpenAI, "Costs": https://developers.openai.com/api/reference/resources/admin/subresources/organization/subresources/usage/methods/costs
  An admin key; buckets of a UTC day, 180 a page at most; amounts are JSON numbers in USD. The reference calls the list
  of a bucket both `results` and `result`.
* Anthropic, "Get Cost Report": https://platform.claude.com/docs/en/api/admin/cost_report
  An admin key; buckets of a UTC day, 31 a page at most; amounts are decimal strings in cents.

Both group their rows by what was billed for, and go on behind `next_page`. Money is in nano-USD, rounded once an item.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from types import MappingProxyType
from typing import Any
from urllib.parse import urlencode

_NANO_PER_USD = 1_000_000_000
_NANO_PER_CENT = _NANO_PER_USD // 100
_MOST = Decimal(10**9)
"""USD or cents; nobody is billed more a day, and an exponent may be astronomic."""
_MOST_NAME = 200
_COSTS = ", "
"""Between a model and what of it was billed, in a line item of OpenAI's: `gpt-4o-2024-08-06, input`."""


@dataclass(frozen=True, slots=True)
class BilledItem:
    """What was billed for one thing. `model` is the provider's own name of it; empty for what is no model's tokens."""

    name: str
    model: str
    nano: int


@dataclass(frozen=True, slots=True)
class BilledPage:
    """Some days, each with its items. `cursor` continues behind them; empty where there are no more."""

    days: Mapping[date, tuple[BilledItem, ...]]
    cursor: str = ""


@dataclass(frozen=True, slots=True)
class BillingEndpoint:
    """Where a provider tells its costs.

    path: Below the provider's base URL, for the days from the first to the last, both included, behind a cursor.
    key_header, key_prefix, headers: How it wants the key, and what else it wants to be told.
    read: What a page's document says. Raises ValueError, LookupError, TypeError, AttributeError, ArithmeticError or
        OSError for what is no such page.
    """

    path: Callable[[date, date, str], str]
    key_header: str
    read: Callable[[Any], BilledPage]
    key_prefix: str = ""
    headers: tuple[tuple[str, str], ...] = ()


def parse(endpoint: BillingEndpoint, text: str | bytes) -> BilledPage:
    """A page as it was sent. Numbers are read as decimals. Raises ValueError for what is none."""
    try:
        return endpoint.read(json.loads(text, parse_float=Decimal, parse_constant=_refuse))
    except (LookupError, TypeError, AttributeError, ArithmeticError, OSError, RecursionError) as error:
        raise ValueError(type(error).__name__) from None


def _openai_path(first: date, last: date, cursor: str) -> str:
    asked = {
        "start_time": _seconds(first),
        "end_time": _seconds(last + timedelta(days=1)),
        "bucket_width": "1d",
        "group_by": "line_item",
        "limit": 180,
    }
    return f"/organization/costs?{urlencode({**asked, **({'page': cursor} if cursor else {})})}"


def _read_openai(document: Any) -> BilledPage:
    days = {}
    for bucket in document["data"]:
        rows = bucket["results"] if "results" in bucket else bucket["result"]
        day = datetime.fromtimestamp(bucket["start_time"], UTC).date()
        days[day] = _items((*_openai_item(row["line_item"] or "(other)"), _openai_nano(row["amount"])) for row in rows)
    return BilledPage(days, _cursor(document))


def _openai_item(line: str) -> tuple[str, str]:
    model, separator, _kind = line.rpartition(_COSTS)
    return line, model if separator else ""


def _openai_nano(amount: Any) -> Decimal:
    if amount["currency"].lower() != "usd":
        raise ValueError(amount["currency"])
    return _amount(amount["value"]) * _NANO_PER_USD


def _anthropic_path(first: date, last: date, cursor: str) -> str:
    asked = {
        "starting_at": f"{first.isoformat()}T00:00:00Z",
        "ending_at": f"{(last + timedelta(days=1)).isoformat()}T00:00:00Z",
        "bucket_width": "1d",
        "group_by[]": "description",
        "limit": 31,
    }
    return f"/v1/organizations/cost_report?{urlencode({**asked, **({'page': cursor} if cursor else {})})}"


def _read_anthropic(document: Any) -> BilledPage:
    days = {}
    for bucket in document["data"]:
        day = datetime.fromisoformat(bucket["starting_at"]).astimezone(UTC).date()
        days[day] = _items(_anthropic_item(row) for row in bucket["results"])
    return BilledPage(days, _cursor(document))


def _anthropic_item(row: Any) -> tuple[str, str, Decimal]:
    if row["currency"].upper() != "USD":
        raise ValueError(row["currency"])
    return row["description"] or "(other)", row.get("model") or "", _amount(row["amount"]) * _NANO_PER_CENT


def _items(found: Iterator[tuple[str, str, Decimal]]) -> tuple[BilledItem, ...]:
    """Rows of one name may differ in what nobody asked for: they are one item."""
    sums: defaultdict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for name, model, nano in found:
        sums[_name(name), _name(model)] += nano
    return tuple(BilledItem(*named, _rounded(nano)) for named, nano in sorted(sums.items()))


def _name(text: str) -> str:
    """No longer than it needs to be, and without half a character, which nobody can write down."""
    return text[:_MOST_NAME].encode(errors="replace").decode()


def _amount(value: str | int | Decimal) -> Decimal:
    amount = Decimal(value)
    if not amount.is_finite() or abs(amount) > _MOST:
        raise ValueError("amount")
    return amount


def _rounded(nano: Decimal) -> int:
    return int(nano.to_integral_value(rounding=ROUND_HALF_EVEN))


def _cursor(document: Any) -> str:
    cursor = document["next_page"] if document["has_more"] else ""
    if not isinstance(cursor, str) or bool(cursor) != bool(document["has_more"]):
        raise TypeError
    cursor.encode()  # half a character cannot be sent
    return cursor


def _seconds(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())


def _refuse(name: str) -> None:
    raise ValueError(name)


BILLING: Mapping[str, BillingEndpoint] = MappingProxyType(
    {
        "openai": BillingEndpoint(_openai_path, "authorization", _read_openai, key_prefix="Bearer "),
        "anthropic": BillingEndpoint(
            _anthropic_path,
            "x-api-key",
            _read_anthropic,
            headers=(("anthropic-version", "2023-06-01"),),
        ),
    }
)
"""By provider. The others have nothing of the kind."""
BILLED: Sequence[str] = tuple(sorted(BILLING))
