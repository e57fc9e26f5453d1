"""What a key may do."""

import pytest

from gateway_core.access.rights import attribute, check_tool
from gateway_core.domain.caller import Attribution, Caller
from gateway_core.domain.chat import ChatRequest
from gateway_core.domain.embedding import EmbedRequest
from gateway_core.domain.errors import Forbidden, UnknownModel
from gateway_core.routing.plan import reachable_models
from tests.conftest import catalog_of, model

CATALOG = catalog_of(
    model("a"), model("b"), model("c"), groups={"fast": ("a", "b"), "slow": ("b", "c"), "reasoning": ("a",)}
)


def caller(**rights):
    return Caller("alpha", "key_alpha_1", "d", "t", **rights)


def request(**changes):
    return ChatRequest(messages=(), attribution=Attribution("alpha"), **changes)


def test_a_request_counts_for_the_keys_own_project():
    """Absent or own project: the key's."""
    assert Attribution("alpha", "agent", "user") == attribute(caller(), None, "agent", "user")
    assert Attribution("alpha") == attribute(caller(), "alpha", None, None)


def test_another_project_is_forbidden():
    """Only an admin key may name another project."""
    with pytest.raises(Forbidden) as caught:
        attribute(caller(), "beta", None, None)
    assert caught.value.param == "project_id"
    assert attribute(caller(admin=True), "beta", None, None).project_id == "beta"


def test_a_key_with_a_user_binds_the_request():
    """The key's user is used, and no other may be named."""
    bound = caller(user_id="ada")
    assert attribute(bound, None, None, None).user_id == "ada"
    assert attribute(bound, None, None, "ada").user_id == "ada"
    with pytest.raises(Forbidden) as caught:
        attribute(bound, None, None, "eve")
    assert caught.value.param == "user_id"


def test_tools_are_an_allow_list():
    """No list means every tool."""
    check_tool(caller(), "complete")
    check_tool(caller(tools=frozenset({"complete"})), "complete")
    with pytest.raises(Forbidden, match="embed"):
        check_tool(caller(tools=frozenset({"embed"})), "complete")


def test_groups_are_an_allow_list():
    """A key with groups reaches their models and no others, whatever names a request uses."""
    limited = caller(groups=frozenset({"fast", "gone"}))
    assert reachable_models(caller(), request(model="c"), CATALOG) is None
    assert {"a", "b"} == reachable_models(limited, request(model_group="fast"), CATALOG)
    assert {"a", "b"} == reachable_models(limited, request(model="a"), CATALOG)
    with pytest.raises(Forbidden) as caught:
        reachable_models(limited, request(model_group="slow"), CATALOG)
    assert caught.value.param == "model_group"
    with pytest.raises(Forbidden) as caught:
        reachable_models(limited, request(model="c"), CATALOG)
    assert caught.value.param == "model"
    with pytest.raises(UnknownModel):
        reachable_models(limited, request(model="nope"), CATALOG)


@pytest.mark.parametrize(
    ("rights", "usable"),
    [
        ({"models": {"a"}}, {"a"}),
        ({"models": {"[ab]", "x/*"}}, {"a", "b"}),
        ({"models": {"c"}, "groups": {"slow", "fast"}}, {"c"}),
        ({"models": {"c"}, "groups": {"fast"}}, set()),
        ({"models": {"x/*", "*"}}, None),
    ],
)
def test_models_are_an_allow_list_within_the_groups(rights, usable):
    """Patterns without a slash are of the catalog's models; a group has of its models what the key may use."""
    limited = caller(**{name: frozenset(names) for name, names in rights.items()})
    assert CATALOG.usable(limited) == usable
    for asked, needed, param in (
        ({"model": "b"}, {"b"}, "model"),
        ({"model_group": "slow"}, {"b", "c"}, "model_group"),
        ({}, {"a"}, "model_group"),
    ):
        in_group = not limited.groups or param == "model" or asked.get("model_group") in limited.groups
        if usable is None or (needed & usable and in_group):
            assert reachable_models(limited, request(**asked), CATALOG) == usable
        else:
            with pytest.raises(Forbidden, match="This key may only use these") as caught:
                reachable_models(limited, request(**asked), CATALOG)
            assert caught.value.param == param


def test_an_embedding_needs_a_model_of_its_group():
    """The default group of embeddings is another one."""
    catalog = catalog_of(model("a"), model("e"), groups={"embedding": ("e",), "reasoning": ("a",)})
    asked = EmbedRequest(("text",), Attribution("alpha"))
    assert reachable_models(caller(models=frozenset({"e"})), asked, catalog) == {"e"}
    with pytest.raises(Forbidden):
        reachable_models(caller(models=frozenset({"a"})), asked, catalog)
