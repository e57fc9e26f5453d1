"""Administration where answers get lost: no key is made twice, no secret is lost, and no change is made twice."""

import httpx
import pytest

from gateway_core.access.administration import Administration
from gateway_core.cli.answers import GatewayAway
from gateway_core.cli.remote_desk import RemoteDesk
from gateway_core.cli.streaming import gathered
from gateway_core.domain.caller import Limits
from gateway_core.domain.errors import Conflict, StoreUnavailable
from gateway_core.store.virtual_keys import KeyRecord, digest_of
from tests.contract.desk import NOON
from tests.functions.admin import admin_world, client_of, made
from tests.manual_clock import ManualClock

ASKED = {"idempotency-key": "4f8b0c9e-1d1d-4f0a-9a65-7f0f6a1c2b3d"}


class Lossy:
    """A store that does what it is told, and whose next answers to changes get lost."""

    def __init__(self, store, lost):
        self._store, self.lost = store, lost

    def __getattr__(self, name):
        return getattr(self._store, name)

    async def _lose(self, answer):
        found = await answer
        if self.lost:
            self.lost -= 1
            raise StoreUnavailable("The gateway's store does not answer.")
        return found

    async def put_key(self, record):
        return await self._lose(self._store.put_key(record))

    async def put_key_once(self, record, name):
        return await self._lose(self._store.put_key_once(record, name))

    async def change_keys(self, project_id, changes):
        return await self._lose(self._store.change_keys(project_id, changes))

    async def revoke_key(self, key_id, *, now_ms):
        return await self._lose(self._store.revoke_key(key_id, now_ms=now_ms))

    async def change_budget(self, *change):
        return await self._lose(self._store.change_budget(*change))


@pytest.fixture(params=[1, 2])
def lossy(request, store):
    return Lossy(store, request.param)


@pytest.fixture
def office(lossy):
    return Administration(lossy, ManualClock(NOON))


@pytest.mark.parametrize("once", ["", "a-name"])
async def test_a_key_is_made_once_and_its_secret_works(office, lossy, once):
    """It is put again, as it was."""
    key = await office.create_key(KeyRecord("alpha", "", limits=Limits(rpm=3)), once=once)
    (record,) = await lossy.list_keys("alpha")
    assert (record.id, record.digest, record.limits.rpm) == (key["id"], digest_of(key["key"]), 3)


async def test_a_rotation_is_made_once_and_its_secret_works(office, lossy):
    """Also where older ones end at once: nobody is left without any."""
    lossy.lost, lost = 0, lossy.lost
    key = await office.create_key(KeyRecord("alpha", ""))
    lossy.lost = lost
    rotated = await office.rotate_key(key["id"], overlap_s=0)
    records = {record.digest: record for record in await lossy.list_keys("alpha")}
    assert records.keys() == {digest_of(key["key"]), digest_of(rotated["key"])}
    assert records[digest_of(key["key"])].has_ended(NOON)
    assert not records[digest_of(rotated["key"])].has_ended(NOON)


async def test_a_change_and_an_end_are_made_once(office, lossy):
    """What they say is what is there."""
    lossy.lost, lost = 0, lossy.lost
    key = (await office.create_key(KeyRecord("alpha", "")))["id"]
    lossy.lost = lost
    assert (await office.update_key(key, {"name": "laptop"}, {"rpm": 5}))["rpm"] == 5
    lossy.lost = lost
    assert await office.revoke_key(key) == {"id": key, "revoked": True}
    lossy.lost = lost
    assert (await office.set_budget("alpha", "", {"day_nano": 10**9}))["day_usd"] == "1"
    (line,) = await gathered(office.key_pages("alpha"))
    assert line["revoked"]


async def test_a_store_that_stays_away_is_told(office, lossy):
    """It is not asked for ever."""
    lossy.lost = 99
    with pytest.raises(StoreUnavailable):
        await office.create_key(KeyRecord("alpha", ""))
    assert lossy.lost == 96


async def test_what_is_asked_once_makes_one_key(store):
    """The same again gives that key another secret, and ends the first, whose answer got lost."""
    office = Administration(store, ManualClock(NOON))
    first = await office.create_key(KeyRecord("alpha", "", name="laptop"), once="a-name")
    again = await office.create_key(KeyRecord("alpha", "", name="laptop"), once="a-name")
    other = await office.create_key(KeyRecord("alpha", ""), once="another")
    assert (again["id"], again["key"] == first["key"], other["id"] == first["id"]) == (first["id"], False, False)
    ended = {record.digest: record.has_ended(NOON) for record in await store.list_keys("alpha")}
    assert [ended[digest_of(key["key"])] for key in (first, again, other)] == [True, False, False]
    elsewhere = await office.create_key(KeyRecord("beta", ""), once="a-name")
    assert elsewhere["id"].startswith("key_beta_")
    await office.revoke_key(first["id"])
    with pytest.raises(Conflict, match="revoked"):
        await office.create_key(KeyRecord("alpha", ""), once="a-name")


async def test_a_request_that_is_sent_again_makes_no_second_key():
    """By its Idempotency-Key."""
    async with client_of(admin_world()) as http:
        answers = [(await http.post("/admin/keys", json={"project_id": "alpha"}, headers=ASKED)) for _ in range(2)]
        assert [answer.status_code for answer in answers] == [201, 201]
        assert answers[0].json()["id"] == answers[1].json()["id"]
        await made(http)
        assert len((await http.get("/admin/keys", params={"project_id": "alpha"})).json()["keys"]) == 2


@pytest.mark.parametrize("names", [["a", "b"], [""], ["a b"], ["x" * 256]])
async def test_what_is_no_idempotency_key_is_refused(names):
    """Before anything is made."""
    async with client_of(admin_world()) as http:
        headers = [("Idempotency-Key", name) for name in names]
        refused = await http.post("/admin/keys", json={"project_id": "alpha"}, headers=headers)
        assert (refused.status_code, refused.json()["error"]["param"]) == (422, "Idempotency-Key")
        assert (await http.get("/admin/keys", params={"project_id": "alpha"})).json()["keys"] == []


class Lost:
    """A gateway whose first answers get lost on the way."""

    def __init__(self, http, lost):
        self._http, self._lost = http, lost

    async def call(self, method, path, body=None, query=None, has=(), more=None):
        answer = await self._http.request(method, path, json=body, params=query, headers=more)
        if self._lost:
            self._lost -= 1
            raise GatewayAway("it does not answer")
        assert isinstance(answer, httpx.Response)
        return answer.json()


async def test_the_command_line_sends_it_again():
    """Once: then the operator knows that it is away, and the same again makes another key."""
    world = admin_world()
    async with client_of(world) as http:
        key = await RemoteDesk(Lost(http, 1)).create_key(KeyRecord("alpha", ""))
        assert (await world.services.authenticator.authenticate(key["key"])).key_id == key["id"]
        assert len({record.id for record in await world.services.store.list_keys("alpha")}) == 1
        with pytest.raises(GatewayAway):
            await RemoteDesk(Lost(http, 2)).create_key(KeyRecord("alpha", ""))
