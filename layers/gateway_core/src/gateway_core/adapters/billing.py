"""Providers' reports of costs, over HTTP. Where, and how they read, `wires.billing` knows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date
from http import HTTPStatus

from gateway_core.domain.catalog import Provider
from gateway_core.domain.credentials import Secret
from gateway_core.domain.errors import LLMError
from gateway_core.domain.provider_errors import BadCredentials, ProviderUnavailable, RateLimitError
from gateway_core.http1 import HttpError, LazyTls, Limits, Pool, Request, UnwantedAnswer, Url
from gateway_core.http1.whole import whole_body
from gateway_core.wires.billing import BILLING, BilledItem, BilledPage, BillingEndpoint, parse

MOST_BYTES = 4 * 1024 * 1024
MOST_PAGES = 60
MOST_ITEMS = 20_000
"""Of a whole report: a page of four megabytes may have as many, and there may be sixty."""
MOST_CURSOR = 2048
"""Letters. It becomes a part of the next URL."""
_ONCE = Limits(keep=0)
_HEADERS = {"accept": "application/json", "accept-encoding": "identity", "user-agent": "llm-gateway"}
_REFUSES_KEY = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})


class HttpBillingReader:
    """Implements the port `BillingReader`. Each page has a connection of its own."""

    def __init__(self) -> None:
        self._tls = LazyTls()

    async def billed(
        self, provider: Provider, key: Secret, first: date, last: date
    ) -> Mapping[date, Sequence[BilledItem]]:
        endpoint = BILLING[provider.name]
        found: defaultdict[date, list[BilledItem]] = defaultdict(list)
        cursor, seen, items = "", set[str](), 0
        while cursor not in seen and len(seen) < MOST_PAGES:
            seen.add(cursor)
            page = await self._page(provider.api_base + endpoint.path(first, last, cursor), endpoint, key)
            for day, billed in page.days.items():
                found[day] += billed  # a day may go on on the next page
                items += len(billed)
            cursor = page.cursor
            if not cursor:
                return {day: billed for day, billed in found.items() if first <= day <= last}
            if items > MOST_ITEMS or len(cursor) > MOST_CURSOR:
                raise _unavailable("the report is longer than allowed")
        raise _unavailable("the report's pages lead in a circle" if cursor in seen else "the report has no end")

    async def _page(self, url: str, endpoint: BillingEndpoint, key: Secret) -> BilledPage:
        headers = {**_HEADERS, **dict(endpoint.headers), endpoint.key_header: endpoint.key_prefix + key.reveal()}
        try:
            return parse(endpoint, await self._get(Request("GET", Url.parse(url), headers)))
        except UnwantedAnswer as error:
            raise _unavailable(str(error)) from None
        except HttpError as error:
            raise _unavailable(type(error).__name__) from None
        except ValueError:
            raise _unavailable("the answer is no report of costs") from None

    async def _get(self, request: Request) -> bytes:
        response = await Pool(_ONCE, self._tls).send(request)
        try:
            if response.status != HTTPStatus.OK:
                raise _refusal(response.status)
            return await whole_body(response, MOST_BYTES)
        finally:
            response.close()


def _refusal(status: int) -> LLMError:
    detail = f"HTTP {status}"
    if status in _REFUSES_KEY:
        return BadCredentials("The provider refused the admin key.", detail=detail)
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return RateLimitError("The provider is limiting the rate of requests.", detail=detail)
    return _unavailable(detail)


def _unavailable(detail: str) -> ProviderUnavailable:
    return ProviderUnavailable("The provider did not tell its costs.", detail=detail)
