"""/admin/keys: made, shown, changed, rotated, revoked."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from gateway_core.access.administration import Line
from gateway_core.api.admin.operator import MOST_BODY_BYTES, Desk
from gateway_core.api.admin.schemas import KeyBody, KeyFields, KeysQuery, RotateBody
from gateway_core.api.body import parse_json, read_body, read_json, validate
from gateway_core.api.query import query_of
from gateway_core.api.routes import Routes
from gateway_core.domain.caller import Limits
from gateway_core.domain.errors import InvalidRequest
from gateway_core.store.jobs import IDEMPOTENCY_KEY_FORM
from gateway_core.store.virtual_keys import KeyRecord, project_of_key_id

IDEMPOTENCY_KEY = "Idempotency-Key"


def add_keys(routes: Routes, desk: Desk) -> None:
    """The routes of keys."""

    @routes.post("/admin/keys")
    async def create(request: Request) -> Response:
        async with desk.serve(request, "key.created") as deed:
            body = validate(KeyBody, await read_json(request, MOST_BODY_BYTES))
            deed.project_id = body.project_id
            grant = KeyRecord(body.project_id, "", limits=Limits(**body.limits()), **body.rights())
            made = await deed.work.create_key(grant, once=_once(request))
            deed.target = str(made["id"])
            return _secret(made, HTTPStatus.CREATED)

    @routes.get("/admin/keys")
    async def several(request: Request) -> dict[str, Any]:
        async with desk.serve(request, "key.listed", changes=False) as deed:
            asked = validate(KeysQuery, query_of(request))
            deed.target = deed.project_id = asked.project_id
            page = await deed.work.key_page(asked.project_id, after=asked.cursor, limit=asked.limit)
            return {"keys": [key_row(line) for line in page.lines], "next_cursor": page.next_cursor}

    @routes.get("/admin/keys/{key_id}")
    async def one(request: Request, key_id: str) -> dict[str, Any]:
        async with desk.serve(request, "key.shown", key_id, changes=False) as deed:
            deed.project_id = project_of_key_id(key_id) or ""
            return key_row(await deed.work.get_key(key_id))

    @routes.patch("/admin/keys/{key_id}")
    async def update(request: Request, key_id: str) -> dict[str, Any]:
        async with desk.serve(request, "key.updated", key_id) as deed:
            deed.project_id = project_of_key_id(key_id) or ""
            body = validate(KeyFields, await read_json(request, MOST_BODY_BYTES))
            return key_row(await deed.work.update_key(key_id, body.rights(), body.limits()))

    @routes.delete("/admin/keys/{key_id}")
    async def revoke(request: Request, key_id: str) -> dict[str, Any]:
        async with desk.serve(request, "key.revoked", key_id) as deed:
            deed.project_id = project_of_key_id(key_id) or ""
            return await deed.work.revoke_key(key_id)

    @routes.post("/admin/keys/{key_id}/rotate")
    async def rotate(request: Request, key_id: str) -> Response:
        async with desk.serve(request, "key.rotated", key_id) as deed:
            deed.project_id = project_of_key_id(key_id) or ""
            raw = await read_body(request, MOST_BODY_BYTES)
            body = validate(RotateBody, parse_json(raw) if raw else {})
            return _secret(await deed.work.rotate_key(key_id, overlap_s=body.overlap_s), HTTPStatus.OK)


def key_row(line: Line) -> dict[str, Any]:
    """A key as the wire has it: by the names that a request has."""
    shown = {name: value for name, value in line.items() if name not in {"project", "user"}}
    first = {name: shown.pop(name) for name in ("id", "name")}
    return {**first, "project_id": line["project"], "user_id": line["user"] or None, **shown}


def _once(request: Request) -> str:
    """By which name this is asked once, empty for none. Raises InvalidRequest for what is no such name."""
    sent = request.headers.getlist(IDEMPOTENCY_KEY)
    if len(sent) > 1 or not all(IDEMPOTENCY_KEY_FORM.fullmatch(name) for name in sent):
        text = f"{IDEMPOTENCY_KEY}: send one, of 1 to 255 characters that can be printed."
        raise InvalidRequest(text, param=IDEMPOTENCY_KEY, schema=True)
    return sent[0] if sent else ""


def _secret(made: Line, status: HTTPStatus) -> Response:
    """An answer that nobody on the way may keep."""
    return JSONResponse(made, status, {"cache-control": "no-store"})
