"""Where a project's database is found, and whether the project really lives there."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager

from gateway_core.domain.errors import ProjectMisplaced, StoreUnavailable
from gateway_core.ports import OperatorStore
from gateway_core.store.placement import Placement

MOST_KNOWN = 65_536
_RETRY_AFTER_S = 5.0


class Homes[S: OperatorStore]:
    """Several stores by name, and which of them has a project.

    Before a process first works on a project, it looks whether the project is where the configuration says: one with
    its data elsewhere is refused, as an empty database knows no budgets.
    """

    def __init__(self, databases: Mapping[str, S], placement: Placement) -> None:
        self.databases = databases
        self.placement = placement
        self._known: OrderedDict[str, None] = OrderedDict()

    @asynccontextmanager
    async def at(self, project_id: str) -> AsyncGenerator[S]:
        """The project's store; what it raises names its database. Raises ProjectMisplaced."""
        name = self.placement.database_of(project_id)
        with told(name):
            if project_id not in self._known:
                await self.check(project_id)
            yield self.databases[name]

    async def check(self, project_id: str) -> None:
        """Raises ProjectMisplaced where another database has the project, or where nobody can tell."""
        self._known.pop(project_id, None)
        name = self.placement.database_of(project_id)
        if await self.databases[name].residence(project_id) != "home":
            await self._look_elsewhere(project_id, name)
        self.note(project_id)

    def note(self, project_id: str) -> None:
        """The project lives where it is to, or nowhere yet."""
        self._known[project_id] = None
        if len(self._known) > MOST_KNOWN:
            self._known.popitem(last=False)

    async def _look_elsewhere(self, project_id: str, own: str) -> None:
        asked = (self._residence(name, project_id) for name in self.databases)
        found = dict(zip(self.databases, await asyncio.gather(*asked), strict=True))
        elsewhere = [name for name, residence in found.items() if residence == "moving" or (name != own and residence)]
        for name in elsewhere:
            if isinstance(found[name], StoreUnavailable):
                continue
            raise _misplaced(project_id, own, name, is_moving=found[name] == "moving")
        for name in elsewhere:
            detail = f"{_DATABASE}{name!r} does not answer, and project {project_id!r} may be there"
            raise ProjectMisplaced(_UNKNOWN, detail=detail, retry_after_s=_RETRY_AFTER_S)

    async def _residence(self, name: str, project_id: str) -> str | StoreUnavailable:
        try:
            return await self.databases[name].residence(project_id)
        except StoreUnavailable as error:
            return error


_DATABASE = "database "
_UNKNOWN = "The gateway cannot tell where this project's data is. Try again."


def _misplaced(project_id: str, own: str, other: str, *, is_moving: bool) -> ProjectMisplaced:
    if is_moving:
        text = "This project is being moved to another database. Try again."
        return ProjectMisplaced(text, detail=f"project {project_id!r} leaves {other!r}", retry_after_s=_RETRY_AFTER_S)
    detail = (
        f"project {project_id!r} is configured for database {own!r}, and {other!r} has its data: "
        f"correct `store`, or move it by `gateway store move --project {project_id}`"
    )
    text = "This project's data is in another database than the gateway is configured for. Its operator can tell more."
    return ProjectMisplaced(text, detail=detail, retry_after_s=_RETRY_AFTER_S)


@contextmanager
def told(database: str) -> Iterator[None]:
    """What goes wrong in here is told with the name of the database."""
    try:
        yield
    except ProjectMisplaced:
        raise
    except StoreUnavailable as error:
        if not error.detail.startswith(_DATABASE):
            error.detail = f"{_DATABASE}{database!r}: {error.detail}"
        raise
