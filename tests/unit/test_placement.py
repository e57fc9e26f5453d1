"""Which database a project lives in: what is configured, and what follows for projects that nobody named."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway_core.config.documents import Document
from gateway_core.config.settings import GatewaySettings
from gateway_core.domain.errors import ConfigError
from gateway_core.store.placement import FIRST, Placement, shared_out

NAMES = st.lists(st.from_regex(r"[a-z][a-z0-9_]{0,5}", fullmatch=True), min_size=1, max_size=4, unique=True)
PROJECTS = st.from_regex(r"[a-z0-9-]{1,12}", fullmatch=True)
EAST = {"UPSTASH_REDIS_REST_URL_EAST": "https://east.io", "UPSTASH_REDIS_REST_TOKEN_EAST": "t"}
STORE = {"UPSTASH_REDIS_REST_URL": "https://first.io", "UPSTASH_REDIS_REST_TOKEN": "t", **EAST}


def placed(text: str = "", **environ: str) -> Placement:
    return GatewaySettings.from_env(STORE | environ, [Document("c.yaml", text)], with_catalog=False).placement


@given(NAMES, PROJECTS, st.data())
def test_each_project_has_one_database(databases, project, data):
    """Always the same one, whatever the order; one more takes its own from the others and moves none between them."""
    before = Placement(others=databases)
    found = before.database_of(project)
    assert found in databases
    assert Placement(others=data.draw(st.permutations(databases))).database_of(project) == found
    assert Placement(others=[*databases, "one_more"]).database_of(project) in {found, "one_more"}
    assert Placement({project: "named"}, databases).database_of(project) == "named"


def test_projects_are_spread_evenly():
    """Enough for nobody to notice; no more can be said of a hash."""
    found = [Placement(others=("a", "b", "c")).database_of(f"project-{number}") for number in range(3000)]
    assert all(900 < found.count(name) < 1100 for name in "abc")


@pytest.mark.parametrize(
    ("given_shares", "shares"),
    [({}, [300, 300]), ({"b": 0.7}, [180, 420]), ({"a": 0.5, "b": 0.1}, [300, 60])],
)
def test_a_limit_is_shared_out(given_shares, shares):
    """No database lets pass more than its part; what is not given is divided, and no limit stays none."""
    placement = Placement(shares=shared_out(["a", "b"], given_shares))
    assert [placement.share_of(name, 600) for name in "ab"] == shares
    assert (placement.share_of("a", 0), placement.share_of("a", 1), placement.share_of("else", 600)) == (0, 1, 600)


@pytest.mark.parametrize("given_shares", [{"a": 0.6, "b": 0.5}, {"b": 1.0}])
def test_no_more_is_shared_out_than_there_is(given_shares):
    """Nor is a database left without any."""
    with pytest.raises(ValueError, match=r"^$"):
        shared_out(["a", "b"], given_shares)


def test_one_database_has_all():
    """That is the default; one that is only named has nothing yet."""
    for placement in (GatewaySettings.from_env({}).placement, placed()):
        assert (placement.database_of("any"), placement.shares) == (FIRST, {})


def test_documents_say_where_projects_live():
    """By lists, and all others; each has its part of the limits."""
    text = "store: {databases: {east: {projects: [big], limits_share: 0.75}}, others: [first, east]}"
    placement = placed(text)
    assert (placement.database_of("big"), placement.others) == ("east", ("first", "east"))
    assert [placement.share_of(name, 100) for name in (FIRST, "east")] == [25, 75]


def test_the_environment_wins():
    """A list in the place of that list, and the others in theirs."""
    text = "store: {databases: {east: {projects: [big]}, first: {projects: [small]}}, others: [east]}"
    placement = placed(text, GATEWAY_STORE_PROJECTS_EAST="new, newer", GATEWAY_STORE_OTHERS="first")
    assert dict(placement.projects) == {"new": "east", "newer": "east", "small": FIRST}
    assert placement.database_of("big") == FIRST


@pytest.mark.parametrize(
    ("text", "environ", "message"),
    [
        ("store: {others: [west]}", {}, "no database 'west'. Set UPSTASH_REDIS_REST_URL_WEST and"),
        ("store: {databases: {west: {}}}", {}, "no database 'west'"),
        ("store: {others: []}", {}, "store.others"),
        ("store: {databases: {east: {projects: [A]}}}", {}, "store.databases.east.projects"),
        ("", {"GATEWAY_STORE_PROJECTS_EAST": "A"}, "'east' lists what is no project"),
        (
            "store: {databases: {first: {projects: [x]}, east: {projects: [x]}}}",
            {},
            "'x' is listed by 'first' and 'east'",
        ),
        ("store: {databases: {east: {limits_share: 0.6}, first: {limits_share: 0.5}}}", {}, "limits_share"),
        ("", {"UPSTASH_REDIS_REST_URL_WEST": "https://w.io"}, "Set UPSTASH_REDIS_REST_TOKEN_WEST as well, or neither"),
        ("", {"UPSTASH_REDIS_REST_TOKEN_FIRST": "t"}, "cannot be called 'first'"),
        ("", {"UPSTASH_REDIS_REST_URL_1": "https://w.io"}, "cannot be called '1'"),
    ],
)
def test_what_nobody_can_mean_is_refused(text, environ, message):
    """With the name of what is at fault."""
    with pytest.raises(ConfigError) as refused:
        placed(text, **environ)
    assert message in refused.value.message


def test_without_a_store_nobody_can_tell_which_databases_there_are():
    """A document is checked on a machine that has no store."""
    document = Document("c.yaml", "store: {others: [west]}")
    assert GatewaySettings.from_env({}, [document], with_catalog=False).placement.others == ("west",)
