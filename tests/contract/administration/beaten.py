"""Stores at which somebody else changes a key or a budget first."""

from gateway_core.adapters.upstash.keys import UpstashKeys


class Beaten:
    """A store at which somebody else is faster, a few times, and of which each answer comes twice."""

    def __init__(self, store, *meanwhile):
        self._store, self._meanwhile = store, list(meanwhile)

    def __getattr__(self, name):
        return getattr(self._store, name)

    async def change_keys(self, project_id, changes):
        if self._meanwhile:
            await self._meanwhile.pop(0)()
        done = await self._store.change_keys(project_id, changes)
        assert await self._store.change_keys(project_id, changes) == done
        return done

    async def change_budget(self, *change):
        if self._meanwhile:
            await self._meanwhile.pop(0)()
        return await self._store.change_budget(*change)


class BeatenInRedis(Beaten):
    """There a revocation is a change of what was looked at before, and elsewhere one step."""

    revoke_key = UpstashKeys.revoke_key
