"""Two databases for tests, each a Valkey behind the stand-in, and the stores that configurations make of both."""

from __future__ import annotations

from dataclasses import dataclass

from gateway_core.adapters.spread import SpreadStore
from gateway_core.domain.caller import Limits
from gateway_core.store.placement import FIRST, Placement, shared_out
from gateway_core.store.virtual_keys import KeyRecord
from tests.contract.desk import DIGEST, Desk
from tests.contract.redis import TOKEN, Redis

PLACEMENT = Placement({"beta": "east"}, (FIRST,), shared_out((FIRST, "east"), {}))
MOVED = Placement({"alpha": "east", "beta": "east"}, (FIRST,))


@dataclass
class Two:
    """Two databases, and the stores over both that different configurations make."""

    first: Redis
    east: Redis
    stores: list[SpreadStore]

    def store(self, placement: Placement = PLACEMENT) -> SpreadStore:
        store = SpreadStore({FIRST: self.first.connect(), "east": self.east.connect()}, placement)
        self.stores.append(store)
        return store

    def environ(self, **more: str) -> dict[str, str]:
        east = {"UPSTASH_REDIS_REST_URL_EAST": self.east.url, "UPSTASH_REDIS_REST_TOKEN_EAST": TOKEN}
        return {**self.first.environ(), **east, **more}

    def keys(self, redis: Redis) -> set[str]:
        return set(redis.run("KEYS", "*")) - {"pv"}


async def desks(two: Two, placement: Placement = PLACEMENT) -> tuple[Desk, Desk]:
    """Projects `alpha` and `beta`."""
    store = two.store(placement)
    return await Desk(store).open(), await Desk(store, "beta").open()


async def admin_of(two: Two, **limits: int) -> tuple[SpreadStore, KeyRecord]:
    store = two.store()
    await store.put_key(KeyRecord("ops", DIGEST, admin=True, limits=Limits(**limits)))
    key = await store.find_key("ops", DIGEST)
    assert key
    return store, key
