"""Texts of unknown JSON: as such, or in parts."""

from __future__ import annotations

from typing import Any

import pytest

from gateway_core.wires.shapes import text_of, thoughts_of

HM = {"type": "thinking", "thinking": [{"type": "text", "text": "Hm, "}, {"type": "text", "text": "so."}]}


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (None, ""),
        ("", ""),
        ("Hello.", "Hello."),
        ("\ud800!", "?!"),
        ([], ""),
        ([{"type": "text", "text": "Hel"}, {"type": "text", "text": "lo\ud800"}], "Hello?"),
        ([HM, {"type": "text", "text": "Hello."}], "Hello."),
    ],
)
def test_a_text_comes_in_many_forms(content: Any, text: str) -> None:
    """All of them can be sent on."""
    assert text_of(content) == text


@pytest.mark.parametrize(
    "content",
    [0, {"type": "text", "text": "no"}, ["no"], [None], [{"text": "no"}], [{"type": "text"}], [{"type": "image_url"}]],
    ids=str,
)
def test_what_is_no_text_is_told(content: Any) -> None:
    """An answer that lacks a part of itself would be wrong."""
    with pytest.raises(TypeError, match="text"):
        text_of(content)


def test_thoughts_are_apart_from_the_text() -> None:
    """As a text or in parts of their own."""
    assert thoughts_of([HM, {"type": "text", "text": "Hello."}, {"type": "thinking", "thinking": "!"}]) == "Hm, so.!"
    assert (thoughts_of("Hello."), thoughts_of(None), thoughts_of(["no"])) == ("", "", "")
    with pytest.raises(TypeError):
        thoughts_of([{"type": "thinking", "thinking": 5}])
