"""Which field was meant, where one is unknown or missing."""

import pytest
from pydantic import create_model

from gateway_core.api.body import Strict, validate
from gateway_core.api.schemas import CompleteBody
from gateway_core.domain.errors import InvalidRequest

HELLO = [{"role": "user", "content": "Hello"}]


def refused(body, schema=CompleteBody):
    with pytest.raises(InvalidRequest) as error:
        validate(schema, body)
    return error.value


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"message": HELLO}, "messages: Field required. You sent 'message': is that what you mean?"),
        ({"Messages": HELLO}, "messages: Field required. You sent 'Messages': is that what you mean?"),
        ({"prompt": "Hello"}, "messages: Field required."),
        (
            {"messages": HELLO, "temprature": 1},
            "temprature: is not a field of this request. Remove it or check its spelling. Did you mean temperature?",
        ),
        ({"messages": HELLO, "xyz": 1}, "xyz: is not a field of this request. Remove it or check its spelling."),
    ],
)
def test_the_field_that_was_meant_is_named(body, says):
    """If it comes close."""
    assert refused(body).message == says


def test_a_field_of_something_below_has_no_hint():
    """The names of the body are not those of its parts."""
    below = create_model("Below", __base__=Strict, messages=(str, ...))
    schema = create_model("Above", __base__=Strict, below=(below, ...))
    assert refused({"below": {"message": "x"}}, schema).message == "below.messages: Field required."


def test_not_everything_that_was_sent_is_compared(monkeypatch):
    """A body may have a million names, and a name a million letters."""
    seen = []
    monkeypatch.setattr("gateway_core.api.spelling.get_close_matches", lambda _word, names, n: seen.extend(names) or [])
    refused({f"message{number}": 1 for number in range(1000)} | {"m" * 10_000: 1})
    refused({"m" * 10_000: 1})
    assert len(seen) == 100
