"""How providers' reports of costs are read, and compared with the books."""

import json
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway_core.store.invoices import (
    MOST_LINES,
    REST,
    InvoiceDay,
    InvoiceLine,
    compare,
    pack_invoice,
    parse_invoice,
)
from gateway_core.wires.billing import BILLING, BilledItem, parse

DAY = date(2026, 11, 20)
OPENAI, ANTHROPIC = BILLING["openai"], BILLING["anthropic"]


def openai(*amounts, **changes):
    rows = [{"amount": {"value": value, "currency": "usd"}, "line_item": item} for item, value in amounts]
    bucket = {"start_time": 1_795_132_800, "end_time": 1_795_219_200, "results": rows}
    return json.dumps({"object": "page", "data": [bucket], "has_more": False, "next_page": None, **changes})


def anthropic(*rows, **changes):
    known = {"currency": "USD", "description": "d", "model": None}
    bucket = {"starting_at": "2026-11-20T00:00:00Z", "results": [known | row for row in rows]}
    return json.dumps({"data": [bucket], "has_more": False, "next_page": None, **changes})


def test_openais_floats_are_read_as_decimals():
    """0.1 and 0.2 are 0.3 USD; a line item is a model's if it says of what."""
    page = parse(OPENAI, openai(("gpt-5.1, input", 0.1), ("gpt-5.1, input", 0.2), ("web search", 1e-9), (None, 0)))
    assert page.days == {
        DAY: (
            BilledItem("(other)", "", 0),
            BilledItem("gpt-5.1, input", "gpt-5.1", 300_000_000),
            BilledItem("web search", "", 1),
        )
    }
    assert page.cursor == ""
    other = openai(("a", "0.5")).replace("results", "result")
    assert parse(OPENAI, other).days[DAY] == (BilledItem("a", "", 500_000_000),)


def test_anthropics_cents():
    """Decimal strings, to the nano-USD."""
    page = parse(
        ANTHROPIC,
        anthropic(
            {"amount": "123.45", "model": "claude-opus-4-5"},
            {"amount": "0.00001", "model": "claude-opus-4-5"},
            {"amount": "2", "description": None},
            has_more=True,
            next_page="page_7",
        ),
    )
    assert page.days[DAY] == (
        BilledItem("(other)", "", 20_000_000),
        BilledItem("d", "claude-opus-4-5", 1_234_500_100),
    )
    assert page.cursor == "page_7"


NO_REPORTS = {
    "nothing": "",
    "a list": "[]",
    "an empty object": "{}",
    "too deep": "[" * 100_000,
    "euros": openai(("a", 1)).replace('"usd"', '"eur"'),
    "not a number": openai(("a", "NaN")),
    "infinity": openai(("a", 1)).replace('"value": 1', '"value": Infinity'),
    "an astronomic number": openai(("a", 1)).replace('"value": 1', '"value": 1e999999999'),
    "no number": openai(("a", 1)).replace('"value": 1', '"value": null'),
    "no cursor": openai(("a", 1), has_more=True),
    "an empty cursor": openai(("a", 1), has_more=True, next_page=""),
    "half a character as a cursor": openai(("a", 1), has_more=True, next_page="\ud800"),
    "no time": openai(("a", 1)).replace("1795132800", "1e99"),
    "other money": anthropic({"amount": "1", "currency": "EUR"}),
}


@pytest.mark.parametrize("name", NO_REPORTS)
def test_what_is_no_report_is_a_value_error(name):
    """Whatever it is instead, for both."""
    for endpoint in BILLING.values():
        with pytest.raises(ValueError):  # noqa: PT011 - which text does not matter: it is not shown
            parse(endpoint, NO_REPORTS[name])


def test_half_a_character_in_a_name_stops_no_round():
    """What is kept can be written."""
    (item,) = parse(OPENAI, openai(("gpt\ud800, input", 1))).days[DAY]
    assert item == BilledItem("gpt?, input", "gpt?", 1_000_000_000)
    assert pack_invoice(InvoiceDay("openai", DAY, 1, compare([(item.name, item.model, item.nano)], {}, 0))).encode()


def test_where_it_is_asked():
    """The days from midnight to midnight, grouped, in the longest pages."""
    assert OPENAI.path(DAY, DAY, "").split("?") == [
        "/organization/costs",
        "start_time=1795132800&end_time=1795219200&bucket_width=1d&group_by=line_item&limit=180",
    ]
    assert ANTHROPIC.path(DAY, DAY, "a b").split("?") == [
        "/v1/organizations/cost_report",
        (
            "starting_at=2026-11-20T00%3A00%3A00Z&ending_at=2026-11-21T00%3A00%3A00Z&bucket_width=1d"
            "&group_by%5B%5D=description&limit=31&page=a+b"
        ),
    ]
    assert OPENAI.path(DAY, DAY, "p").endswith("&page=p")


def test_a_pinned_name_is_the_models():
    """What was asked for as `gpt-5.1` is billed as a version of it; another model's name that begins so is not."""
    billed = [("gpt-5.1-2025-11-13, input", "gpt-5.1-2025-11-13", 5), ("o", "gpt-5.1-mini", 3), ("search", "", 2)]
    assert compare(billed, {"gpt-5.1": 4, "silent": 1}, 7) == (
        InvoiceLine("gpt-5.1", 5, 4),
        InvoiceLine("gpt-5.1-mini", 3, 0),
        InvoiceLine(REST, 0, 2),
        InvoiceLine("search", 2, 0),
        InvoiceLine("silent", 0, 1),
    )
    assert compare([("m", "m-20251101", 1)], {"m-20251101": 1}, 1) == (InvoiceLine("m-20251101", 1, 1),)


NANO = st.integers(-5, 10**12)
NAMES = st.text(max_size=3)


@given(st.lists(st.tuples(NAMES, NAMES, NANO), max_size=300), st.dictionaries(NAMES, NANO), NANO)
def test_sums_are_those_of_both_sides(billed, booked, whole):
    """Whatever is billed and booked, in a bounded number of lines; and it is kept as it is."""
    lines = compare(billed, booked, whole)
    day = InvoiceDay("openai", DAY, 1, lines)
    assert (day.billed_nano, day.booked_nano) == (sum(nano for *_, nano in billed), whole)
    assert len(lines) <= MOST_LINES
    assert parse_invoice("openai", DAY, pack_invoice(day)) == day


def test_many_lines_end_with_the_rest():
    """The largest are shown."""
    lines = compare([(f"i{number}", "", number + 1) for number in range(MOST_LINES + 50)], {}, 7)
    assert (len(lines), lines[0].billed_nano, lines[-1].name) == (MOST_LINES, MOST_LINES + 50, REST)
    rest, billed = lines[-1], sum(range(1, 52))
    assert (rest.booked_nano, rest.billed_nano, rest.difference_nano) == (7, billed, billed - 7)


@pytest.mark.parametrize(
    ("billed", "booked", "partial", "differs"),
    [
        (10_000_000, 0, False, True),
        (9_999_999, 0, False, False),
        (0, 10_000_000, False, True),
        (10_000_000, 0, True, False),
        (1_010_000_000, 1_000_000_000, False, False),
        (1_011_000_000, 1_000_000_000, False, True),
    ],
)
def test_what_an_operator_should_look_at(billed, booked, partial, differs):
    """A cent, and a hundredth of the larger sum; never a day that is not over."""
    assert InvoiceDay("openai", DAY, 1, (InvoiceLine("a", billed, booked),), partial).differs is differs


@pytest.mark.parametrize(
    "text", ["", "[]", "[1,1,false]", '[1,"1",false,[]]', "[1,1,0,[]]", '[1,1,false,[["a",1]]]', "[1,-1,false,[]]"]
)
def test_what_was_not_written_by_us_is_not_read(text):
    """It is an error of a kind that the store's adapter tells."""
    with pytest.raises((ValueError, TypeError)):
        parse_invoice("openai", DAY, text)
    with pytest.raises(TypeError):
        parse_invoice("openai", DAY, '[1,1,false,[["a",1,"1"]]]')
