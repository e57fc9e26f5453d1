"""What has to be done so that keys and budgets are as a file says. Pure; works on the lines that a desk answers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from gateway_core.cli.answers import CommandError, Line
from gateway_core.cli.keys_file import WantedProject
from gateway_core.domain.caller import Limits
from gateway_core.domain.cost import usd
from gateway_core.domain.times import iso
from gateway_core.store.virtual_keys import KeyRecord

type Difference = Mapping[str, tuple[object, object]]
"""By the name that lines have for it: what is, and what is to be."""
_RIGHTS = ("user_id", "admin", "groups", "models", "tools", "api_base_hosts", "expires_ms")
_LIMITS = ("day_nano", "month_nano", "day_tokens", "month_tokens")
_RATES = ("rpm", "tpm")
_LINE_NAMES = {"user_id": "user", "expires_ms": "expires_at", "day_nano": "day_usd", "month_nano": "month_usd"}
_DAY_DIGITS = 8


@dataclass(frozen=True, slots=True)
class Step:
    """One call of a desk. `rights` and `limits` are fields of `KeyRecord` and `Limits` with what they are to be."""

    action: Literal["create", "update", "revoke", "set"]
    project_id: str
    subject: str
    """A key's name, or the budget's user, empty for the project's own."""
    differs: Difference = field(default_factory=dict)
    key_id: str = ""
    grant: KeyRecord | None = None
    rights: Mapping[str, Any] = field(default_factory=dict)
    limits: Mapping[str, int | None] = field(default_factory=dict)

    def line(self) -> Line:
        """As it is printed; `changes` has what is now, and what is to be."""
        what = {"user": self.subject} if self.action == "set" else {"name": self.subject}
        changes = {name: list(pair) for name, pair in self.differs.items()}
        return {
            "action": self.action,
            "kind": "budget" if self.action == "set" else "key",
            "project": self.project_id,
            **what,
            **({"id": self.key_id} if self.key_id else {}),
            **({"changes": changes} if changes else {}),
        }


def steps(wanted: WantedProject, keys: Sequence[Line], budgets: Sequence[Line], *, prune: bool) -> Iterator[Step]:
    """Keys first: a project begins with its first one. Raises CommandError where a name does not tell which key."""
    # Users of tokens come by themselves: no file has to name them.
    alive = [key for key in keys if not key["revoked"] and not key.get("issuer")]
    by_name = _by("name", alive)
    for name, grant in wanted.keys.items():
        found = by_name.get(name, [])
        if len(found) > 1:
            ids = ", ".join(str(key["id"]) for key in found)
            raise CommandError(f"Project {wanted.project_id} has several keys named {name!r}: {ids}. Revoke or rename.")
        if not found:
            yield Step("create", wanted.project_id, name, grant=grant)
        elif step := _update(grant, found[0]):
            yield step
    by_scope = _by("scope", budgets)
    for user, limits in wanted.budgets.items():
        if step := _budget(wanted.project_id, user, limits, by_scope.get(f"u:{user}" if user else "p", [])):
            yield step
    for key in alive if prune else ():
        if key.get("name") not in wanted.keys:
            yield Step("revoke", wanted.project_id, str(key.get("name") or ""), key_id=str(key["id"]))


def _by(field: str, lines: Sequence[Line]) -> dict[object, list[Line]]:
    """For each value of a field its lines."""
    found: dict[object, list[Line]] = {}
    for line in lines:
        found.setdefault(line.get(field), []).append(line)
    return found


def _update(grant: KeyRecord, key: Line) -> Step | None:
    rights = {name: getattr(grant, name) for name in _RIGHTS}
    limits = {name: getattr(grant.limits, name) for name in (*_LIMITS, *_RATES)}
    differing = {name: pair for name, value in (rights | limits).items() if (pair := _pair(name, value, key))}
    if not differing:
        return None
    return Step(
        "update",
        grant.project_id,
        grant.name,
        {_LINE_NAMES.get(name, name): pair for name, pair in differing.items()},
        key_id=str(key["id"]),
        rights={name: value for name, value in rights.items() if name in differing},
        limits={name: value for name, value in limits.items() if name in differing},
    )


def _pair(name: str, value: Any, key: Line) -> tuple[object, object] | None:
    """What is and what is to be, None if that is the same."""
    now = key.get(_LINE_NAMES.get(name, name))
    then = _printed(name, value)
    if isinstance(now, list) and isinstance(then, list):
        return None if sorted(now) == sorted(then) else (now, then)
    return None if now == then else (now, then)


def _printed(name: str, value: Any) -> object:
    """A field of `KeyRecord` or `Limits` as lines have it."""
    if isinstance(value, tuple):
        return list(value)
    if value is None or not name.endswith(("_nano", "_ms")):
        return value
    return usd(value) if name.endswith("_nano") else iso(value)


def _budget(project: str, user: str, limits: Limits, lines: Sequence[Line]) -> Step | None:
    """From the scope's own lines, one for each period."""
    periods = {len(str(line["period"])) == _DAY_DIGITS: line for line in lines}
    day, month = periods.get(True, {}), periods.get(False, {})
    now = {
        "day_nano": day.get("limit_usd"),
        "month_nano": month.get("limit_usd"),
        "day_tokens": day.get("limit_tokens"),
        "month_tokens": month.get("limit_tokens"),
    }
    wanted = {name: getattr(limits, name) for name in _LIMITS}
    differing = {name for name, value in wanted.items() if now[name] != _printed(name, value)}
    if not differing:
        return None
    return Step(
        "set",
        project,
        user,
        {
            _LINE_NAMES.get(name, name): (now[name], _printed(name, wanted[name]))
            for name in _LIMITS
            if name in differing
        },
        limits={name: wanted[name] for name in _LIMITS if name in differing},
    )
