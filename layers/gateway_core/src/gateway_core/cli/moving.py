"""`gateway store`: which database has a project, and moving one to the database that is configured for it."""

from __future__ import annotations

import argparse
from collections.abc import Mapping

from gateway_core.access.bookkeeper import pages_of
from gateway_core.adapters.clock import SystemClock
from gateway_core.adapters.spread import told
from gateway_core.adapters.upstash.moving import ProjectMove
from gateway_core.adapters.upstash.rest import Deadlines, RestClient
from gateway_core.cli.answers import Answer, CommandError, Line
from gateway_core.cli.opening import NamedDatabases, SpreadKeyStore, named_databases, open_databases_of
from gateway_core.config.environment import StoreSettings
from gateway_core.domain.errors import InvalidRequest, StoreUnavailable
from gateway_core.ports import Clock, OperatorStore
from gateway_core.store.estimates import is_left, months_with_holds
from gateway_core.store.placement import Residence

_TIMEOUT_S = 10.0
_MOVED = ("project", "from", "database", "moved", "late", "refused")
_HELD = "Project {project!r} is at work: {why}. Nothing was changed; wait for it to end, and run this again."
_BOTH = (
    "Project {project!r} has data in {own!r}, where it is configured, and in {other!r}. The two cannot be brought "
    "together: remove one of them, see docs/databases.md, or configure {other!r}."
)


async def store_where(options: argparse.Namespace, environ: Mapping[str, str]) -> Answer:
    """One line a project: where it is configured to live, and which databases have it."""
    named = named_databases(environ)
    store = open_databases_of(named)
    try:
        projects = [options.project] if options.project else await store.residents()
        lines = [await _where(store, named, project) for project in projects]
        return Answer(lines, ("project", "database", "found"), empty="no project is in any database")
    finally:
        await store.close()


async def misplaced(environ: Mapping[str, str]) -> Line:
    """What a check of the configuration adds where there are several databases: what is not where it is to be.

    A database that does not answer is told; it does not make the configuration invalid.
    """
    if not StoreSettings.further(environ):
        return {}
    named = named_databases(environ)
    store = open_databases_of(named)
    found: list[Line] = []
    away: list[str] = []
    try:
        for name, database in store.databases.items():
            try:
                others = [one for one in await database.residents() if named.placement.database_of(one) != name]
            except StoreUnavailable:
                away.append(name)
                continue
            found += [{"project": one, "in": name, "configured": named.placement.database_of(one)} for one in others]
    finally:
        await store.close()
    return {"databases": list(named.addresses), "misplaced": found, "unchecked": away}


async def store_move(options: argparse.Namespace, environ: Mapping[str, str]) -> Answer:
    """Bring a project to where it is configured to live, or all that are not there, with a line for each.

    Raises CommandError where that is not safe; of all, those that cannot be moved now have a line that says why.
    """
    named = named_databases(environ)
    store = open_databases_of(named)
    try:
        if options.project:
            return Answer([await _move_one(store, named, options.project)], _MOVED)
        where = [(project, await _residences(store, project)) for project in await store.residents()]
        wrong = [project for project, found in where if _elsewhere(found, named.placement.database_of(project))]
        lines = [await _move_or_tell(store, named, project) for project in wrong]
        return Answer(lines, _MOVED, empty="every project is where it is configured to be")
    finally:
        await store.close()


async def _move_one(store: SpreadKeyStore, named: NamedDatabases, project: str) -> Line:
    try:
        return await _move(store, named, project)
    except InvalidRequest as error:
        raise CommandError(error.message) from None


async def _move_or_tell(store: SpreadKeyStore, named: NamedDatabases, project: str) -> Line:
    try:
        return await _move(store, named, project)
    except InvalidRequest as error:
        return {"project": project, "database": named.placement.database_of(project), "refused": error.message}


async def _move(store: SpreadKeyStore, named: NamedDatabases, project: str) -> Line:
    where, own = await _residences(store, project), named.placement.database_of(project)
    others = _elsewhere(where, own)
    if not others:
        return {"project": project, "database": own, "moved": 0}
    if len(others) > 1:
        listed = ", ".join(map(repr, others))
        raise InvalidRequest(f"Project {project!r} has data in {listed}: nobody can tell which counts.")
    source = others[0]
    clients = _client(named.addresses[source]), _client(named.addresses[own])
    try:
        move = ProjectMove(*clients, project)
        if where[own] == "home" and not (where[source] == "moving" and await move.is_done()):
            raise InvalidRequest(_BOTH.format(project=project, own=own, other=source))
        return await _moved(move, store.databases[source], project, source, own)
    finally:
        for client in clients:
            await client.close()


def _elsewhere(where: Mapping[str, Residence], own: str) -> list[str]:
    """The databases that a project has to leave."""
    return [name for name, residence in where.items() if name != own and residence]


async def _moved(move: ProjectMove, source: OperatorStore, project: str, name: str, own: str) -> Line:
    await _check_rest(move, source, project)
    await move.freeze()
    try:
        await _check_rest(move, source, project)
    except InvalidRequest:
        if not await move.has_begun():
            await move.thaw()
        raise
    moved = await move.carry()
    late = {"late": list(moved.late)} if moved.late else {}
    return {"project": project, "from": name, "database": own, "moved": moved.keys, **late}


async def _check_rest(move: ProjectMove, source: OperatorStore, project: str, clock: Clock | None = None) -> None:
    """Raises InvalidRequest where anything of the project is under way."""
    now_ms = (clock or SystemClock()).now_ms()
    if await move.has_open_jobs(now_ms):
        raise InvalidRequest(_HELD.format(project=project, why="it has jobs that have not ended"))
    for month in months_with_holds(now_ms):
        async for page in pages_of(source, project, month):
            if any(not (hold.booked or is_left(hold, now_ms)) for hold in page.holds):
                raise InvalidRequest(_HELD.format(project=project, why="money is held for requests that run"))


async def _residences(store: SpreadKeyStore, project: str) -> dict[str, Residence]:
    found: dict[str, Residence] = {}
    for name, database in store.databases.items():
        with told(name):
            found[name] = await database.residence(project)
    return found


async def _where(store: SpreadKeyStore, named: NamedDatabases, project: str) -> Line:
    found = {name: residence for name, residence in (await _residences(store, project)).items() if residence}
    return {"project": project, "database": named.placement.database_of(project), "found": found}


def _client(address: StoreSettings) -> RestClient:
    return RestClient(address.url, address.token.reveal(), Deadlines(_TIMEOUT_S, _TIMEOUT_S))
