"""How the command line shows things, and what it makes of the texts of its options."""

import argparse

import pytest

from gateway_core.cli import values
from gateway_core.cli.answers import Answer
from gateway_core.cli.output import harmless, json_line, rendered, shown
from gateway_core.cli.values import Expiry, Setting

LINES = [
    {"id": "a", "usd": "0.5", "admin": False, "groups": [], "spent": {}},
    {"id": "bob\x1b[2J", "usd": None, "admin": True, "groups": ["x", "y"], "spent": {"day": 1}},
]


def test_a_table_on_a_terminal_and_json_lines_elsewhere():
    """Numbers to the right, what nobody has left out, and no character that steers the terminal."""
    answer = Answer(LINES, ("id", "usd", "name", "groups", "spent"))
    assert list(rendered(answer, terminal=True)) == [
        r"ID            USD  GROUPS  SPENT",
        r"a             0.5  -       -",
        r"bob\u001b[2J    -  x,y     day=1",
    ]
    assert next(rendered(answer, terminal=False)) == (
        '{"id": "a", "usd": "0.5", "admin": false, "groups": [], "spent": {}}'
    )
    assert list(rendered(Answer([], ("id",)), terminal=True)) == []


def test_one_thing_is_shown_value_by_value():
    """What is not set is left out; a text of its own comes instead of all."""
    assert list(rendered(Answer(LINES[:1]), terminal=True)) == ["id     a", "usd    0.5", "admin  no"]
    assert list(rendered(Answer(LINES, text="one\ntwo"), terminal=True)) == ["one", "two"]
    assert len(list(rendered(Answer(LINES, text="one"), terminal=False))) == 2


def test_a_models_words_do_not_steer_the_terminal():
    """They keep their lines and tabs."""
    assert harmless("a\tb\nc\x1b]0;title\x07\x9b1m\u202ed") == "a\tb\nc]0;title1md"
    assert shown("a\nb\u202e") == r"a\u000ab\u202e"
    assert json_line({"name": "ö\x9b"}) == r'{"name": "ö\u009b"}'


@pytest.mark.parametrize(
    ("text", "means"),
    [
        ("30d", Expiry(after_s=30 * 86_400)),
        ("2026-12-31", Expiry(1_798_761_600_000)),
        ("2026-12-31T18:00:00Z", Expiry(1_798_740_000_000)),
        ("2026-12-31T18:00:00+01:00", Expiry(1_798_736_400_000)),
    ],
)
def test_when_something_ends(text, means):
    """In a while, at a day's end in UTC, or at a moment."""
    assert values.expiry(text) == means
    assert values.liftable(values.expiry)("none") == Setting(None)
    assert Expiry(after_s=60).moment_ms(5) == 60_005


@pytest.mark.parametrize("text", ["", "soon", "30", "2026-13-01", "2026-12-31T18:00:00", "9999-12-31", "30w"])
def test_what_is_no_time_is_refused(text):
    """With the three ways to say one."""
    with pytest.raises(argparse.ArgumentTypeError, match="write 30d"):
        values.expiry(text)


def test_settings_of_a_fault():
    """Numbers, flags and texts."""
    given = ("retry_after=7", "as_error=true", "text=a=b")
    assert [values.setting(text) for text in given] == [("retry_after", 7), ("as_error", True), ("text", "a=b")]
    for wrong in ("retry_after", "=7"):
        with pytest.raises(argparse.ArgumentTypeError, match="NAME=VALUE"):
            values.setting(wrong)
