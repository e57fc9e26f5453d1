"""What could not be read again is not written, whichever way it comes: it would hide all keys of its project."""

import pytest

from gateway_core.access.administration import Administration
from gateway_core.cli.streaming import gathered
from gateway_core.domain.errors import InvalidRequest
from gateway_core.domain.times import LATEST_MS
from gateway_core.store.virtual_keys import KeyRecord
from tests.contract.desk import NOON
from tests.manual_clock import ManualClock


@pytest.fixture
def office(store):
    return Administration(store, ManualClock(NOON))


@pytest.mark.parametrize(
    ("rights", "param"),
    [
        ({"expires_ms": LATEST_MS + 1}, "expires_at"),
        ({"expires_ms": -1}, "expires_at"),
        ({"user_id": "a\nb"}, "user_id"),
        ({"user_id": "x" * 129}, "user_id"),
        ({"name": "a\x1b[2J"}, "name"),
    ],
)
async def test_a_right_that_could_not_be_read_is_refused(office, rights, param):
    """Of a new key, and of one that is there; all are listed afterwards as before."""
    made = await office.create_key(KeyRecord("alpha", ""))
    for ask in (office.create_key(KeyRecord("alpha", "", **rights)), office.update_key(made["id"], rights, {})):
        with pytest.raises(InvalidRequest) as refused:
            await ask
        assert (refused.value.param, refused.value.schema) == (param, True)
    assert [line["id"] for line in await gathered(office.key_pages("alpha"))] == [made["id"]]


@pytest.mark.parametrize("overlap_s", [-1, 30 * 86_400 + 1, 86_400 * 999_999_999])
async def test_an_overlap_without_bound_is_refused(office, store, overlap_s):
    """Before there is another secret."""
    made = await office.create_key(KeyRecord("alpha", ""))
    with pytest.raises(InvalidRequest) as refused:
        await office.rotate_key(made["id"], overlap_s=overlap_s)
    assert refused.value.param == "overlap_s"
    assert len(await store.list_keys("alpha")) == 1
