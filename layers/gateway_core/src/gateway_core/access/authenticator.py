"""Looks callers up and remembers them: 30 s while the store answers, up to 15 min while it does not.

A caller whom nobody here knows gets 503 while the store is down, never 401: that would tell a good client to give up.
A key that has expired is looked up each time, as one that is unknown is: its end may have been put off.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from gateway_core.access.rights import narrowed
from gateway_core.domain.caller import Caller
from gateway_core.domain.errors import StoreUnavailable, Unauthenticated
from gateway_core.domain.times import iso
from gateway_core.ports import Clock, Ledger
from gateway_core.store.virtual_keys import KeyRecord, digest_of, is_subject, project_of

FRESH_MS = 30_000
STALE_MS = 15 * 60_000
MOST_CALLERS = 4096
_UNKNOWN = "The API key is unknown or revoked. Ask for a new one: gateway keys create --project ID."
_SHUT_OUT = "The token's user is not known here, or was revoked. Ask the gateway's operator."


class UnknownCaller(Unauthenticated):
    """Nobody is stored by this digest."""


@dataclass(frozen=True, slots=True)
class _Known:
    record: KeyRecord
    at_ms: int


class Authenticator:
    """Turns a presented key into a Caller."""

    def __init__(self, ledger: Ledger, clock: Clock) -> None:
        self._ledger = ledger
        self._clock = clock
        self._known: OrderedDict[tuple[str, str], _Known] = OrderedDict()

    async def authenticate(self, key: str) -> Caller:
        """The caller behind a key. Raises Unauthenticated, or StoreUnavailable if nobody can tell."""
        return await self._caller(project_of(key), digest_of(key))

    def known(self, key: str) -> Caller | None:
        """The caller if it is known here, however long ago, without asking anybody.

        Raises Unauthenticated for what is no key, or one that was revoked or replaced a moment ago.
        """
        return self.known_by(project_of(key), digest_of(key))

    def known_by(self, project_id: str, digest: str) -> Caller | None:
        """The same by the digest. Users of tokens may have the same one in several projects."""
        known = self._known.get((project_id, digest))
        if known is None or known.record.has_expired(self._clock.now_ms()):
            return None
        return self._valid(known.record) if self._is_fresh(known) else known.record.caller()

    async def find(self, project_id: str, digest: str) -> Caller:
        """The caller whose key has this digest; raises as `authenticate`."""
        return await self._caller(project_id, digest)

    async def refresh(self, caller: Caller) -> Caller:
        """Look the caller up anew because the store says that the key changed."""
        self._known.pop((caller.project_id, caller.digest), None)
        found = await self._caller(caller.project_id, caller.digest)
        return found if caller.grant is None else narrowed(found, caller.grant)

    async def _caller(self, project_id: str, digest: str) -> Caller:
        now = self._clock.now_ms()
        known = self._known.get((project_id, digest))
        if known and self._is_fresh(known) and not known.record.has_expired(now):
            return self._valid(known.record)
        try:
            record = await self._ledger.find_key(project_id, digest)
            if record is None:
                raise UnknownCaller(_text_of(digest))
        except StoreUnavailable:
            if known and now - known.at_ms < STALE_MS:
                return self._valid(known.record)
            raise
        return self._remember(record, now)

    def _remember(self, record: KeyRecord, now: int) -> Caller:
        name = (record.project_id, record.digest)
        self._known[name] = _Known(record, now)
        self._known.move_to_end(name)
        while len(self._known) > MOST_CALLERS:
            self._known.popitem(last=False)
        return self._valid(record)

    def _is_fresh(self, known: _Known) -> bool:
        return self._clock.now_ms() - known.at_ms < FRESH_MS

    def _valid(self, record: KeyRecord) -> Caller:
        if record.revoked_ms is not None:
            raise Unauthenticated(_text_of(record.digest))
        if record.has_ended(self._clock.now_ms()):
            raise Unauthenticated(_ended(record))
        return record.caller()


def _text_of(digest: str) -> str:
    return _SHUT_OUT if is_subject(digest) else _UNKNOWN


def _ended(record: KeyRecord) -> str:
    """Which of its ends came first."""
    if record.replaced_ms is not None and record.replaced_ms <= (record.expires_ms or record.replaced_ms):
        return f"The API key was replaced by a new one, and ended at {iso(record.replaced_ms)}. Use the new one."
    return f"The API key expired at {iso(record.expires_ms or 0)}. Ask for a new one, or for a later end of this one."
