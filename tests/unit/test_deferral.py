"""`mcp_front.deferral`: models that get their validators when they are used."""

import pytest
from pydantic import BaseModel, ValidationError

from gateway_core.mcp_front.deferral import built_on_use


def declared():
    """A model with another in it."""

    class Inner(BaseModel):
        number: int

    class Outer(BaseModel):
        inner: Inner

    return Outer


def test_validators_are_made_on_use_and_do_the_same():
    """Within the block only."""
    with built_on_use():
        model = declared()
    assert not model.__pydantic_complete__
    assert model.model_validate({"inner": {"number": "7"}}).inner.number == 7
    assert model.__pydantic_complete__
    with pytest.raises(ValidationError):
        model(inner={"number": "seven"})
    assert declared().__pydantic_complete__


def test_an_error_within_leaves_nothing_behind():
    """What is declared later is as it would have been."""
    with pytest.raises(KeyError), built_on_use():
        raise KeyError
    assert declared().__pydantic_complete__
