"""What is told of usage, budgets and bills."""

from __future__ import annotations

from gateway_core.api.holds import HoldsQuery
from gateway_core.api.invoices import InvoicesQuery
from gateway_core.api.usage import BudgetsQuery, RecordQuery, RecordsQuery, UsageQuery
from scripts.openapi import accounts, looks
from scripts.openapi.operation import FAILED, LOOKS, NO_KEY, UNAVAILABLE, UNKNOWN, Example, Operation

TABLES = ("text/csv", "application/jsonl")
"""By `format`, or by the header `Accept`."""

OPERATIONS = (
    Operation(
        "usage",
        "GET",
        "/v1/usage",
        "Usage",
        "What was used and what it cost",
        {200: (looks.UsageAnswer,)},
        (*LOOKS, UNKNOWN),
        queries=(UsageQuery,),
        files=TABLES,
        examples=(Example("by_agent", "By agent", query={"group_by": "agent"}),),
    ),
    Operation(
        "usage_records",
        "GET",
        "/v1/usage/records",
        "Usage",
        "Single records of one UTC day, a page at a time",
        {200: (looks.RecordsAnswer, looks.NewRecordsAnswer)},
        LOOKS,
        description="With `after` what was written since, instead of a page of a day.",
        queries=(RecordsQuery,),
        files=TABLES,
        examples=(Example("first", "The first of today", query={"limit": "1"}),),
    ),
    Operation(
        "budgets",
        "GET",
        "/v1/budgets",
        "Usage",
        "What is spent, held and left",
        {200: (looks.BudgetsAnswer,)},
        LOOKS,
        queries=(BudgetsQuery,),
        examples=(Example("own", "The key's own"),),
    ),
    Operation(
        "usage_record",
        "GET",
        "/v1/usage/records/{request_id}",
        "Usage",
        "The record of one request, or those of the questions of a batch",
        {200: (looks.RecordAnswer,)},
        (*LOOKS, UNKNOWN),
        queries=(RecordQuery,),
        examples=(
            Example("one", "One", path={"request_id": "{request_id}"}),
            Example("none", "None", path={"request_id": "req_1"}, status=404),
        ),
    ),
    Operation(
        "holds",
        "GET",
        "/v1/holds",
        "Usage",
        "Money that is held, or booked as an estimate, until somebody knows",
        {200: (accounts.HoldsAnswer,)},
        LOOKS,
        queries=(HoldsQuery,),
        examples=(Example("own", "The project's own"),),
    ),
    Operation(
        "own_key",
        "GET",
        "/v1/key",
        "Usage",
        "What the key that asks may do",
        {200: (accounts.KeyAnswer,)},
        (NO_KEY, FAILED, UNAVAILABLE),
        examples=(Example("own", "The development key"),),
    ),
    Operation(
        "invoices",
        "GET",
        "/v1/invoices",
        "Usage",
        "What providers say that they bill, beside what was booked; for admin keys",
        {200: (accounts.InvoicesAnswer,)},
        LOOKS,
        queries=(InvoicesQuery,),
        files=TABLES,
        examples=(Example("anthropic", "Of one provider", query={"provider": "anthropic"}),),
    ),
)
