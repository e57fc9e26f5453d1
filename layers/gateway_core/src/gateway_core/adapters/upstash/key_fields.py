"""Fields of a project's hash that say what a secret of a key, or a user of tokens, may do."""

from __future__ import annotations

from gateway_core.store.virtual_keys import is_subject, own_part_of

_KEY_PREFIX = "k|"
ANY_KEY, ANY_SUBJECT = "[kj]|*", "j|*"
"""Patterns of these fields: of all, and of those of users of tokens."""


def key_field(digest: str) -> str:
    """The field of this digest; of a user of tokens it is the digest itself."""
    return digest if is_subject(digest) else _KEY_PREFIX + digest


def digest_in(field: str) -> str | None:
    """The digest that such a field is named by, None for any other."""
    if is_subject(field):
        return field
    return field.removeprefix(_KEY_PREFIX) if field.startswith(_KEY_PREFIX) else None


def own_part_in(field: str) -> str:
    """What the key's id has beside the project, empty for any other field."""
    digest = digest_in(field)
    return "" if digest is None else own_part_of(digest)
