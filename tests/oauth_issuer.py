"""An authorization server of the tests: real keys, real tokens, and the few routes that a client of OAuth asks."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import secrets
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any
from urllib.parse import parse_qs, urlencode

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from gateway_core.domain.caller import Limits
from gateway_core.domain.errors import IssuerUnavailable
from gateway_core.domain.oauth import ClaimNames, FirstRights, OAuthPolicy

ISSUER = "https://issuer.example/"
RESOURCE = "http://localhost/mcp"
SUBJECT = "auth0|ann"
NOW_S = 1_795_190_400
"""When the tests' manual clock begins."""


@cache
def rsa_key(number: int = 0, bits: int = 2048) -> rsa.RSAPrivateKey:
    """The same one each time, as they take long to make; `number` tells them apart."""
    assert number >= 0
    return rsa.generate_private_key(65537, bits)


@cache
def ec_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def public_jwk(key: Any, kid: str, **more: str) -> dict[str, Any]:
    """What a key set has of a key."""
    algorithm = jwt.algorithms.RSAAlgorithm if isinstance(key, rsa.RSAPrivateKey) else jwt.algorithms.ECAlgorithm
    return {**algorithm.to_jwk(key.public_key(), as_dict=True), "kid": kid, "use": "sig", **more}


@dataclass
class Issuer:
    """Signs what it is told to. As a `KeySetSource` it counts how often it was asked, and may be away."""

    issuer: str = ISSUER
    audience: str = RESOURCE
    now_s: int = NOW_S
    keys: dict[str, Any] = field(default_factory=lambda: {"rsa": rsa_key(), "ec": ec_key()})
    asked: list[str] = field(default_factory=list)
    away: bool = False

    def claims(self, **changes: Any) -> dict[str, Any]:
        """Those of a good token; what is changed to None is left out."""
        usual = {
            "iss": self.issuer,
            "aud": self.audience,
            "sub": SUBJECT,
            "iat": self.now_s,
            "exp": self.now_s + 600,
            "scope": "gateway:use",
        }
        return {name: value for name, value in {**usual, **changes}.items() if value is not None}

    def token(self, kid: str = "rsa", algorithm: str = "", **changes: Any) -> str:
        """A signed one."""
        algorithm = algorithm or ("RS256" if kid == "rsa" else "ES256")
        return jwt.encode(self.claims(**changes), self.keys[kid], algorithm, headers={"kid": kid})

    def key_set(self) -> dict[str, Any]:
        return {"keys": [public_jwk(key, kid) for kid, key in self.keys.items()]}

    async def fetch(self, url: str) -> bytes:
        """Implements the port `KeySetSource`."""
        self.asked.append(url)
        await asyncio.sleep(0)  # others come meanwhile
        if self.away:
            raise IssuerUnavailable.of("away", 5)
        return json.dumps(self.key_set()).encode()


def forged(header: dict[str, Any], claims: dict[str, Any], signature: bytes = b"") -> str:
    """A token that no library would make."""
    parts = [*(json.dumps(part).encode() for part in (header, claims)), signature]
    return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts)


def policy_of(issuer: Issuer | None = None, **changes: Any) -> OAuthPolicy:
    """What the tests configure unless they say otherwise."""
    issuer = issuer or Issuer()
    usual = OAuthPolicy(
        issuer=issuer.issuer,
        resource=RESOURCE,
        audience=issuer.audience,
        jwks_url=f"{issuer.issuer}jwks",
        algorithms=frozenset({"RS256", "ES256"}),
        scopes=("gateway:use",),
        leeway_s=30,
        jwks_ttl_s=3600,
        project="alpha",
        projects=frozenset(),
        claims=ClaimNames(),
        first=FirstRights(limits=Limits(rpm=100)),
    )
    return replace(usual, **changes)


def issuer_app(issuer: Issuer) -> Starlette:
    """Discovery, key set, registration, and the code flow with PKCE; whoever comes is signed in at once."""
    codes: dict[str, str] = {}

    async def discovery(_request: Request) -> Response:
        base = issuer.issuer.rstrip("/")
        return JSONResponse(
            {
                "issuer": issuer.issuer,
                "authorization_endpoint": f"{base}/authorize",
                "token_endpoint": f"{base}/token",
                "registration_endpoint": f"{base}/register",
                "jwks_uri": f"{base}/jwks",
                "response_types_supported": ["code"],
                "grant_types_supported": ["authorization_code", "refresh_token"],
                "code_challenge_methods_supported": ["S256"],
                "token_endpoint_auth_methods_supported": ["none"],
            }
        )

    async def register(request: Request) -> Response:
        return JSONResponse({**await request.json(), "client_id": "client-1"}, 201)

    async def authorize(request: Request) -> Response:
        code = secrets.token_hex(8)
        codes[code] = request.query_params["code_challenge"]
        back = {"code": code, "state": request.query_params["state"], "iss": issuer.issuer}
        return RedirectResponse(f"{request.query_params['redirect_uri']}?{urlencode(back)}")

    async def token(request: Request) -> Response:
        form = {name: values[0] for name, values in parse_qs((await request.body()).decode()).items()}
        proof = base64.urlsafe_b64encode(hashlib.sha256(form["code_verifier"].encode()).digest()).decode().rstrip("=")
        if codes.pop(form["code"], "") != proof:
            return JSONResponse({"error": "invalid_grant"}, 400)
        made = issuer.token(aud=form.get("resource"))
        return JSONResponse({"access_token": made, "token_type": "Bearer", "expires_in": 600, "scope": "gateway:use"})

    async def key_set(_request: Request) -> Response:
        return JSONResponse(issuer.key_set())

    return Starlette(
        routes=[
            Route("/.well-known/oauth-authorization-server", discovery),
            Route("/.well-known/openid-configuration", discovery),
            Route("/register", register, methods=["POST"]),
            Route("/authorize", authorize),
            Route("/token", token, methods=["POST"]),
            Route("/jwks", key_set),
        ]
    )
