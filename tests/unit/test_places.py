"""Where an error came from, as the log tells it."""

import json
from pathlib import Path

from gateway_core.domain.times import iso
from gateway_core.telemetry.places import place_of

ROOT = Path(__file__).parents[2]


def caught(work):
    try:
        work()
    except Exception as error:  # noqa: BLE001 - that is what is looked at
        return error
    raise AssertionError("nothing was raised")


def line_of(place):
    """The line of ours that a place names."""
    path, _, number = place.rpartition(":")
    return (ROOT / "layers/gateway_core/src" / path).read_text().splitlines()[int(number) - 1]


def test_it_is_the_innermost_line_of_ours():
    """File and line, from our own folder on, below whatever called it."""
    place = place_of(caught(lambda: iso(10**18)))
    assert place.startswith("gateway_core/domain/times.py:")
    assert "fromtimestamp" in line_of(place)


def test_a_library_that_ours_called_is_not_the_place():
    """The line that called it is."""

    def load(_text):
        return json.loads("{")

    error = caught(lambda: load("secret"))
    assert place_of(error).startswith("decoder.py:")  # nothing of ours in this trace: the tests are not ours
    assert "secret" not in place_of(error)


def test_a_group_is_where_its_first_error_was():
    """A task group's own line says nothing."""
    inner = caught(lambda: iso(10**18))
    assert place_of(ExceptionGroup("several", [inner, ValueError()])) == place_of(inner)


def test_an_error_that_was_never_raised_has_none():
    """There is no trace to read."""
    assert place_of(ValueError("x")) == ""
