"""Reads query parameters: each once, as two readers may take two different ones of several."""

from __future__ import annotations

import re
from collections import Counter
from datetime import date
from typing import Annotated

from pydantic import BeforeValidator, Field
from starlette.requests import Request

from gateway_core.domain.errors import InvalidRequest

_LONGEST_NAME = 64
_ISO_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def _is_iso(text: object) -> object:
    if isinstance(text, str) and not _ISO_DAY.fullmatch(text):  # pydantic takes seconds since 1970 as well
        raise ValueError("must be a day, such as 2026-01-31")
    return text


type Day = Annotated[date, BeforeValidator(_is_iso), Field(strict=False)]
"""A UTC day, such as 2026-01-31."""


def query_of(request: Request) -> dict[str, str]:
    """The parameters by name. Raises InvalidRequest for one that is there more than once."""
    found = request.query_params.multi_items()
    for name, count in Counter(name for name, _ in found).items():
        if count > 1:
            short = name[:_LONGEST_NAME]
            raise InvalidRequest(f"{short}: the query has it {count} times. Send it once.", param=short)
    return dict(found)
