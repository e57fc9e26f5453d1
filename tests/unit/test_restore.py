"""What a process forgets when SnapStart restores it on another machine."""

import random

import pytest
from snapshot_restore_py import get_after_restore

from gateway_core.adapters.upstash import UpstashStore
from gateway_core.bootstrap import light_services

STORE = {"UPSTASH_REDIS_REST_URL": "http://127.0.0.1:1", "UPSTASH_REDIS_REST_TOKEN": "x"}


def test_connections_to_the_store_are_forgotten():
    """The next call opens new ones."""
    store = UpstashStore("http://127.0.0.1:1", "x")
    store._client._pool = object()
    store.forget_connections()
    assert store._client._pool is None


@pytest.mark.parametrize(("kind", "hooks"), [("snap-start", 3), ("on-demand", 0)])
def test_hooks_are_registered_for_snapshots_only(kind, hooks):
    """Elsewhere nothing is to be restored."""
    before = len(get_after_restore())
    light_services({**STORE, "AWS_LAMBDA_INITIALIZATION_TYPE": kind})
    assert len(get_after_restore()) - before == hooks


def test_what_is_left_to_chance_is_drawn_anew():
    """In functions on Lambda's own runtime as well: clones of one snapshot do not pause alike."""
    before = len(get_after_restore())
    light_services({**STORE, "AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start"})
    random.seed(1)
    for hook, args, kwargs in get_after_restore()[before:]:
        hook(*args, **kwargs)
    assert random.random() != random.Random(1).random()  # noqa: S311 - the number of the seed
