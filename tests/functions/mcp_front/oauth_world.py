"""The MCP front of the in-memory world, with tokens of an issuer of the tests beside keys."""

from __future__ import annotations

import json
from typing import Any, override

import httpx

from gateway_core.bootstrap import token_door
from gateway_core.config.environment import StoreSettings
from gateway_core.domain.chat import Deployment
from gateway_core.domain.credentials import Secret
from gateway_core.domain.oauth import OAuthPolicy
from gateway_core.invocation import HttpRequest, identity_in, told_beside
from gateway_core.mcp_front.oauth.door import TokenDoor
from gateway_core.mcp_front.settings import McpSettings
from tests.conftest import World, catalog_of, model, settings_for
from tests.functions.mcp_front.conftest import MODERN, McpWorld, message
from tests.oauth_issuer import Issuer, policy_of

STORE = StoreSettings("http://127.0.0.1:9", Secret("the store's token"))
LIST = message("tools/list", MODERN, {})


class OAuthWorld(McpWorld):
    """`mcp` with one issuer; what is configured of it may change while it runs."""

    def __init__(self, issuer: Issuer | None = None, policy: OAuthPolicy | None = None) -> None:
        self.issuer = issuer or Issuer()
        vectors = Deployment("vectors-provider", "vectors", "https://vectors.example", "embedding")
        groups = {"reasoning": ("first",), "fast": ("second",), "embedding": ("vectors",)}
        models = (model("first"), model("second"), model("vectors", deployment=vectors))
        catalog = catalog_of(*models, groups=groups)
        self._policy = policy or policy_of(self.issuer)
        super().__init__(World(catalog, settings_for(catalog, store=STORE)), self)

    @override
    def _tokens(self) -> TokenDoor:
        return token_door(self.world.services, self.issuer)

    def now(self) -> McpSettings:
        """Implements `Current`."""
        return McpSettings(is_local=True, oauth=self._policy)

    def configure(self, policy: OAuthPolicy) -> None:
        self._policy = policy

    async def as_bearer(self, token: str, body: tuple[dict[str, str], bytes] = LIST) -> httpx.Response:
        """A request with this token."""
        return await self.send(body[1], **body[0], authorization=f"Bearer {token}")

    async def use(self, tool: str, token: str, **arguments: Any) -> dict[str, Any]:
        """The result of a tool, by a token."""
        asked = message("tools/call", MODERN, {"name": tool, "arguments": arguments})
        answer = await self.as_bearer(token, asked)
        assert answer.status_code == 200, answer.text
        result: dict[str, Any] = json.loads(answer.text.rpartition("data: ")[2])["result"]
        return result

    def identity_of(self, request: HttpRequest) -> str:
        """What a function was told of who calls."""
        return identity_in({"requestContext": told_beside(request)}) or ""
