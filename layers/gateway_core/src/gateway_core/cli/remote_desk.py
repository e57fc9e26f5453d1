"""Keys, budgets and holds by a gateway's /admin routes, see docs/administration.md."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Mapping
from dataclasses import asdict
from typing import Any

from gateway_core.access.reconciling import Charge, Selection
from gateway_core.cli.answers import CommandError, GatewayAway, HoldLines, Line
from gateway_core.cli.calling import Gateway
from gateway_core.domain.cost import usd
from gateway_core.domain.times import iso
from gateway_core.store.records import AttemptName
from gateway_core.store.virtual_keys import KeyRecord

_KEYS, _BUDGETS, _HOLDS = "/admin/keys", "/admin/budgets", "/admin/holds"
_MOST_HOLDS = 1000
_PAGE = "500"
_RIGHTS = ("name", "user_id", "admin", "groups", "tools", "models", "api_base_hosts", "expires_ms")
_BLANK = KeyRecord("", "")
_OURS = {"project_id": "project", "user_id": "user"}
"""Names of the wire, and those of the lines that are printed."""


class RemoteDesk:
    """Implements `desk.Desk`. Each call is sent once, but the making of a key, which says that it may come twice."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def create_key(self, grant: KeyRecord) -> Line:
        rights = {name: getattr(grant, name) for name in _RIGHTS if getattr(grant, name) != getattr(_BLANK, name)}
        limits = {name: limit for name, limit in asdict(grant.limits).items() if limit is not None}
        body = {"project_id": grant.project_id, **_rights(rights), **_limits(limits)}
        once = {"idempotency-key": secrets.token_urlsafe(16)}
        try:
            made = await self._gateway.call("POST", _KEYS, body, has=("key", "id"), more=once)
        except GatewayAway:  # it may have made the key, whose secret nobody would have
            made = await self._gateway.call("POST", _KEYS, body, has=("key", "id"), more=once)
        return {"key": made["key"], "id": made["id"]}

    async def get_key(self, key_id: str) -> Line:
        return _line(await self._gateway.call("GET", f"{_KEYS}/{_path(key_id)}", has=("id",)))

    def key_pages(self, project_id: str) -> AsyncIterator[list[Line]]:
        return self._pages(_KEYS, "keys", {"project_id": project_id})

    async def update_key(self, key_id: str, rights: Mapping[str, Any], limits: Mapping[str, int | None]) -> Line:
        changes = {**_rights(rights), **_limits(limits)}
        return _line(await self._gateway.call("PATCH", f"{_KEYS}/{_path(key_id)}", changes, has=("id",)))

    async def rotate_key(self, key_id: str, *, overlap_s: int | None = None) -> Line:
        asked = {} if overlap_s is None else {"overlap_s": overlap_s}
        return await self._gateway.call("POST", f"{_KEYS}/{_path(key_id)}/rotate", asked, has=("key", "id"))

    async def revoke_key(self, key_id: str) -> Line:
        await self._gateway.call("DELETE", f"{_KEYS}/{_path(key_id)}")
        return {"id": key_id, "revoked": True}

    async def set_budget(self, project_id: str, user_id: str, changes: Mapping[str, int | None]) -> Line:
        body = {"project_id": project_id, **({"user_id": user_id} if user_id else {}), **_limits(changes)}
        return _line(await self._gateway.call("PATCH", _BUDGETS, body, has=("project_id",)))

    def budget_pages(self, project_id: str | None, user_id: str | None) -> AsyncIterator[list[Line]]:
        asked = {"project_id": project_id, "user_id": user_id}
        return self._pages(_BUDGETS, "budgets", {name: value for name, value in asked.items() if value})

    async def show_holds(self, selection: Selection) -> HoldLines:
        query = {**_selected(selection), "limit": str(_MOST_HOLDS)}
        found = await self._gateway.call("GET", _HOLDS, query=query, has=("holds", "sums", "left_off"))
        return HoldLines([_hold_line(hold) for hold in found["holds"]], found["sums"], found["left_off"])

    async def release_holds(self, selection: Selection, charge: Charge, *, dry_run: bool) -> HoldLines:
        sums = (await self.show_holds(selection)).sums
        body = {**_selected(selection), **_charged(charge), "dry_run": dry_run}
        found = await self._gateway.call("POST", f"{_HOLDS}/release", body, has=("holds",))
        return HoldLines([_hold_line(hold) for hold in found["holds"]], sums)

    async def release_hold(
        self, project_id: str, month: str | None, name: AttemptName, charge: Charge, *, dry_run: bool
    ) -> Line:
        of = _selected(Selection(project_id, month))
        body = {"hold": f"{name[0]}.{name[1]}", **of, **_charged(charge), "dry_run": dry_run}
        found = await self._gateway.call("POST", f"{_HOLDS}/release", body, has=("holds",))
        return _hold_line(found["holds"][0])

    async def _pages(self, path: str, name: str, query: Mapping[str, str]) -> AsyncIterator[list[Line]]:
        """Raises CommandError for a gateway that leads in a circle."""
        cursor, seen = "", set[str]()
        while cursor not in seen:
            seen.add(cursor)
            asked = {**query, "limit": _PAGE, **({"cursor": cursor} if cursor else {})}
            page = await self._gateway.call("GET", path, query=asked, has=(name,))
            yield [_line(found) for found in page[name]]
            if not (cursor := page.get("next_cursor") or ""):
                return
        raise CommandError(f"The gateway's pages of {name} lead in a circle.")


def _selected(selection: Selection) -> dict[str, str]:
    asked = {"project_id": selection.project_id, "month": selection.month, "state": selection.state}
    named = {name: value for name, value in asked.items() if value}
    age_s = selection.older_than_ms // 1000
    return {**named, **({"older_than": f"{age_s}s"} if age_s else {})}


def _charged(charge: Charge) -> Line:
    if isinstance(charge, str):
        return {"charge": charge}
    return {"charge": usd(charge.nano), **({"charge_tokens": charge.tokens} if charge.tokens else {})}


def _path(key_id: str) -> str:
    """An id as a part of a path; what cannot be one finds no key there either."""
    return key_id if all(letter.isalnum() or letter in "_-" for letter in key_id) and key_id.isascii() else "-"


def _rights(rights: Mapping[str, Any]) -> Line:
    """Fields of `KeyRecord` as the wire has them."""
    found: dict[str, Any] = {name: list(value) if isinstance(value, tuple) else value for name, value in rights.items()}
    if "expires_ms" in found:
        ends_ms = found.pop("expires_ms")
        found["expires_at"] = None if ends_ms is None else iso(ends_ms)
    return {name: None if value == "" else value for name, value in found.items()}


def _limits(limits: Mapping[str, int | None]) -> Line:
    """Fields of `Limits` as the wire has them."""
    return {
        f"{name.removesuffix('_nano')}_usd" if name.endswith("_nano") else name: _amount(name, limit)
        for name, limit in limits.items()
    }


def _amount(name: str, limit: int | None) -> object:
    return usd(limit) if name.endswith("_nano") and limit is not None else limit


def _hold_line(found: Mapping[str, object]) -> Line:
    return {"project" if name == "project_id" else name: value for name, value in found.items()}


def _line(found: Mapping[str, object]) -> Line:
    """As a store's administration has it."""
    line = {_OURS.get(name, name): value for name, value in found.items()}
    return {**line, "user": line["user"] or ""} if "user" in line else line
