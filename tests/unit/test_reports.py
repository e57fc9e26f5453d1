"""Usage reports from daily counters."""

from datetime import date

import pytest

from gateway_core.domain.errors import InvalidRequest
from gateway_core.store.counters import Counters, count, dimensions
from gateway_core.store.records import UsageRecord
from gateway_core.store.report_query import ReportQuery, period
from gateway_core.store.reports import OTHER, Reading, Report

DAY = date(2026, 11, 20)
TODAY = date(2026, 11, 20)


def record(model="m", agent="", user="", nano=1, **changes):
    fields = {
        "request_id": "r",
        "at_ms": 0,
        "project_id": "p",
        "key_id": "k",
        "agent_id": agent,
        "user_id": user,
        "kind": "chat",
        "model": model,
        "provider": "x",
        "model_group": "g",
        "error_code": "",
        "attempts": 1,
        "input_tokens": 10,
        "output_tokens": 5,
        "cached_input_tokens": 0,
        "cache_write_tokens": 0,
        "reasoning_tokens": 0,
        "input_nano": nano,
        "output_nano": 0,
        "latency_ms": 1,
        "cache_hit": False,
        "price_source": "t",
        "input_includes_cached": True,
    }
    return UsageRecord(**{**fields, **changes})


class Ledger:
    """What a store would have counted, and what an earlier release had."""

    def __init__(self):
        self.counted, self.names, self.earlier = {}, {}, {}

    def book(self, *records, day="20261120", hour="09"):
        month = day[:6]
        fields, names = self.counted.setdefault(month, {}), self.names.setdefault(month, {})
        for one in records:
            for dimension in dimensions(one, day, hour):
                if dimension.index and dimension.fields[0] not in fields:
                    names.setdefault(dimension.index, []).append(dimension.name)
                for name in dimension.fields:
                    fields[name] = fields.get(name, Counters()) + count(one)
        return self

    def ask(self, query):
        """Only what was asked for is handed over."""
        reading = Reading(query)
        names = {
            month: {i: self.names.get(month, {}).get(i, []) for i in asked} for month, asked in reading.indexes.items()
        }
        wanted = reading.fields(names)
        counted = {
            month: {name: self.counted[month][name] for name in asked if name in self.counted.get(month, {})}
            for month, asked in wanted.items()
        }
        wish = reading.earlier
        days = [
            {
                name: found
                for name, found in self.earlier.get(day, {}).items()
                if name in wish.fields or (wish.prefix and name.startswith(wish.prefix))
            }
            for day in query.days
        ]
        tally = reading.tally(names, counted)
        reading.add_earlier(tally, query.days, days)
        return tally.report


PAID = (
    record("gpt", "bot", "ada", 1, provider="one", key_id="k1"),
    record("gpt-mini", "bot", "eve", 10, provider="one", key_id="k1"),
    record("gpt", "bot2", "ada", 100, provider="two", key_id="k2"),
    record("gpt", "a|b", "", 1000, provider="two", key_id="k2"),
)
BOOKS = Ledger().book(*PAID)


def costs(found):
    return {name: counted.cost_nano for name, counted in found.rows}


def ask(**changes):
    return BOOKS.ask(ReportQuery(DAY, DAY, **changes))


@pytest.mark.parametrize(
    ("query", "total", "rows"),
    [
        ({}, 1111, {"2026-11-20": 1111}),
        ({"model": "gpt"}, 1101, {"2026-11-20": 1101}),
        ({"agent_id": "bot"}, 11, {"2026-11-20": 11}),
        ({"agent_id": "bot", "model": "gpt"}, 1, {"2026-11-20": 1}),
        ({"user_id": "ada", "model": "gpt"}, 101, {"2026-11-20": 101}),
        ({"group_by": "model"}, 1111, {"gpt": 1101, "gpt-mini": 10}),
        ({"group_by": "model", "model": "gpt"}, 1101, {"gpt": 1101}),
        ({"group_by": "model", "agent_id": "bot"}, 11, {"gpt": 1, "gpt-mini": 10}),
        ({"group_by": "model", "user_id": "eve"}, 10, {"gpt-mini": 10}),
        ({"group_by": "agent"}, 1111, {"bot": 11, "bot2": 100, "a|b": 1000}),
        ({"group_by": "agent", "agent_id": "bot"}, 11, {"bot": 11}),
        ({"group_by": "agent", "model": "gpt"}, 1101, {"bot": 1, "bot2": 100, "a|b": 1000}),
        ({"group_by": "user"}, 1111, {"ada": 101, "eve": 10}),
        ({"group_by": "user", "user_id": "eve"}, 10, {"eve": 10}),
        ({"group_by": "hour"}, 1111, {"2026-11-20T09": 1111}),
        ({"group_by": "hour", "model": "gpt-mini"}, 10, {"2026-11-20T09": 10}),
        ({"group_by": "hour", "model": "gpt"}, 1101, {"2026-11-20T09": 1101}),
        ({"group_by": "provider"}, 1111, {"one": 11, "two": 1100}),
        ({"group_by": "key"}, 1111, {"k1": 11, "k2": 1100}),
        ({"group_by": "key", "key_id": "k2"}, 1100, {"k2": 1100}),
        ({"key_id": "k1"}, 11, {"2026-11-20": 11}),
        ({"group_by": "project", "key_id": "k1"}, 11, {}),
        ({"group_by": "user", "model": "gpt"}, 1101, {"ada": 101}),
        ({"agent_id": "nobody"}, 0, {}),
        ({"group_by": "agent", "agent_id": "nobody"}, 0, {}),
    ],
)
def test_what_is_served(query, total, rows):
    """Filters and groupings select exactly their own, also when one name begins with another."""
    found = ask(**query)
    assert (found.totals.cost_nano, costs(found)) == (total, rows)


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ({"agent_id": "a", "user_id": "u"}, "user_id"),
        ({"group_by": "agent", "user_id": "u"}, "user_id"),
        ({"group_by": "user", "agent_id": "a"}, "agent_id"),
        ({"group_by": "hour", "agent_id": "a"}, "agent_id"),
        ({"group_by": "hour", "user_id": "u"}, "user_id"),
        ({"group_by": "hour", "key_id": "k"}, "key_id"),
        ({"key_id": "k", "model": "m"}, "key_id"),
        ({"key_id": "k", "agent_id": "a"}, "key_id"),
        ({"group_by": "model", "key_id": "k"}, "key_id"),
        ({"group_by": "provider", "model": "m"}, "model"),
        ({"group_by": "key", "user_id": "u"}, "user_id"),
    ],
)
def test_what_is_not(query, param):
    """A combination that no counter holds is a 422 that says so."""
    with pytest.raises(InvalidRequest, match="no counter") as caught:
        ask(**query)
    assert (caught.value.param, caught.value.schema) == (param, True)


def test_days_add_up():
    """A value that appears on several days is one row; days without requests add nothing."""
    books = Ledger().book(*PAID).book(*PAID, day="20261122")
    found = books.ask(ReportQuery(DAY, date(2026, 11, 22), "model"))
    assert found.totals.requests == 8
    assert costs(found) == {"gpt": 2202, "gpt-mini": 20}


@pytest.mark.parametrize(
    "changes",
    [{"group_by": "agent"}, {"group_by": "model", "agent_id": "bot"}, {"user_id": "ada"}, {"group_by": "day"}],
)
def test_whole_months_are_read_as_such(changes):
    """Where the counters of the month tell it, and with the same result as by its days."""
    books = Ledger().book(*PAID, day="20261031").book(*PAID, day="20261101").book(*PAID, day="20261203")
    query = ReportQuery(date(2026, 10, 31), date(2026, 12, 3), **changes)
    found = books.ask(query)
    assert found.totals.cost_nano == 3 * ask(**changes).totals.cost_nano
    if query.group_by != "day":
        assert costs(found) == {name: 3 * cost for name, cost in costs(ask(**changes)).items()}


def whole():
    return date(2026, 11, 1), date(2026, 11, 30)


def test_a_whole_month_reads_no_day_but_for_totals():
    """A few fields instead of those of thirty days."""
    reading = Reading(ReportQuery(*whole(), "agent"))
    assert reading.indexes == {"202611": ["i|a|M"]}
    assert reading.fields({"202611": {"i|a|M": ["bot"]}})["202611"][-1:] == ["ca|M|bot"]
    assert len(reading.fields({})["202611"]) == 30


def test_totals_by_day_read_totals_alone():
    """However many agents, users and models there were."""
    reading = Reading(ReportQuery(date(2025, 11, 21), DAY))
    assert reading.indexes == {}
    assert sum(len(set(fields)) for fields in reading.fields({}).values()) == 365
    assert reading.earlier.fields == ("t",)
    assert reading.earlier.prefix == ""


def test_further_names_are_the_rest():
    """Under a name that says so."""
    books = Ledger().book(*PAID)
    books.names["202611"]["i|a|20"].append("*")
    books.counted["202611"]["ca|20|*"] = Counters(5)
    rows = dict(books.ask(ReportQuery(DAY, DAY, "agent")).rows)
    assert rows[OTHER].requests == 5


EARLIER = {
    "t": Counters(7, cost_nano=700),
    "h09": Counters(7, cost_nano=700),
    "h09|m|gpt": Counters(6, cost_nano=600),
    "m|gpt": Counters(6, cost_nano=600),
    "m|old": Counters(1, cost_nano=100),
    "a|bot": Counters(6, cost_nano=600),
    "a|*": Counters(1, cost_nano=50),
    "am|bot|gpt": Counters(6, cost_nano=600),
    "u|ada": Counters(6, cost_nano=600),
    "um|ada|gpt": Counters(6, cost_nano=600),
    "k|k1": Counters(7, cost_nano=700),
}


@pytest.mark.parametrize(
    ("query", "total", "rows"),
    [
        ({}, 1811, {"2026-11-20": 1811}),
        ({"group_by": "hour"}, 1811, {"2026-11-20T09": 1811}),
        ({"group_by": "hour", "model": "gpt"}, 1701, {"2026-11-20T09": 1701}),
        ({"group_by": "model"}, 1811, {"gpt": 1701, "gpt-mini": 10, "old": 100}),
        ({"group_by": "model", "model": "gpt"}, 1701, {"gpt": 1701}),
        ({"group_by": "model", "agent_id": "bot"}, 611, {"gpt": 601, "gpt-mini": 10}),
        ({"group_by": "agent"}, 1811, {"bot": 611, "bot2": 100, "a|b": 1000, OTHER: 50}),
        ({"group_by": "agent", "model": "gpt"}, 1701, {"bot": 601, "bot2": 100, "a|b": 1000}),
        ({"group_by": "user", "user_id": "ada"}, 701, {"ada": 701}),
        ({"group_by": "key"}, 1811, {"k1": 711, "k2": 1100}),
        ({"key_id": "k1"}, 711, {"2026-11-20": 711}),
        ({"group_by": "provider"}, 1811, {"one": 11, "two": 1100}),
        ({"group_by": "project"}, 1811, {}),
    ],
)
def test_what_two_releases_counted_adds_up(query, total, rows):
    """On the same day, as in a canary; the earlier one kept no counters by provider."""
    books = Ledger().book(*PAID)
    books.earlier[DAY] = EARLIER
    found = books.ask(ReportQuery(DAY, DAY, **query))
    assert (found.totals.cost_nano, costs(found)) == (total, rows)


def test_an_empty_report():
    """No requests: zeros and no rows."""
    assert Ledger().ask(ReportQuery(DAY, DAY)) == Report(Counters(), ())


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (None, None, (date(2026, 10, 22), TODAY)),
        (date(2026, 11, 1), None, (date(2026, 11, 1), TODAY)),
        (None, date(2026, 11, 10), (date(2026, 10, 12), date(2026, 11, 10))),
        (date(2026, 12, 1), None, (date(2026, 12, 1), date(2026, 12, 1))),
        (DAY, DAY, (DAY, DAY)),
    ],
)
def test_periods(start, end, expected):
    """The last 30 days unless told otherwise."""
    assert period(start, end, TODAY) == expected


@pytest.mark.parametrize(("start", "end"), [(DAY, date(2026, 11, 19)), (date(2025, 11, 1), DAY)])
def test_impossible_periods(start, end):
    """Backwards or longer than a year."""
    with pytest.raises(InvalidRequest) as caught:
        period(start, end, TODAY)
    assert caught.value.param == "start_date"


def test_columns_are_named_for_their_grouping():
    """A row names its agent, model, day and so on."""
    groups = ("day", "hour", "model", "agent", "user", "project")
    names = [ReportQuery(DAY, DAY, group).column for group in groups]
    assert names == ["day", "hour", "model", "agent_id", "user_id", "project_id"]


def test_an_hour_has_no_parties():
    """The refusal names both."""
    with pytest.raises(InvalidRequest, match="group_by=hour cannot be combined with agent_id"):
        ask(group_by="hour", agent_id="a")
    with pytest.raises(InvalidRequest, match="agent_id and user_id cannot be combined"):
        ask(agent_id="a", user_id="u")
    with pytest.raises(InvalidRequest, match="group_by=agent cannot be combined with user_id"):
        ask(group_by="agent", user_id="u")
