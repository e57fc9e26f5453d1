"""What tests of `/admin/*` share."""

from __future__ import annotations

from typing import Any

import httpx

from gateway_core.adapters.memory import MemoryStore
from gateway_core.api.admin.operator import with_dev_key
from gateway_core.api.admin.routes import admin_router
from gateway_core.api.app import create_app
from gateway_core.domain.credentials import Secret
from gateway_core.domain.errors import StoreUnavailable
from tests.conftest import World, catalog_of, model, settings_for

DEV = "gk_dev_local"


class Flaky(MemoryStore):
    """A store that can be away."""

    away = False

    async def list_keys(self, project_id: str) -> Any:
        if self.away:
            raise StoreUnavailable("The gateway's store does not answer.")
        return await super().list_keys(project_id)


def admin_world() -> World:
    """Two models, a store that can be away, and a development key."""
    catalog = catalog_of(model("first"), model("second"), groups={"fast": ("first",), "code": ("second",)})
    return World(catalog, settings_for(catalog, dev_key=Secret(DEV)), store=Flaky())


def client_of(world: World, key: str = DEV, gate: Any = with_dev_key, keeper: Any = None) -> httpx.AsyncClient:
    """Speaks to all of `/admin/*` with a key, or with none if it is empty."""
    app = create_app(world.services, admin_router(gate, keeper))
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    headers = {"authorization": f"Bearer {key}"} if key else {}
    return httpx.AsyncClient(transport=transport, base_url="http://gateway", headers=headers)


async def made(http: httpx.AsyncClient, /, **fields: Any) -> dict[str, Any]:
    """A new key, of `alpha` unless it is said."""
    answer = await http.post("/admin/keys", json={"project_id": "alpha", **fields})
    assert answer.status_code == 201, answer.text
    return answer.json()
