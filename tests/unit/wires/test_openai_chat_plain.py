"""Events on OpenAI's chat wire that only say something: they are read by a short way."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway_core.wires.openai_chat import events
from tests.unit.wires.openai_calls import read

TEXTS = st.sampled_from(["", "a", "\u00e4", "\ud800"])
MEMBERS: dict[str, st.SearchStrategy[Any]] = {
    "content": TEXTS | st.sampled_from([[{"type": "text", "text": "a"}]]),
    "role": st.sampled_from(["", "assistant"]),
    "refusal": TEXTS,
    "reasoning_content": TEXTS,
    "tool_calls": st.just([]),
}
DELTAS = st.fixed_dictionaries({}, optional={name: st.none() | value for name, value in MEMBERS.items()})
CHOICES = st.fixed_dictionaries(
    {},
    optional={
        "index": st.sampled_from([0, 1]),
        "delta": DELTAS | st.none(),
        "finish_reason": st.sampled_from([None, "", "stop", "eos"]),
        "message": DELTAS,
    },
)
EVENTS = st.fixed_dictionaries(
    {"choices": st.lists(CHOICES | st.none(), max_size=2) | st.none()},
    optional={"usage": st.sampled_from([None, {}, {"prompt_tokens": 1}])},
)


@given(st.lists(EVENTS, max_size=4), st.booleans())
def test_the_short_way_leads_where_the_long_one_does(came: list[dict[str, Any]], forwards: bool) -> None:
    """What only says something is read at once; it comes out as if it had not been."""
    frame = {"body": {}} if forwards else {}
    short = read(*came, **frame)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(events, "_plain_text", lambda _event: "")
        assert read(*came, **frame) == short
