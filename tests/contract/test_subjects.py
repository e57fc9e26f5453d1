"""Users of tokens in every store: a record with the first call, limits that hold, reports that know them."""

from dataclasses import replace

import pytest

from gateway_core.access.administration import Administration
from gateway_core.access.authenticator import Authenticator
from gateway_core.access.subjects import Subjects
from gateway_core.access.token_claims import TokenIdentity
from gateway_core.cli.streaming import gathered
from gateway_core.domain.caller import Grant, Limits
from gateway_core.domain.errors import Conflict, Forbidden
from gateway_core.domain.oauth import FirstRights
from gateway_core.store.messages import Admitted, Refused, StaleCaller, Terms
from gateway_core.store.virtual_keys import KeyRecord
from tests.contract.desk import NOON, POLICY, candidate, record_of, settled
from tests.manual_clock import ManualClock

ANN = TokenIdentity("alpha", "https://issuer.example/", "auth0|ann", "auth0|ann", Grant())
ONE = candidate("m1", "one")


class Office:
    """One store, and what lets users of tokens in."""

    def __init__(self, store):
        self.store = store
        self.clock = ManualClock(NOON)
        self.subjects = Subjects(Authenticator(store, self.clock), store, self.clock)
        self.keys = Administration(store, self.clock)

    async def caller(self, identity=ANN, **limits):
        return await self.subjects.caller(identity, FirstRights(limits=Limits(**limits)))

    async def line(self, project="alpha"):
        """The one user of tokens, as an operator sees him."""
        (found,) = [line for line in await gathered(self.keys.key_pages(project)) if "issuer" in line]
        return found

    def ticket_of(self, desk, caller, request_id):
        return replace(
            desk.ticket(request_id),
            project_id=caller.project_id,
            key_id=caller.key_id,
            digest=caller.digest,
            rights_tag=caller.rights_tag,
            user_id=caller.user_id,
        )


@pytest.fixture
def office(store):
    return Office(store)


async def test_a_record_comes_with_the_first_call_and_stays(office):
    """What is configured later is for those who come later."""
    first = await office.caller(day_nano=5)
    office.clock.advance(31)
    assert await office.caller(day_nano=7) == first
    line = await office.line()
    assert (line["user"], line["issuer"], line["day_usd"]) == ("auth0|ann", ANN.issuer, "0.000000005")
    assert line["id"] == first.key_id
    assert first.key_id.startswith("key_alpha_")


async def test_a_key_has_no_issuer(office):
    """So that the two are told apart."""
    await office.store.put_key(KeyRecord("alpha", "0" * 64))
    assert [line for line in await gathered(office.keys.key_pages("alpha")) if "issuer" in line] == []


async def test_limits_hold_in_the_step_that_admits(office, desk):
    """As those of keys: the second request of a minute is refused, whoever else has room."""
    caller = await office.caller(rpm=1)
    first = await desk.admit_as(office.ticket_of(desk, caller, "r1"), [ONE])
    assert isinstance(first, Admitted)
    second = await desk.admit_as(office.ticket_of(desk, caller, "r2"), [ONE])
    assert isinstance(second, Refused)
    assert second.main.scope == f"k:{caller.key_id}:rpm"
    other = await office.caller(replace(ANN, subject="bob", user_id="bob"), rpm=1)
    assert isinstance(await desk.admit_as(office.ticket_of(desk, other, "r3"), [ONE]), Admitted)


async def test_money_is_counted_for_user_and_record(office, desk):
    """And read back by both."""
    caller = await office.caller(day_nano=150)
    ticket = office.ticket_of(desk, caller, "r1")
    admitted = await desk.admit_as(ticket, [ONE])
    ended = settled(admitted, ONE, charge_nano=100)
    await desk.store.settle(ticket, ended, record_of(ticket), Terms(desk.now, POLICY))
    second = await desk.admit_as(office.ticket_of(desk, caller, "r2"), [ONE])
    assert isinstance(second, Refused)
    assert second.main.scope == f"k:{caller.key_id}:day_nano"
    line = await office.line()
    assert line["spent"]["day_usd"] == "0.0000001"
    scopes = await office.store.budget_scopes("alpha", month=ticket.month)
    assert f"k:{caller.key_id}" in scopes
    day, _month = await office.store.budget_lines("alpha", day=ticket.day, scopes=[f"k:{caller.key_id}"])
    assert (day.spent_nano, day.limit_nano) == (100, 150)


async def test_an_operator_changes_limits_and_rights(office, desk):
    """With the commands that are for keys; a request under way is looked up anew."""
    caller = await office.caller()
    line = await office.keys.update_key(caller.key_id, {"groups": ("fast",)}, {"rpm": 3})
    assert (line["groups"], line["rpm"]) == (["fast"], 3)
    assert isinstance(await desk.admit_as(office.ticket_of(desk, caller, "r1"), [ONE]), StaleCaller)
    office.clock.advance(31)
    fresh = await office.caller()
    assert fresh.groups == {"fast"}
    assert isinstance(await desk.admit_as(office.ticket_of(desk, fresh, "r2"), [ONE]), Admitted)


async def test_who_is_revoked_stays_out(office):
    """His next call makes no new record."""
    caller = await office.caller()
    await office.keys.revoke_key(caller.key_id)
    office.clock.advance(31)
    for _ in range(2):
        with pytest.raises(Forbidden, match="revoked"):
            await office.caller()


async def test_there_is_no_secret_to_rotate(office):
    """A rotation would make a key of it."""
    caller = await office.caller()
    with pytest.raises(Conflict, match="no secret"):
        await office.keys.rotate_key(caller.key_id)
    assert len(await office.store.list_keys("alpha")) == 1


async def test_two_first_calls_make_one_record(office):
    """The later one takes what is there by then, an operator's change included."""
    caller = await office.caller(rpm=5)
    await office.keys.update_key(caller.key_id, {}, {"rpm": 9})
    other = Office(office.store)
    await other.caller(rpm=5)
    line = await office.line()
    assert line["rpm"] == 9


async def test_a_project_has_its_own_record_of_a_user(office):
    """The same person elsewhere is somebody else's to limit."""
    one, two = await office.caller(rpm=1), await office.caller(replace(ANN, project_id="beta"), rpm=2)
    assert (one.digest, one.project_id, two.project_id) == (two.digest, "alpha", "beta")
    assert one.key_id != two.key_id
    line = await office.line("beta")
    assert line["rpm"] == 2


@pytest.mark.parametrize("subject", ["a|b", "ü", "%7C", "x" * 255, "a b", "k|", "j|", "{}", "--"])
async def test_any_subject_can_be_kept(office, desk, subject):
    """Names are encoded: none is taken for another field."""
    caller = await office.caller(replace(ANN, subject=subject))
    assert isinstance(await desk.admit_as(office.ticket_of(desk, caller, "r1"), [ONE]), Admitted)
    line = await office.line()
    assert (line["id"], line["issuer"]) == (caller.key_id, ANN.issuer)


async def test_the_field_is_named_by_issuer_and_subject(upstash, redis):
    """Beside those of keys, in the hash that the script reads; earlier releases leave it alone."""
    await Office(upstash).caller(rpm=3)
    stored = redis.hash("prj:alpha")
    assert list(stored) == ["j|https%3A%2F%2Fissuer.example%2F|auth0%7Cann"]
    assert stored.popitem()[1].startswith(";;;;3;|{")
