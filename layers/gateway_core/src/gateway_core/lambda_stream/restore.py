"""What to do when Lambda restores this process from a SnapStart snapshot."""

from __future__ import annotations

from collections.abc import Callable

from snapshot_restore_py import register_after_restore  # type: ignore[import-untyped]


def on_restore(callback: Callable[[], object]) -> None:
    """Call `callback` after each restore, in order of registration: to reopen connections and reseed what is random.

    An exception in it fails the restore, and Lambda reports it as an init error.
    """
    register_after_restore(callback)
