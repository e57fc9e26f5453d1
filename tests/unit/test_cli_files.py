"""A file of keys and budgets: what it means, what is wrong in it, and what has to be done for it."""

import pytest

from gateway_core.cli.answers import CommandError, UsageError
from gateway_core.cli.keys_file import WantedProject, read_keys_file
from gateway_core.cli.planning import steps
from gateway_core.domain.caller import Limits
from gateway_core.domain.errors import InvalidRequest
from gateway_core.store.virtual_keys import KeyRecord

FILE = """
projects:
  alpha:
    budget: {day_usd: 1.000000001, month_usd: null}
    users: {bob: {month_tokens: 5}}
    keys:
      laptop:
        groups: [fast, code]
        models: "gpt-*,groq/*"
        expires: 2026-12-31
        day_usd: 0.10
      ci: {user: bob, admin: true, tools: complete, rpm: 60, api_base_hosts: [Proxy.example.com]}
      plain:
  beta:
"""
LAPTOP = KeyRecord(
    "alpha", "", name="laptop", groups=("fast", "code"), models=("gpt-*", "groq/*"), expires_ms=1_798_761_600_000,
    limits=Limits(day_nano=100_000_000),
)  # fmt: skip
CI = KeyRecord(
    "alpha", "", name="ci", user_id="bob", admin=True, tools=("complete",), api_base_hosts=("proxy.example.com",),
    limits=Limits(rpm=60),
)  # fmt: skip
LAPTOP_LINE = {
    "id": "key_1", "name": "laptop", "user": "", "admin": False, "groups": ["code", "fast"], "tools": [],
    "models": ["gpt-*", "groq/*"], "api_base_hosts": [], "day_usd": "0.1", "month_usd": None, "day_tokens": None,
    "month_tokens": None, "rpm": None, "tpm": None, "expires_at": "2027-01-01T00:00:00.000Z", "revoked": None,
}  # fmt: skip
BUDGET_LINES = [
    {"scope": "p", "period": "20261120", "limit_usd": "2", "limit_tokens": 7},
    {"scope": "p", "period": "202611", "limit_usd": None, "limit_tokens": None},
    {"scope": "u:bob", "period": "20261120", "limit_usd": None, "limit_tokens": None},
    {"scope": "u:bob", "period": "202611", "limit_usd": None, "limit_tokens": 5},
]


def anything(_rights):
    """All names exist."""


def only_fast(rights):
    """As `KnownNames` refuses."""
    if "fast" not in rights.get("groups", ("fast",)):
        raise InvalidRequest("groups: there is no model group 'fats'. Did you mean fast?", param="groups")


def test_what_a_file_says():
    """Amounts to the last digit, lists as lists or texts, a day to its end; what is null is not said."""
    alpha, beta = read_keys_file(FILE, "keys.yaml", anything)
    assert alpha == WantedProject(
        "alpha",
        {"laptop": LAPTOP, "ci": CI, "plain": KeyRecord("alpha", "", name="plain")},
        {"": Limits(day_nano=1_000_000_001), "bob": Limits(month_tokens=5)},
    )
    assert beta == WantedProject("beta", {}, {})


KEY = "projects:\n  a:\n    keys:\n      x: {%s}\n"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "the file is empty"),
        ("a: [", "line 1: "),
        ("- a", "line 1: the file: write 'name: value' lines here"),
        ("project: {}", "line 1: the file: there is no field 'project'; did you mean projects?"),
        ("projects: {A: {}}", "line 1: projects: 'A' is not a project"),
        ("projects:\n  a: {}\n  a: {}", "line 3: projects: 'a' appears twice"),
        ("projects: {? [a] : {}}", "line 1: projects: a name is a text"),
        ("projects: {a: {keys: {'': {}}}}", "line 1: projects.a.keys: a key is known by its name"),
        ("projects: {a: {users: {'': {}}}}", "line 1: projects.a.users: a user has a name"),
        (KEY % "grups: fast", "line 4: projects.a.keys.x: there is no field 'grups'; did you mean groups?"),
        (KEY % "groups: fats", "line 4: projects.a.keys.x.groups: there is no model group 'fats'. Did you mean fast?"),
        (KEY % "day_usd: 1e400", "line 4: projects.a.keys.x.day_usd: '1e400' is not between 0 and 9007199 USD"),
        (KEY % "day_usd: [1]", "line 4: projects.a.keys.x.day_usd: write one value here"),
        (KEY % "admin: 1", "line 4: projects.a.keys.x.admin: write true or false"),
        (KEY % "expires: 30d", "line 4: projects.a.keys.x.expires: a file means the same at any time"),
        (KEY % "zzz: 1", "line 4: projects.a.keys.x: there is no field 'zzz'."),
        ("a: \x07", "not readable as YAML"),
        ("a: " + "[" * 500 + "]" * 500, "is nested deeper"),
    ],
)
def test_what_is_wrong_is_told_by_line_and_field(text, says):
    """Before anything is done."""
    with pytest.raises(UsageError) as refused:
        read_keys_file(text, "keys.yaml", only_fast)
    assert f"keys.yaml: {says}" in str(refused.value) or f"keys.yaml, {says}" in str(refused.value)


def planned(wanted, keys=(), budgets=(), *, prune=False):
    return list(steps(wanted, keys, budgets, prune=prune))


def test_what_is_as_it_should_be_needs_nothing():
    """Whatever the order of names in a list."""
    wanted = WantedProject("alpha", {"laptop": LAPTOP}, {"bob": Limits(month_tokens=5)})
    assert planned(wanted, [LAPTOP_LINE], BUDGET_LINES) == []


def test_what_differs_is_changed_and_nothing_else():
    """Limits to 0 and from 0 as well; what a file leaves out is lifted."""
    key = {**LAPTOP_LINE, "day_usd": "0", "rpm": 9, "groups": [], "expires_at": None}
    wanted = WantedProject("alpha", {"laptop": LAPTOP}, {"": Limits(day_nano=0)})
    update, budget = planned(wanted, [key], BUDGET_LINES)
    assert (update.key_id, update.rights) == ("key_1", {"groups": ("fast", "code"), "expires_ms": LAPTOP.expires_ms})
    assert update.limits == {"day_nano": 100_000_000, "rpm": None}
    assert update.line()["changes"] == {
        "groups": [[], ["fast", "code"]],
        "expires_at": [None, "2027-01-01T00:00:00.000Z"],
        "day_usd": ["0", "0.1"],
        "rpm": [9, None],
    }
    assert budget.line() == {
        "action": "set", "kind": "budget", "project": "alpha", "user": "",
        "changes": {"day_usd": ["2", "0"], "day_tokens": [7, None]},
    }  # fmt: skip
    assert budget.limits == {"day_nano": 0, "day_tokens": None}


def test_keys_that_a_file_does_not_name_are_left_alone_unless_it_is_to_prune():
    """A revoked one is no key any more: one of its name is made."""
    others = [{**LAPTOP_LINE, "id": "key_2", "name": ""}, {**LAPTOP_LINE, "revoked": "2026-11-20T12:00:00.000Z"}]
    wanted = WantedProject("alpha", {"laptop": LAPTOP}, {})
    assert [step.action for step in planned(wanted, others)] == ["create"]
    create, revoke = planned(wanted, others, prune=True)
    assert (create.grant, revoke.action, revoke.key_id) == (LAPTOP, "revoke", "key_2")
    assert create.line() == {"action": "create", "kind": "key", "project": "alpha", "name": "laptop"}


def test_a_name_that_two_keys_have_says_nothing():
    """Which of them is meant, only the operator knows."""
    with pytest.raises(CommandError, match="several keys named 'laptop': key_1, key_2"):
        planned(WantedProject("alpha", {"laptop": LAPTOP}, {}), [LAPTOP_LINE, {**LAPTOP_LINE, "id": "key_2"}])
