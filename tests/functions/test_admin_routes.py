"""/admin/keys: what operators do to keys over HTTP."""

from __future__ import annotations

import asyncio
import json

import pytest

from tests.conftest import World
from tests.functions.admin import admin_world, client_of, made


@pytest.fixture
def world() -> World:
    return admin_world()


@pytest.fixture
async def admin(world):
    async with client_of(world) as http:
        yield http


FULL = {
    "name": "laptop",
    "user_id": "ann",
    "admin": False,
    "groups": ["fast"],
    "models": ["fir*", "groq/*"],
    "tools": ["complete"],
    "api_base_hosts": ["Proxy.example.com"],
    "day_usd": "0.5",
    "month_usd": 10,
    "day_tokens": 7,
    "month_tokens": 8,
    "rpm": 60,
    "tpm": 1000,
    "expires_at": "2027-01-01T00:00:00Z",
}


async def test_a_key_has_what_was_asked_for_and_its_secret_is_told_once(admin, world):
    """All rights and limits; it works at once. Neither list nor log has the secret."""
    answer = await admin.post("/admin/keys", json={"project_id": "alpha", **FULL})
    body = answer.json()
    assert (answer.status_code, set(body), answer.headers["cache-control"]) == (201, {"id", "key"}, "no-store")
    assert (await world.services.authenticator.authenticate(body["key"])).user_id == "ann"
    shown = (await admin.get(f"/admin/keys/{body['id']}")).json()
    same = {
        **FULL,
        "api_base_hosts": ["proxy.example.com"],
        "month_usd": "10",
        "expires_at": "2027-01-01T00:00:00.000Z",
    }
    assert shown == {
        "id": body["id"],
        "project_id": "alpha",
        **same,
        "created": "2026-11-20T16:00:00.000Z",
        "rotated": None,
        "old_secret_ends_at": None,
        "revoked": None,
        "last_used": None,
        "spent": {"day_usd": "0", "month_usd": "0", "day_tokens": 0, "month_tokens": 0},
    }
    assert (await admin.get("/admin/keys", params={"project_id": "alpha"})).json() == {
        "keys": [shown],
        "next_cursor": None,
    }
    assert body["key"] not in world.log.getvalue() + json.dumps(world.events())


async def test_what_get_shows_may_be_sent_back(admin):
    """The fields have the same names and forms both ways; null lifts, what is not named stays."""
    key = await made(admin, **FULL)
    path = f"/admin/keys/{key['id']}"
    before = (await admin.get(path)).json()
    back = {name: before[name] for name in FULL}
    assert (await admin.patch(path, json=back)).json() == before
    after = (await admin.patch(path, json={"day_usd": None, "user_id": None, "groups": None, "rpm": 5})).json()
    assert after == {**before, "day_usd": None, "user_id": None, "groups": [], "rpm": 5}
    assert (await admin.patch(path, json={})).json() == after


@pytest.mark.parametrize("method", ["POST", "PATCH"])
@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"groups": ["fats"]}, "groups"),
        ({"tools": ["nosuch"]}, "tools"),
        ({"models": ["nosuch"]}, "models"),
        ({"models": ["a b"]}, "models.0"),
        ({"api_base_hosts": ["https://x.example"]}, "api_base_hosts.0"),
        ({"day_usd": "much"}, "day_usd"),
        ({"day_usd": True}, "day_usd"),
        ({"day_usd": -1}, "day_usd"),
        ({"day_usd": "1e999999"}, "day_usd"),
        ({"day_usd": "0.0000000001"}, "day_usd"),
        ({"day_tokens": 1.5}, "day_tokens"),
        ({"rpm": 0}, "rpm"),
        ({"name": "n" * 129}, "name"),
        ({"name": "a\u0007"}, "name"),
        ({"user_id": ""}, "user_id"),
        ({"expires_at": "tomorrow"}, "expires_at"),
        ({"expires_at": 5}, "expires_at"),
        ({"expires_at": "2027-02-30T00:00:00Z"}, "expires_at"),
        ({"expires_at": "2026-11-20T16:00:00Z"}, "expires_at"),
        ({"secret": "gk_alpha_mine"}, "secret"),
    ],
)
async def test_a_wrong_field_is_named(admin, method, fields, param):
    """By name, and nothing is made or changed."""
    key = await made(admin)
    path, body = ("/admin/keys", {"project_id": "alpha"}) if method == "POST" else (f"/admin/keys/{key['id']}", {})
    answer = await admin.request(method, path, json={**body, **fields})
    assert (answer.status_code, answer.json()["error"]["param"]) == (422, param), answer.text
    (only,) = (await admin.get("/admin/keys", params={"project_id": "alpha"})).json()["keys"]
    assert (only["id"], only["groups"], only["name"]) == (key["id"], [], "")


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        ("POST", "/admin/keys", {}, 422, "invalid_request"),
        ("POST", "/admin/keys", {"project_id": "Alpha"}, 422, "invalid_request"),
        ("GET", "/admin/keys", None, 422, "invalid_request"),
        ("GET", "/admin/keys?project_id=alpha&cursor=key_none", None, 422, "invalid_request"),
        ("GET", "/admin/keys/key_alpha_0123456789abcdef", None, 404, "unknown_key"),
        ("PATCH", "/admin/keys/nonsense", {"rpm": 1}, 404, "unknown_key"),
        ("DELETE", "/admin/keys/nonsense", None, 404, "unknown_key"),
        ("POST", "/admin/keys/nonsense/rotate", None, 404, "unknown_key"),
        ("POST", "/admin/keys/nonsense/rotate", {"overlap_s": -1}, 422, "invalid_request"),
        ("PUT", "/admin/keys/nonsense", {}, 405, "method_not_allowed"),
        ("GET", "/admin/nosuch", None, 404, "not_found"),
        ("PATCH", "/admin/budgets", {"project_id": "nosuch", "day_usd": 1}, 404, "unknown_project"),
        ("GET", "/admin/budgets?project_id=nosuch", None, 404, "unknown_project"),
        ("POST", "/admin/holds/release", {"hold": "r1.1"}, 422, "invalid_request"),
        ("POST", "/admin/holds/release", {"hold": "r1"}, 422, "invalid_request"),
        ("POST", "/admin/holds/release", {"hold": {}}, 422, "invalid_request"),
        ("POST", "/admin/holds/release", {"project_id": "alpha"}, 422, "invalid_request"),
        ("POST", "/admin/holds/release", {"hold": "r1.1", "project_id": "alpha"}, 404, "unknown_hold"),
        ("POST", "/admin/holds/release", {"charge": "bound", "charge_tokens": 1}, 422, "invalid_request"),
        ("POST", "/admin/holds/release", {"charge": "much"}, 422, "invalid_request"),
        ("POST", "/admin/holds/release", {"charge": "known", "older_than": 1.5}, 422, "invalid_request"),
        ("GET", "/admin/backlog", None, 503, "backlog_unavailable"),
        ("POST", "/admin/backlog/replay", None, 503, "backlog_unavailable"),
    ],
)
async def test_what_is_refused(admin, method, path, body, status, code):
    """In the gateway's one shape of errors."""
    answer = await admin.request(method, path, json=body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code), answer.text


async def test_a_rotation_leaves_the_older_secret_for_a_while(admin, world):
    """For as long as was asked for, or a day; revoked twice is revoked once, and then nothing more can be done."""
    key = await made(admin)
    path = f"/admin/keys/{key['id']}"
    rotated = (await admin.post(f"{path}/rotate", json={"overlap_s": 60})).json()
    assert (rotated["id"], rotated["old_secret_ends_at"]) == (key["id"], "2026-11-20T16:01:00.000Z")
    for secret in (key["key"], rotated["key"]):
        assert (await world.services.authenticator.authenticate(secret)).key_id == key["id"]
    again = await admin.post(f"{path}/rotate")
    assert (again.status_code, again.headers["cache-control"]) == (200, "no-store")
    for _ in range(2):
        assert (await admin.delete(path)).json() == {"id": key["id"], "revoked": True}
    for method, where in (("PATCH", path), ("POST", f"{path}/rotate")):
        answer = await admin.request(method, where, json={})
        assert (answer.status_code, answer.json()["error"]["code"]) == (409, "conflict")


async def test_two_who_change_a_key_at_once_both_do(admin):
    """Neither undoes what the other did."""
    key = await made(admin)
    path = f"/admin/keys/{key['id']}"
    changes = [{"rpm": 5}, {"tpm": 6}, {"name": "both"}, {"user_id": "ann"}]
    answers = await asyncio.gather(*(admin.patch(path, json=change) for change in changes))
    assert {answer.status_code for answer in answers} == {200}
    shown = (await admin.get(path)).json()
    assert (shown["rpm"], shown["tpm"], shown["name"], shown["user_id"]) == (5, 6, "both", "ann")


async def test_a_store_that_is_away_is_a_503(admin, world):
    """To be tried again."""
    world.store.away = True
    for method, path in (("GET", "/admin/keys?project_id=alpha"), ("PATCH", "/admin/keys/key_alpha_0123456789abcdef")):
        answer = await admin.request(method, path, json={})
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "store_unavailable")
