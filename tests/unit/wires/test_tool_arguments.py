"""Arguments of calls as objects."""

from __future__ import annotations

import pytest

from gateway_core.wires.tool_arguments import object_of


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        ('{"a": {"b": [1, null]}}', {"a": {"b": [1, None]}}),
        ("{}", {}),
        ("", {}),
        (" \n", {}),
        (None, {}),
        ({"a": 1}, {}),
        ('{"q": "x', {"arguments": '{"q": "x'}),
        ("[1]", {"arguments": "[1]"}),
        ("5", {"arguments": "5"}),
        ("null", {"arguments": "null"}),
        ("run it", {"arguments": "run it"}),
        ('{"a": NaN}', {"arguments": '{"a": NaN}'}),
        ('{"a": "\\ud800"}', {"arguments": '{"a": "\\ud800"}'}),
        ("[" * 100_000, {"arguments": "[" * 100_000}),
    ],
    ids=lambda value: str(value)[:12],
)
def test_the_object_in_a_text(arguments, found):
    """Nothing is invented, and nothing is lost that a model may need to see."""
    assert object_of(arguments) == found
