"""What `make arch` counts."""

from graphlib import CycleError

import pytest

from scripts.rooms import arrows_of, floors_of


def test_arrows_are_between_rooms():
    """However many files import, and nothing within a room or from the root."""
    imports = [
        ("gateway_core.api.app", "gateway_core.services"),
        ("gateway_core.api.auth", "gateway_core.services"),
        ("gateway_core.api.auth", "gateway_core.api.body"),
        ("gateway_core.services", "gateway_core.store.budget"),
        ("gateway_core.services", "gateway_core"),
    ]
    assert arrows_of(imports) == {("api", "services"), ("services", "store")}


def test_a_room_is_above_all_that_it_imports():
    """By the longest way down."""
    arrows = [("api", "services"), ("services", "domain"), ("api", "domain")]
    assert floors_of(["api", "services", "domain", "alone"], arrows) == {
        "api": 3,
        "services": 2,
        "domain": 1,
        "alone": 1,
    }


def test_a_circle_has_no_floors():
    """It is an error, with its rooms."""
    with pytest.raises(CycleError):
        floors_of(["a", "b"], [("a", "b"), ("b", "a")])
