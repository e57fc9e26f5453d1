"""Who calls: virtual keys, their rights, and the proof of them.

A key is `gk_{project}_{secret}`: the project is readable, so that every Redis key is known before a script runs, and
the SHA-256 of the whole key proves the claim. Only the digest is stored.

Users of OAuth's tokens have records of the same form, from their first call on: so their rights and limits are held,
and changed, as those of keys. What stands for the digest there names issuer and subject.
"""

from __future__ import annotations

import hashlib
import json
import re
import secrets
from dataclasses import dataclass, field
from urllib.parse import quote, unquote

from gateway_core.domain.caller import Caller, Limits
from gateway_core.domain.errors import Unauthenticated
from gateway_core.domain.times import LATEST_MS
from gateway_core.store.soundness import check_texts, check_types

PROJECT_ID = re.compile(r"[a-z0-9-]{1,32}")
_KEY = re.compile(r"gk_([a-z0-9-]{1,32})_([A-Za-z0-9_-]{1,200})")
_KEY_ID = re.compile(r"key_([a-z0-9-]{1,32})_[0-9a-f]{16}")
ID_DIGITS = 16
_SUBJECT = "j|"
"""What a digest, which is hexadecimal, cannot begin with."""
_REMEDY = "Send a virtual key as 'Authorization: Bearer gk_...' or 'x-api-key: gk_...'."


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """A virtual key as stored: everything but the secret. Times are milliseconds since the epoch.

    `name` is what its owner calls it: it gives no right, and need not be the only one. From `expires_ms` on the key is
    refused. A rotation adds a record with another secret for the same key: `of` says for which, `issued_ms` since when;
    the older one is refused from `replaced_ms` on.
    """

    project_id: str
    digest: str
    user_id: str = ""
    admin: bool = False
    groups: tuple[str, ...] = ()
    tools: tuple[str, ...] = ()
    api_base_hosts: tuple[str, ...] = ()
    limits: Limits = field(default_factory=Limits)
    created_ms: int = 0
    revoked_ms: int | None = None
    rights_tag: str = ""
    models: tuple[str, ...] = ()
    name: str = ""
    expires_ms: int | None = None
    of: str = ""
    issued_ms: int | None = None
    replaced_ms: int | None = None

    @property
    def id(self) -> str:
        """Public name of the key; carries the project, so that `revoke` needs nothing else. Rotations keep it."""
        return f"key_{self.project_id}_{self.own_part}"

    @property
    def own_part(self) -> str:
        """What the id has beside the project: the beginning of the first secret's digest."""
        return self.of or own_part_of(self.digest)

    @property
    def is_subject(self) -> bool:
        """Whether it is of a user of tokens, and has no secret."""
        return is_subject(self.digest)

    def has_ended(self, now_ms: int) -> bool:
        """Whether the time of the key, or of this secret of it, is over."""
        return self.has_expired(now_ms) or (self.replaced_ms is not None and self.replaced_ms <= now_ms)

    def has_expired(self, now_ms: int) -> bool:
        """Whether the end that an operator gave the key has come; another can be given, unlike that of a secret."""
        return self.expires_ms is not None and self.expires_ms <= now_ms

    def caller(self) -> Caller:
        return Caller(
            project_id=self.project_id,
            key_id=self.id,
            digest=self.digest,
            rights_tag=self.rights_tag,
            user_id=self.user_id,
            admin=self.admin,
            groups=frozenset(self.groups),
            tools=frozenset(self.tools),
            api_base_hosts=frozenset(self.api_base_hosts),
            models=frozenset(self.models),
        )


def rights_json(record: KeyRecord) -> str:
    """The part of a stored key that says what it may do; whatever changes in it changes the tag.

    Earlier releases would count a rotated secret on an account of its own, and so twice: to them it is a revoked one.
    """
    rights = {
        "user": record.user_id,
        "admin": record.admin,
        "groups": record.groups,
        "tools": record.tools,
        "hosts": record.api_base_hosts,
        "models": record.models,
        "created_ms": record.created_ms,
        "revoked_ms": record.issued_ms if record.of else record.revoked_ms,
        **({"name": record.name} if record.name else {}),
        **({} if record.expires_ms is None else {"expires_ms": record.expires_ms}),
        **({} if record.replaced_ms is None else {"replaced_ms": record.replaced_ms}),
        **({"of": record.of, "ended_ms": record.revoked_ms} if record.of else {}),
    }
    return json.dumps(rights, separators=(",", ":"))


def rights_tag(text: str) -> str:
    """Short name of the rights in `text`: SHA-1 in hex, because that is what a script in Redis can compute."""
    return hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


def with_rights(project_id: str, digest: str, limits: Limits, text: str) -> KeyRecord:
    """The record of a key from what is stored; `text` is the `rights_json`.

    Raises LookupError, TypeError, ValueError for what is none.
    """
    rights = json.loads(text)
    of = rights.get("of", "")
    found = KeyRecord(
        project_id=project_id,
        digest=digest,
        user_id=rights["user"],
        admin=rights["admin"],
        groups=tuple(rights["groups"]),
        tools=tuple(rights["tools"]),
        api_base_hosts=tuple(rights["hosts"]),
        limits=limits,
        created_ms=rights["created_ms"],
        revoked_ms=rights["ended_ms"] if of else rights["revoked_ms"],
        rights_tag=rights_tag(text),
        models=tuple(rights.get("models", ())),  # keys of before have none
        name=rights.get("name", ""),
        expires_ms=rights.get("expires_ms"),
        of=of,
        issued_ms=rights["revoked_ms"] if of else None,
        replaced_ms=rights.get("replaced_ms"),
    )
    check_types(found)
    check_texts(*found.groups, *found.tools, *found.api_base_hosts, *found.models)
    _check_moments(found)
    return found


def _check_moments(found: KeyRecord) -> None:
    ends = (found.revoked_ms, found.expires_ms, found.issued_ms, found.replaced_ms)
    if not all(0 <= moment <= LATEST_MS for moment in (found.created_ms, *(end for end in ends if end is not None))):
        raise ValueError(found.created_ms)


def new_key(project_id: str) -> str:
    """A fresh key with 256 random bits."""
    return f"gk_{project_id}_{secrets.token_urlsafe(32)}"


def digest_of(key: str) -> str:
    """SHA-256 in hex of the whole key."""
    return hashlib.sha256(key.encode()).hexdigest()


def subject_digest(issuer: str, subject: str) -> str:
    """What stands in the place of a digest for a user of tokens."""
    return f"{_SUBJECT}{quote(issuer, safe='')}|{quote(subject, safe='')}"


def is_subject(digest: str) -> bool:
    """Whether it stands for a user of tokens."""
    return digest.startswith(_SUBJECT)


def issuer_of(digest: str) -> str:
    """Who issues the tokens of this user, empty for a key."""
    return unquote(digest.split("|")[1]) if is_subject(digest) else ""


def own_part_of(digest: str) -> str:
    """What a key's id has beside the project, by the digest of its first secret."""
    return (digest_of(digest) if is_subject(digest) else digest)[:ID_DIGITS]


def project_of(key: str) -> str:
    """The project that a presented key claims. Raises Unauthenticated for anything that is not shaped like a key."""
    match = _KEY.fullmatch(key)
    if not match:
        raise Unauthenticated(f"The API key is malformed. {_REMEDY}")
    return match[1]


def project_of_key_id(key_id: str) -> str | None:
    """The project in a key's public id, or None if it is not one."""
    match = _KEY_ID.fullmatch(key_id)
    return match[1] if match else None
