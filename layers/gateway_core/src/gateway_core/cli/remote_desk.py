"""Keys and budgets by a gateway's /admin routes, see docs/administration.md."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from gateway_core.cli.answers import Line
from gateway_core.cli.calling import Gateway
from gateway_core.domain.cost import usd
from gateway_core.domain.times import iso
from gateway_core.store.virtual_keys import KeyRecord

_KEYS, _BUDGETS = "/admin/keys", "/admin/budgets"
_RIGHTS = ("name", "user_id", "admin", "groups", "tools", "models", "api_base_hosts", "expires_ms")
_BLANK = KeyRecord("", "")
_OURS = {"project_id": "project", "user_id": "user"}
"""Names of the wire, and those of the lines that are printed."""


class RemoteDesk:
    """Implements `desk.Desk`. Each call is sent once: a key whose answer gets lost would be made twice."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def create_key(self, grant: KeyRecord) -> Line:
        rights = {name: getattr(grant, name) for name in _RIGHTS if getattr(grant, name) != getattr(_BLANK, name)}
        limits = {name: limit for name, limit in asdict(grant.limits).items() if limit is not None}
        body = {"project_id": grant.project_id, **_rights(rights), **_limits(limits)}
        made = await self._gateway.call("POST", _KEYS, body)
        return {"key": made["key"], "id": made["id"]}

    async def get_key(self, key_id: str) -> Line:
        return _line(await self._gateway.call("GET", f"{_KEYS}/{_path(key_id)}"))

    async def list_keys(self, project_id: str) -> list[Line]:
        lines: list[Line] = []
        query = {"project_id": project_id}
        while True:
            page = await self._gateway.call("GET", _KEYS, query=query)
            lines += [_line(key) for key in page["keys"]]
            if not (cursor := page.get("next_cursor")):
                return lines
            query["cursor"] = cursor

    async def update_key(self, key_id: str, rights: Mapping[str, Any], limits: Mapping[str, int | None]) -> Line:
        changes = {**_rights(rights), **_limits(limits)}
        return _line(await self._gateway.call("PATCH", f"{_KEYS}/{_path(key_id)}", changes))

    async def rotate_key(self, key_id: str, *, overlap_s: int | None = None) -> Line:
        asked = {} if overlap_s is None else {"overlap_s": overlap_s}
        return await self._gateway.call("POST", f"{_KEYS}/{_path(key_id)}/rotate", asked)

    async def revoke_key(self, key_id: str) -> Line:
        await self._gateway.call("DELETE", f"{_KEYS}/{_path(key_id)}")
        return {"id": key_id, "revoked": True}

    async def set_budget(self, project_id: str, user_id: str, changes: Mapping[str, int | None]) -> Line:
        body = {"project_id": project_id, **({"user_id": user_id} if user_id else {}), **_limits(changes)}
        return _line(await self._gateway.call("PATCH", _BUDGETS, body))

    async def show_budgets(self, project_id: str | None, user_id: str | None) -> list[Line]:
        asked = {"project_id": project_id, "user_id": user_id}
        query = {name: value for name, value in asked.items() if value}
        found = await self._gateway.call("GET", _BUDGETS, query=query)
        return [_line(budget) for budget in found["budgets"]]


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


def _line(found: Mapping[str, object]) -> Line:
    """As a store's administration has it."""
    line = {_OURS.get(name, name): value for name, value in found.items()}
    return {**line, "user": line["user"] or ""} if "user" in line else line
