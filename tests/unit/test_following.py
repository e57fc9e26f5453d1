"""Which hours are looked into for new records, and for the record of a request."""

import pytest

from gateway_core.domain.errors import InvalidRequest
from gateway_core.store.following import cursor_behind, latest_places, places_after, searches_of
from gateway_core.store.records import HourPlace, HourRecords

NOON = 1_795_176_000_000
HOUR_MS = 3_600_000
DAY = "20261120"


def hours(places):
    return [(place.day[-2:] + place.hour, place.behind) for place in places]


def test_a_time_leads_into_its_hour_and_the_one_before():
    """Where what was begun then may be kept; up to now."""
    asked = places_after("2026-11-20T11:30:00+01:00", NOON)
    assert hours(asked) == [(f"20{hour:02}", str(NOON - 5_400_000)) for hour in (9, 10, 11, 12)]
    assert hours(places_after("2026-11-20T12:00:00Z", NOON)) == [("2011", str(NOON)), ("2012", str(NOON))]
    assert hours(latest_places(NOON)) == [("2011", ""), ("2012", "")]


def test_a_cursor_goes_on_in_each_hour_where_it_was():
    """With what has begun since, and without hours that nobody writes to."""
    found = [
        HourRecords(HourPlace(DAY, "09", f"{NOON}-0")),
        HourRecords(HourPlace(DAY, "10", f"{NOON}-1"), has_more=True),
        HourRecords(HourPlace(DAY, "11", f"{NOON}-2")),
        HourRecords(HourPlace(DAY, "12")),
    ]
    cursor = cursor_behind(found, NOON)
    assert cursor == f"2026112010{NOON}-1.2026112011{NOON}-2.2026112012"
    assert hours(places_after(cursor, NOON)) == [("2010", f"{NOON}-1"), ("2011", f"{NOON}-2"), ("2012", "")]
    later = hours(places_after(cursor, NOON + 13 * HOUR_MS))
    assert [hour for hour, _ in later] == [*(f"20{hour:02}" for hour in range(10, 24)), "2100", "2101"]


@pytest.mark.parametrize(
    ("after", "why"),
    [
        ("2026-11-18T12:00:00Z", "goes back a day"),
        ("1969-01-01T00:00:00Z", "is 'latest'"),
        (f"2026111812{NOON}-0", "goes back a day"),
        ("2026-11-20T12:00:00", "is 'latest'"),
        ("2026-11-20", "is 'latest'"),
        ("soon", "is 'latest'"),
        ("2026119912", "is 'latest'"),
        ("2026112012.2026112012", "is 'latest'"),
        (".".join(f"202611{day:02}{hour:02}" for day in (19, 20) for hour in range(24)), "is 'latest'"),
        ("2026112012٣", "is 'latest'"),
        ("0001-01-01T00:00:00+23:59", "is 'latest'"),
        ("9999-12-31T23:59:59-23:59", "is 'latest'"),
    ],
)
def test_what_is_no_place_is_refused(after, why):
    """With the field, and what to do instead."""
    with pytest.raises(InvalidRequest) as refused:
        places_after(after, NOON)
    assert (refused.value.param, refused.value.schema) == ("after", True)
    assert str(refused.value).startswith(f"after: {why}")


def test_a_request_leads_to_the_hour_that_it_began_in():
    """Or to the next one, if it waited; clocks may differ. A name of the future leads nowhere."""
    found = searches_of(NOON, NOON)
    soon, early = NOON - 2000, NOON - 300_000
    assert hours([search.place for search in found]) == [("2012", str(soon)), ("2013", ""), ("2012", str(early))]
    assert [search.until_ms for search in found] == [NOON + HOUR_MS * 5 // 4] * 2 + [soon]
    assert searches_of(NOON, NOON - 2 * HOUR_MS) == ()
    assert hours([search.place for search in searches_of(0, NOON)])[0] == ("0100", "0")
