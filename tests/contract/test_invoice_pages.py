"""A provider's report of costs that has no end, leads in a circle, or is too long: it is ended, and told of."""

import json
from datetime import date

import pytest
from starlette.applications import Starlette
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from gateway_core.adapters.billing import MOST_BYTES, MOST_CURSOR, MOST_ITEMS, MOST_PAGES, HttpBillingReader
from gateway_core.domain.catalog import Provider
from gateway_core.domain.credentials import Secret
from gateway_core.domain.provider_errors import ProviderUnavailable
from local.serving import serve

DAY = date(2026, 11, 20)
SECONDS = 1_795_132_800


def page(cursor, items=1):
    rows = [{"amount": {"value": 1, "currency": "usd"}, "line_item": f"item {number}"} for number in range(items)]
    data = [{"start_time": SECONDS, "results": rows}]
    return json.dumps({"data": data, "has_more": cursor is not None, "next_page": cursor})


class Biller:
    """Answers the n-th call by `answer(n)`; knows what it was asked."""

    def __init__(self):
        self.asked = []
        self.answer = lambda _number: page(None)

    async def costs(self, request):
        self.asked.append(request)
        answer = self.answer(len(self.asked))
        return answer if isinstance(answer, Response) else Response(answer)

    async def elsewhere(self, request):
        self.asked.append(request)
        return Response(page(None))


@pytest.fixture(scope="module")
def serving():
    biller = Biller()
    routes = [Route("/v1/organization/costs", biller.costs), Route("/elsewhere", biller.elsewhere)]
    with serve(Starlette(routes=routes)) as url:
        yield biller, url


@pytest.fixture
def biller(serving):
    serving[0].asked = []
    return serving[0]


@pytest.fixture
def read(serving):
    provider = Provider("openai", f"{serving[1]}/v1", "KEY", "BASE", timeout_s=30, input_includes_cached=True)
    return lambda: HttpBillingReader().billed(provider, Secret("sk-admin"), DAY, DAY)


@pytest.mark.parametrize("period", [1, 3])
async def test_pages_that_lead_in_a_circle_are_asked_for_once(biller, read, period):
    """One that names itself, and some that name each other: nothing is added up twice, and nobody is told a sum."""
    biller.answer = lambda number: page(f"p{number % period}")
    with pytest.raises(ProviderUnavailable) as failed:
        await read()
    assert failed.value.detail == "the report's pages lead in a circle"
    assert len(biller.asked) == period + 1


async def test_a_report_without_end_is_ended(biller, read):
    """After so many pages, each with a cursor of its own."""
    biller.answer = lambda number: page(f"p{number}")
    with pytest.raises(ProviderUnavailable) as failed:
        await read()
    assert failed.value.detail == "the report has no end"
    assert len(biller.asked) == MOST_PAGES


@pytest.mark.parametrize(("letters", "items"), [(1, MOST_ITEMS + 1), (MOST_CURSOR + 1, 1)])
async def test_a_report_that_is_too_long_is_not_read_on(biller, read, letters, items):
    """Neither by its items nor by what its next page is called."""
    biller.answer = lambda _number: page("p" * letters, items)
    with pytest.raises(ProviderUnavailable) as failed:
        await read()
    assert failed.value.detail == "the report is longer than allowed"
    assert len(biller.asked) == 1


async def test_a_huge_page_is_not_kept(biller, read):
    """It is broken off at the bound."""
    biller.answer = lambda _number: " " * (MOST_BYTES + 1)
    with pytest.raises(ProviderUnavailable) as failed:
        await read()
    assert failed.value.detail == "the answer is longer than allowed"


@pytest.mark.parametrize("to", ["/elsewhere", "http://127.0.0.1:1/"])
async def test_a_redirect_is_not_followed(biller, read, to):
    """The admin key goes to the provider's base URL and nowhere else."""
    biller.answer = lambda _number: RedirectResponse(to)
    with pytest.raises(ProviderUnavailable) as failed:
        await read()
    assert failed.value.detail == "HTTP 307"
    assert [request.url.path for request in biller.asked] == ["/v1/organization/costs"]


async def test_a_day_that_goes_on_on_the_next_page_is_whole(biller, read):
    """Its items are those of all pages."""
    biller.answer = lambda number: page("p2" if number == 1 else None, 2)
    assert [len(items) for items in (await read()).values()] == [4]
