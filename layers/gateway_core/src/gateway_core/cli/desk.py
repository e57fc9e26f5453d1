"""Where keys and budgets are administered: at a store, or at a gateway's /admin routes. One port, for all commands."""

from __future__ import annotations

import argparse
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Protocol

from gateway_core.access.reconciling import Charge, Selection
from gateway_core.cli.answers import HoldLines, Line, UsageError
from gateway_core.cli.calling import Gateway, administrator
from gateway_core.cli.opening import administration, known_names
from gateway_core.cli.remote_desk import RemoteDesk
from gateway_core.config.client_environment import address
from gateway_core.config.environment import documents_named
from gateway_core.domain.errors import InvalidRequest
from gateway_core.store.records import AttemptName
from gateway_core.store.virtual_keys import KeyRecord

_OF_CATALOG = ("groups", "models")
_DEFAULTS = " These are the default ones: if the gateway has others, name its configuration by GATEWAY_CONFIG."


class Desk(Protocol):
    """`opening.StoreDesk` is the one at a store. What is refused is raised, by each in its own way, see `main`."""

    async def create_key(self, grant: KeyRecord) -> Line:
        """`key`, its secret, and `id`."""
        ...

    async def get_key(self, key_id: str) -> Line: ...

    def key_pages(self, project_id: str) -> AsyncIterator[list[Line]]:
        """All keys, revoked ones included, oldest first; a page after the other."""
        ...

    async def update_key(self, key_id: str, rights: Mapping[str, Any], limits: Mapping[str, int | None]) -> Line:
        """Change what is named, by the fields of `KeyRecord` and `Limits`; the key as it is then."""
        ...

    async def rotate_key(self, key_id: str, *, overlap_s: int = ...) -> Line:
        """`key`, its new secret, `id`, and `old_secret_ends_at`."""
        ...

    async def revoke_key(self, key_id: str) -> Line: ...

    async def set_budget(self, project_id: str, user_id: str, changes: Mapping[str, int | None]) -> Line:
        """Change what is named of a project's or user's limits, by the fields of `Limits`; all of them as they are."""
        ...

    def budget_pages(self, project_id: str | None, user_id: str | None) -> AsyncIterator[list[Line]]:
        """Two lines a scope, of one project or of all, or of one user, in pages. An unknown project is refused."""
        ...

    async def show_holds(self, selection: Selection) -> HoldLines: ...

    async def release_holds(self, selection: Selection, charge: Charge, *, dry_run: bool) -> HoldLines:
        """A line for each that was released: all that are selected and that nobody works on."""
        ...

    async def release_hold(
        self, project_id: str, month: str | None, name: AttemptName, charge: Charge, *, dry_run: bool
    ) -> Line: ...


@asynccontextmanager
async def opened_desk(
    options: argparse.Namespace, environ: Mapping[str, str], *, grants: bool = False
) -> AsyncGenerator[Desk]:
    """At the gateway that `--url` or the environment names, else at the environment's store.

    `grants`: names of groups, models and tools will be given, which are to be known. A gateway knows its own.
    """
    found = address(environ, options.url)
    if found is None:
        async with _desk_of_store(environ, grants=grants) as desk:
            yield desk
        return
    gateway = Gateway(found, administrator(options, environ, found))
    try:
        yield RemoteDesk(gateway)
    finally:
        await gateway.close()


@asynccontextmanager
async def _desk_of_store(environ: Mapping[str, str], *, grants: bool) -> AsyncGenerator[Desk]:
    try:
        async with administration(environ, known_names(environ) if grants else None) as administered:
            yield administered
    except InvalidRequest as error:
        hint = "" if documents_named(environ) or error.param not in _OF_CATALOG else _DEFAULTS
        raise UsageError(f"{error.message}{hint}") from None
