"""AppConfig's data plane as the real one speaks it, as far as reading goes: moto has its control plane only.

Tokens are good for one call and end with their session; who has the latest version is answered with nothing.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route


@dataclass
class AppConfigWire:
    """One profile. `deployed` is None before the first deployment; `calls` counts what was asked, by operation."""

    path: tuple[str, str, str]
    deployed: bytes | None = None
    calls: list[str] = field(default_factory=list)
    tokens: dict[str, bytes | None] = field(default_factory=dict)
    numbers: itertools.count[int] = field(default_factory=itertools.count)

    def expire(self) -> None:
        """A day goes by: all tokens are worthless."""
        self.tokens.clear()

    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/configurationsessions", self._start, methods=["POST"]),
                Route("/configuration", self._latest, methods=["GET"]),
            ]
        )

    async def _start(self, request: Request) -> Response:
        self.calls.append("start")
        asked = await request.json()
        names = ("ApplicationIdentifier", "EnvironmentIdentifier", "ConfigurationProfileIdentifier")
        if tuple(asked[name] for name in names) != self.path:
            return _error(404, "ResourceNotFoundException")
        assert asked["RequiredMinimumPollIntervalInSeconds"] >= 15
        return JSONResponse({"InitialConfigurationToken": self._token(None)}, 201)

    async def _latest(self, request: Request) -> Response:
        self.calls.append("latest")
        token = request.query_params["configuration_token"]
        if token not in self.tokens:
            return _error(400, "BadRequestException")
        known = self.tokens.pop(token)
        if self.deployed is None:
            return _error(404, "ResourceNotFoundException")
        body = b"" if known == self.deployed else self.deployed
        headers = {
            "Next-Poll-Configuration-Token": self._token(self.deployed),
            "Next-Poll-Interval-In-Seconds": "15",
            "content-type": "application/x-yaml",
        }
        return Response(body, 200, headers)

    def _token(self, known: bytes | None) -> str:
        token = f"token-{next(self.numbers)}"
        self.tokens[token] = known
        return token


def _error(status: int, kind: str) -> Response:
    return JSONResponse({"Message": "as AWS would say"}, status, {"x-amzn-ErrorType": kind})
