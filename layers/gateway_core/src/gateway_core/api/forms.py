"""Which form an answer that is a table is sent in: JSON, CSV, or a JSON object a line."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from gateway_core.access.csv_text import csv_text
from gateway_core.access.usage_rows import flat

type Form = Literal["json", "csv", "ndjson"]

_TYPES: Mapping[str, Form] = {
    "application/json": "json",
    "text/csv": "csv",
    "application/x-ndjson": "ndjson",
    "application/ndjson": "ndjson",
    "application/jsonl": "ndjson",
}
_SENT: Mapping[Form, tuple[str, str]] = {
    "csv": ("text/csv; charset=utf-8; header=present", "csv"),
    # Not x-ndjson: what is no text by its name, the Lambda adapters would send as base64.
    "ndjson": ("application/jsonl", "ndjson"),
}
_VARY = {"vary": "Accept"}


def chosen_form(request: Request, named: Form | None) -> Form:
    """The form that the query names, else the one that `Accept` prefers, else JSON."""
    if named:
        return named
    wanted: list[tuple[float, Form]] = []
    for media_range in request.headers.get("accept", "").split(","):
        name, *parameters = (part.strip().lower() for part in media_range.split(";"))
        form: Form | None = "json" if name == "*/*" else _TYPES.get(name)
        if form and (quality := _quality(parameters)):
            wanted.append((quality, form))
    return max(wanted, key=lambda one: one[0], default=(0.0, "json"))[1]  # of equals the first, as it was written


def whole(body: Mapping[str, Any]) -> Response:
    """The answer as JSON."""
    return JSONResponse(body, headers=_VARY)


def table(
    form: Form, name: str, columns: Sequence[str], rows: Sequence[Mapping[str, Any]], headers: Mapping[str, str]
) -> Response:
    """The rows alone, as a file called `name` with the form's ending."""
    media_type, ending = _SENT[form]
    text = csv_text(columns, map(flat, rows)) if form == "csv" else _lines(rows)
    disposition = {"content-disposition": f'attachment; filename="{name}.{ending}"'}
    return Response(text, media_type=media_type, headers={**_VARY, **disposition, **headers})


def _lines(rows: Sequence[Mapping[str, Any]]) -> str:
    return "".join(f"{json.dumps(row, ensure_ascii=False, separators=(',', ':'))}\n" for row in rows)


def _quality(parameters: Sequence[str]) -> float:
    for parameter in parameters:
        if parameter.startswith("q="):
            try:
                return max(0.0, min(1.0, float(parameter[2:])))
            except ValueError:
                return 0.0
    return 1.0
