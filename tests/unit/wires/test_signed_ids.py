"""What a tool call's id carries."""

from __future__ import annotations

import base64
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway_core.wires.signed_ids import SEPARATOR, SignedId, carried, signed, split

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(st.text().filter(lambda text: "__thought__" not in text and not text.endswith("_")), VALUES)
def test_what_goes_in_comes_out(plain, value):
    """Whatever JSON it is; the id itself stays in front."""
    call_id = signed(plain, "c", value)
    assert (split(call_id).plain, split(call_id).mark) == (plain, "c")
    assert carried(call_id, "c") == value
    assert carried(call_id, "d") is None


def test_it_is_short_and_safe_in_an_id():
    """Reasoning that repeats itself is packed, in letters that clients keep."""
    call_id = signed("call_1", "d", "because " * 1000)
    assert len(call_id) < 100
    assert call_id.isascii()
    assert not set(call_id) & set(" =/+")


@pytest.mark.parametrize(
    ("call_id", "parts"),
    [
        ("call_1", SignedId("call_1")),
        ("", SignedId("")),
        ("call_1__thought__AbC+/=", SignedId("call_1", "", "AbC+/=")),
        ("call_1__thought__c.AbC", SignedId("call_1", "c", "AbC")),
        ("call_1__thought__c.a\nb", SignedId("call_1", "c", "a\nb")),
        ("call_1__thought__C.AbC", SignedId("call_1", "", "C.AbC")),
    ],
)
def test_the_parts_of_an_id(call_id, parts):
    """Gemini's signature has no mark."""
    assert split(call_id) == parts


def packed(data: bytes) -> str:
    return base64.urlsafe_b64encode(zlib.compress(data)).decode().rstrip("=")


@pytest.mark.parametrize(
    "payload",
    [
        "",
        "a",
        "é",
        "AbC",
        packed(b"{"),
        packed(b"\xff"),
        packed(b"[" * 100_000),
        packed(b'"' + b"a" * 5_000_000 + b'"'),
        signed("", "c", ["cut"]).partition("c.")[2][:-6],
    ],
    ids=["none", "short", "not ASCII", "not packed", "no JSON", "no text", "too deep", "too long", "cut"],
)
def test_what_was_tampered_with_carries_nothing(payload):
    """However it was, nothing is raised for what a client sends."""
    assert carried(f"call_1__thought__c.{payload}", "c") is None


@pytest.mark.parametrize(("length", "is_kept"), [(40, False), (63, True), (64, False), (65, True)])
def test_a_signature_that_was_cut_off_is_not_carried(length, is_kept):
    """Some clients cut ids, at 40 or at 64 characters; half a signature is worse than none."""
    call_id = f"call_1{SEPARATOR}".ljust(length, "A")
    assert split(call_id).plain == "call_1"
    assert bool(split(call_id).payload) == is_kept
