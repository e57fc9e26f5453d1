"""Several who change one key or one budget at once: all of it is made, or somebody is told that it was not."""

import asyncio

import pytest

from gateway_core.access.administration import Administration
from gateway_core.access.administrator import MOST_TRIES
from gateway_core.adapters.memory import MemoryStore
from gateway_core.adapters.spread import SpreadStore
from gateway_core.domain.caller import Limits
from gateway_core.domain.errors import Conflict
from gateway_core.store.virtual_keys import KeyRecord
from tests.contract.administration.beaten import Beaten, BeatenInRedis


async def test_changes_at_once_do_not_undo_each_other(store, clock, office):
    """Of two changes both hold; a revocation between reading and writing stands; answers that come twice are one."""
    made = await office.create_key(KeyRecord("alpha", "", limits=Limits(rpm=1)))
    meanwhile = Beaten(store, lambda: office.update_key(made["id"], {"name": "theirs"}, {"tpm": 2}))
    line = await Administration(meanwhile, clock).update_key(made["id"], {"user_id": "ours"}, {"rpm": 3})
    assert (line["name"], line["user"], line["rpm"], line["tpm"]) == ("theirs", "ours", 3, 2)
    rotating = Administration(Beaten(store, lambda: office.revoke_key(made["id"])), clock)
    with pytest.raises(Conflict):
        await rotating.rotate_key(made["id"])
    assert len(await store.list_keys("alpha")) == 1

    async def rename():
        names.append("n")
        await office.update_key(busy["id"], {"name": "".join(names)}, {})

    names: list[str] = []
    busy = await office.create_key(KeyRecord("alpha", ""))
    with pytest.raises(Conflict, match="at the same time"):
        await Administration(Beaten(store, *[rename] * MOST_TRIES), clock).update_key(busy["id"], {"admin": True}, {})
    assert not (await office.get_key(busy["id"]))["admin"]


async def test_a_crowd_changes_one_key_and_one_budget(office):
    """Each of them something else, and nobody is told to try again."""
    made = await office.create_key(KeyRecord("alpha", ""))
    fields = ("day_nano", "day_tokens", "month_nano", "month_tokens") * (MOST_TRIES // 8)
    changes = [{field: number + 1} for number, field in enumerate(fields)]
    await asyncio.gather(*(office.update_key(made["id"], {}, change) for change in changes))
    await asyncio.gather(*(office.set_budget("alpha", "ada", change) for change in changes))
    (record,) = await office.store.list_keys("alpha")
    last = {field: getattr(record.limits, field) for field in fields}
    assert [(field, value) for field, value in last.items() if {field: value} not in changes] == []
    assert None not in (await office.set_budget("alpha", "ada", {})).values()


async def test_a_revocation_is_made_whoever_changes_the_key_meanwhile(store, clock, office):
    """However often somebody else is faster; who comes after it is told."""
    made = await office.create_key(KeyRecord("alpha", ""))
    names = [f"n{number}" for number in range(MOST_TRIES - 1)]
    renamed = [lambda name=name: office.update_key(made["id"], {"name": name}, {}) for name in names]
    beaten = Beaten if isinstance(store, MemoryStore | SpreadStore) else BeatenInRedis
    assert (await Administration(beaten(store, *renamed), clock).revoke_key(made["id"]))["revoked"]
    (record,) = await store.list_keys("alpha")
    assert record.revoked_ms == clock.now_ms()
    with pytest.raises(Conflict, match="is revoked"):
        await office.update_key(made["id"], {"name": "late"}, {})


async def test_where_the_store_is_slow_a_change_is_not_tried_for_ever(store, clock, office):
    """The function would be ended, and could not say what was done."""

    async def late():
        clock.advance(5)
        await office.update_key(made["id"], {"name": f"n{clock.now_ms()}"}, {})

    made = await office.create_key(KeyRecord("alpha", ""))
    began_ms = clock.now_ms()
    with pytest.raises(Conflict, match="at the same time"):
        await Administration(Beaten(store, *[late] * 9), clock).update_key(made["id"], {"admin": True}, {})
    assert clock.now_ms() - began_ms == 10_000


async def test_a_budget_that_others_keep_changing_is_left(store, clock, office):
    """As a key is."""
    await office.create_key(KeyRecord("alpha", ""))
    forever = [lambda n=n: office.set_budget("alpha", "", {"day_tokens": n}) for n in range(MOST_TRIES)]
    with pytest.raises(Conflict):
        await Administration(Beaten(store, *forever), clock).set_budget("alpha", "", {"month_tokens": 1})
