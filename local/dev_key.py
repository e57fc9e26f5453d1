"""The development key: an admin key of the project `dev`, stored at the start, or as soon as the store answers."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import AsyncGenerator, Iterator, Mapping

from anyio.from_thread import start_blocking_portal

from gateway_core.bootstrap import open_store, read_settings
from gateway_core.domain.errors import StoreUnavailable, Unauthenticated
from gateway_core.ports import ConnectedStore
from gateway_core.store.virtual_keys import KeyRecord, digest_of, new_key, project_of
from local.environment import LocalEnvironment, StackError

DEV_PROJECT = "dev"
PAUSE_S = 2.0
_AWAY = "The store does not answer ({}). Everybody is refused until it does; the key is stored then."


def dev_key(choices: LocalEnvironment) -> str:
    """The key that is to be there, empty for none. Raises StackError for one of another project, or none at all."""
    key = choices.dev_key or (new_key(DEV_PROJECT) if choices.makes_key else "")
    if key and not _is_ours(key):
        raise StackError(f"GATEWAY_DEV_KEY must look like gk_{DEV_PROJECT}_SECRET.")
    return key


def _is_ours(key: str) -> bool:
    try:
        return project_of(key) == DEV_PROJECT
    except Unauthenticated:
        return False


def stored(key: str, environ: Mapping[str, str], *, is_own_store: bool) -> bool:
    """Whether the key, if there is any, is in the store now; of one that does not answer yet the operator is told.

    Raises StoreUnavailable where the store is the stack's own: that one has to answer.
    """
    try:
        if key:
            asyncio.run(_put_once(key, environ))
    except StoreUnavailable as error:
        if is_own_store:
            raise
        print(_AWAY.format(error.detail), file=sys.stderr, flush=True)
        return False
    return True


@contextlib.contextmanager
def storing(key: str, environ: Mapping[str, str], *, pause_s: float = PAUSE_S) -> Iterator[None]:
    """Ask the store again and again, in a thread that ends with the block, until it has the key."""
    with start_blocking_portal() as portal:
        trying = portal.start_task_soon(_put_until_done, key, environ, pause_s)
        try:
            yield
        finally:
            trying.cancel()


async def _put_once(key: str, environ: Mapping[str, str]) -> None:
    async with _opened(environ) as store:
        await _put(store, key)


async def _put_until_done(key: str, environ: Mapping[str, str], pause_s: float) -> None:
    async with _opened(environ) as store:
        while True:
            await asyncio.sleep(pause_s)
            with contextlib.suppress(StoreUnavailable):
                await _put(store, key)
                print("The key is stored.", file=sys.stderr, flush=True)
                return


async def _put(store: ConnectedStore, key: str) -> None:
    await store.put_key(KeyRecord(project_id=DEV_PROJECT, digest=digest_of(key), admin=True))


@contextlib.asynccontextmanager
async def _opened(environ: Mapping[str, str]) -> AsyncGenerator[ConnectedStore]:
    store = open_store(read_settings(environ))
    try:
        yield store
    finally:
        await store.close()
