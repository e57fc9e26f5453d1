"""Usage reports from daily counters."""

from datetime import date

import pytest

from gateway_core.domain.errors import InvalidRequest
from gateway_core.store.counters import Counters, count, dimensions
from gateway_core.store.records import UsageRecord
from gateway_core.store.reports import Report, ReportQuery, check, period, report

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


def counters(*records, hour="09"):
    fields = {}
    for one in records:
        for dimension in dimensions(one, hour):
            for name in dimension.fields:
                fields[name] = fields.get(name, Counters()) + count(one)
    return fields


BOOKS = counters(
    record("gpt", "bot", "ada", 1),
    record("gpt-mini", "bot", "eve", 10),
    record("gpt", "bot2", "ada", 100),
    record("gpt", "a|b", "", 1000),
)


def costs(found):
    return {name: counted.cost_nano for name, counted in found.rows}


def ask(**changes):
    query = ReportQuery(DAY, DAY, **changes)
    check(query)
    return report(query, [BOOKS])


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
    ],
)
def test_what_is_not(query, param):
    """A combination that no counter holds is a 422 that says so."""
    with pytest.raises(InvalidRequest, match="no counter") as caught:
        ask(**query)
    assert (caught.value.param, caught.value.schema) == (param, True)


def test_days_add_up():
    """A value that appears on several days is one row; days without requests add nothing."""
    query = ReportQuery(DAY, date(2026, 11, 22), "model")
    assert report(query, [BOOKS, {}, BOOKS]).totals.requests == 8
    assert costs(report(query, [BOOKS, {}, BOOKS])) == {"gpt": 2202, "gpt-mini": 20}


def test_an_empty_report():
    """No requests: zeros and no rows."""
    assert report(ReportQuery(DAY, DAY), [{}]) == Report(Counters(), ())


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
