"""Keys and budgets in the shared store, and where projects live."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Protocol

from gateway_core.domain.caller import Limits
from gateway_core.store.key_changes import KeyChange, KeyRecords
from gateway_core.store.placement import Residence
from gateway_core.store.records import BudgetLine
from gateway_core.store.virtual_keys import KeyRecord


class KeyStore(Protocol):
    """Keys and budgets, as an operator administers them."""

    async def put_key(self, record: KeyRecord) -> None: ...

    async def put_key_once(self, record: KeyRecord, name: str) -> str:
        """Put it unless a key of the project was put under this name; the id of the one that was. Idempotent."""
        ...

    async def list_keys(self, project_id: str) -> list[KeyRecord]:
        """One record a secret, the keys that were made first before others."""
        ...

    async def find_keys(self, project_id: str, key_ids: Collection[str]) -> list[KeyRecord]:
        """Of these keys alone; what is no key of the project has no record."""
        ...

    async def key_page(self, project_id: str, *, after: str, limit: int) -> KeyRecords | None:
        """Those of `limit` keys at most, behind the key with the id `after`, or from the first on if it is empty.

        None where the project has no key with that id.
        """
        ...

    async def revoke_key(self, key_id: str, *, now_ms: int) -> bool:
        """Revoke all secrets of a key. False if there is no such key."""
        ...

    async def change_keys(self, project_id: str, changes: Sequence[KeyChange]) -> bool:
        """Make all changes if every record is what it was `before`, else none. True if all is now as it is to be."""
        ...

    async def last_days(self, project_id: str, *, month: str, key_ids: Sequence[str]) -> dict[str, str]:
        """The last day of the month (`202611`) on which each key had a request admitted; others are left out."""
        ...

    async def set_budget(self, project_id: str, user_id: str, limits: Limits) -> None:
        """Set the budget of the project (`user_id` empty) or of one of its users; a None limit lifts it."""
        ...

    async def change_budget(self, project_id: str, user_id: str, before: Limits, after: Limits) -> bool:
        """Set it to `after` if it is what it was `before`; False if it is not. Idempotent as `change_keys`."""
        ...

    async def budget_lines(self, project_id: str, *, day: str, scopes: Sequence[str]) -> list[BudgetLine]:
        """Two lines a scope: the day (`20261120`) and its month (`202611`)."""
        ...

    async def accounts(self, project_id: str, *, day: str, scopes: Sequence[str]) -> list[BudgetLine]:
        """The same, but without the limits: nothing is read of keys and budgets."""
        ...

    async def budget_scopes(self, project_id: str, *, month: str) -> list[str]:
        """Every scope with a limit or an account of the month (`202611`): `p`, then keys and users."""
        ...


class Residents(Protocol):
    """Which projects live in one of several databases. An admin key is a guest where it works on others' projects."""

    async def residence(self, project_id: str) -> Residence: ...

    async def residents(self) -> list[str]:
        """Every project that has anything here but guests, also while it is moved, sorted.

        Looks through all keys of the store.
        """
        ...

    async def put_guest(self, record: KeyRecord) -> None:
        """Let a key in whose project lives in another database. It can have no limits: these are counted at its home.

        Does nothing where the project is at home.
        """
        ...

    async def drop_guests(self, project_id: str) -> None:
        """Forget the keys of the project that are guests here."""
        ...
