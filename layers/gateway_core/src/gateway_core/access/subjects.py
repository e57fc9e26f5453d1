"""Users of tokens: with his first call each gets a record, as a key has one, which an operator may change from then on.

Money and rates are so held in the same step of the store, and what was spent is told by the same reports.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from gateway_core.access.authenticator import Authenticator, UnknownCaller
from gateway_core.access.rights import narrowed
from gateway_core.access.token_claims import TokenIdentity
from gateway_core.domain.caller import Caller
from gateway_core.domain.errors import Forbidden, Unauthenticated
from gateway_core.domain.oauth import FirstRights
from gateway_core.ports import Clock, KeyStore
from gateway_core.store.key_changes import KeyChange
from gateway_core.store.virtual_keys import KeyRecord


class Subjects:
    """Turns who is proven by a token into a Caller."""

    def __init__(self, authenticator: Authenticator, store: KeyStore, clock: Clock) -> None:
        self._authenticator = authenticator
        self._store = store
        self._clock = clock

    def known(self, identity: TokenIdentity) -> Caller | None:
        """As `Authenticator.known`. Raises Forbidden for who was revoked a moment ago."""
        with _revoked_as_forbidden():
            return self._authenticator.known_by(identity.project_id, identity.digest)

    async def caller(self, identity: TokenIdentity, first: FirstRights) -> Caller:
        """The caller, with `first` if he is new, and no more rights than the token leaves.

        Raises Forbidden for who was revoked and where nothing is left, StoreUnavailable.
        """
        with _revoked_as_forbidden():
            return narrowed(await self._found(identity, first), identity.grant)

    async def _found(self, identity: TokenIdentity, first: FirstRights) -> Caller:
        of = (identity.project_id, identity.digest)
        try:
            return await self._authenticator.find(*of)
        except UnknownCaller:
            # Not "put": of two first calls the second must not undo what an operator has changed between them.
            await self._store.change_keys(identity.project_id, [KeyChange(None, self._new(identity, first))])
            return await self._authenticator.find(*of)

    def _new(self, identity: TokenIdentity, first: FirstRights) -> KeyRecord:
        return KeyRecord(
            project_id=identity.project_id,
            digest=identity.digest,
            user_id=identity.user_id,
            groups=first.groups,
            tools=first.tools,
            models=first.models,
            limits=first.limits,
            created_ms=self._clock.now_ms(),
        )


@contextmanager
def _revoked_as_forbidden() -> Iterator[None]:
    """To sign in again would not help."""
    try:
        yield
    except Unauthenticated as error:
        raise Forbidden(error.message) from None
