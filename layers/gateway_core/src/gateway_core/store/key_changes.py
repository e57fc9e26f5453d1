"""What an operator changes of a key: which of its records become what. Pure.

A key has one record a secret. All of them have the same rights and limits, and all but the newest were replaced.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from gateway_core.store.virtual_keys import KeyRecord

FORGOTTEN_MS = 30 * 86_400_000
"""For so long after its end a replaced secret is told to have been replaced; then it is as unknown as any other."""


@dataclass(frozen=True, slots=True)
class KeyChange:
    """One record: what is stored now, None where nothing is, and what is to be, None for nothing."""

    before: KeyRecord | None
    after: KeyRecord | None

    @property
    def record(self) -> KeyRecord:
        """The one of the two that is there."""
        found = self.after or self.before
        if found is None:
            raise ValueError("a change of no record")
        return found


@dataclass(frozen=True, slots=True)
class KeyRecords:
    """Records of some keys of a project, and whether it has keys behind them."""

    records: Sequence[KeyRecord]
    has_more: bool


@dataclass(frozen=True, slots=True)
class StoredKey:
    """A key as it is stored: its newest secret's record, and those of the secrets that it replaced."""

    newest: KeyRecord
    replaced: tuple[KeyRecord, ...] = ()

    @property
    def all(self) -> tuple[KeyRecord, ...]:
        return (self.newest, *self.replaced)

    def ends_ms(self, now_ms: int) -> int | None:
        """Until when a replaced secret is good, None if none is."""
        return max((each.replaced_ms or 0 for each in self.replaced if not each.has_ended(now_ms)), default=None)


def grouped(records: Sequence[KeyRecord]) -> list[StoredKey]:
    """The keys of these records, in the order of the first of each."""
    keys: dict[str, list[KeyRecord]] = {}
    for record in records:
        keys.setdefault(record.id, []).append(record)
    # A release that knew no rotations may have left none that was not replaced: then it is the one that ends last.
    ordered = (sorted(key, key=lambda record: record.replaced_ms or 0) for key in keys.values())
    return [_stored(key) for key in ordered]


def _stored(records: Sequence[KeyRecord]) -> StoredKey:
    newest = next((record for record in records if record.replaced_ms is None), records[-1])
    return StoredKey(newest, tuple(record for record in records if record is not newest))


def revoked(key: StoredKey, now_ms: int) -> list[KeyChange]:
    """All its secrets, each unless it was revoked before."""
    return [KeyChange(each, replace(each, revoked_ms=now_ms)) for each in key.all if each.revoked_ms is None]


def updated(key: StoredKey, rights: Mapping[str, Any], limits: Mapping[str, int | None]) -> list[KeyChange]:
    """Other rights and limits for all its secrets, by the names of their fields; what is not named stays."""
    after = (replace(each, **rights, limits=replace(each.limits, **limits)) for each in key.all)
    return [KeyChange(each, changed) for each, changed in zip(key.all, after, strict=True) if changed != each]


def rotated(key: StoredKey, digest: str, *, until_ms: int, now_ms: int) -> list[KeyChange]:
    """A new secret, with `digest`, for the same key; older ones are good until `until_ms`, or their earlier end."""
    newest = replace(key.newest, digest=digest, of=key.newest.own_part, issued_ms=now_ms, replaced_ms=None)
    ends = (KeyChange(each, _replaced(each, until_ms, now_ms)) for each in key.all)
    return [KeyChange(None, newest), *(end for end in ends if end.before != end.after)]


def _replaced(record: KeyRecord, until_ms: int, now_ms: int) -> KeyRecord | None:
    ended_ms = until_ms if record.replaced_ms is None else min(record.replaced_ms, until_ms)
    # The first one is kept: its digest begins like the key's id.
    is_forgotten = record.of and ended_ms + FORGOTTEN_MS <= now_ms
    return None if is_forgotten else replace(record, replaced_ms=ended_ms)
