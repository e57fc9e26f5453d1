"""Reads query parameters: each once, as two readers may take two different ones of several."""

from __future__ import annotations

from collections import Counter

from starlette.requests import Request

from gateway_core.domain.errors import InvalidRequest

_LONGEST_NAME = 64


def query_of(request: Request) -> dict[str, str]:
    """The parameters by name. Raises InvalidRequest for one that is there more than once."""
    found = request.query_params.multi_items()
    for name, count in Counter(name for name, _ in found).items():
        if count > 1:
            short = name[:_LONGEST_NAME]
            raise InvalidRequest(f"{short}: the query has it {count} times. Send it once.", param=short)
    return dict(found)
