"""What a token leaves of its user's rights: never more than his record has, and never all by having nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway_core.access.rights import narrowed
from gateway_core.domain.caller import Caller, Grant
from gateway_core.domain.errors import Forbidden

NAMES = st.frozensets(st.sampled_from(["a", "b", "c"]))


def caller(**rights):
    return Caller("alpha", "key_alpha_0", "j|i|s", "tag", **{name: frozenset(names) for name, names in rights.items()})


def test_a_token_that_says_nothing_changes_nothing():
    """But that it is one."""
    found = caller(groups="ab", tools="c")
    assert narrowed(found, Grant()).groups == found.groups
    assert narrowed(found, Grant()).grant == Grant()
    assert not narrowed(found, Grant()).admin
    assert narrowed(found, Grant(admin=True)).admin


@given(NAMES, NAMES)
def test_what_is_left_is_in_both(own, granted):
    """Without rights of its own the record allows all: then the token's count. Nothing is refused, as empty is all."""
    for what in ("groups", "tools"):
        found = caller(**{what: own})
        expected = own & granted if own else granted
        if expected:
            assert getattr(narrowed(found, Grant(**{what: granted})), what) == expected
        else:
            with pytest.raises(Forbidden, match=what):
                narrowed(found, Grant(**{what: granted}))


def test_patterns_of_the_outside_do_not_give_the_catalog_back():
    """A key with these alone may use all of the catalog: a user who may not is not to get it by a narrow token."""
    found = caller(models=["gpt-5.1", "anthropic/*"])
    with pytest.raises(Forbidden, match="models"):
        narrowed(found, Grant(models=frozenset({"anthropic/*"})))
    assert narrowed(found, Grant(models=frozenset({"gpt-5.1"}))).models == {"gpt-5.1"}
    assert narrowed(caller(models=["anthropic/*"]), Grant(models=frozenset({"anthropic/*"}))).models == {"anthropic/*"}
