"""One call of a gateway over HTTP: who signs it, and what its refusals say."""

from __future__ import annotations

import argparse
import getpass
import json
import re
import ssl
import sys
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol, override
from urllib.parse import urlsplit

import httpx

from gateway_core.adapters.aws.account import Account
from gateway_core.adapters.aws.errors import AwsError
from gateway_core.adapters.aws.signature import Scope, query_text, signed
from gateway_core.cli.answers import CommandError, GatewayAway, GatewayRefused, UsageError
from gateway_core.config.client_environment import DEV_KEY, KEY, Address, key_in
from gateway_core.domain.credentials import Secret

_CONNECT_S, _READ_S = 10.0, 300.0
"""A whole answer may take 290 seconds."""
_REGION = re.compile(r"[^.]+\.execute-api\.([a-z0-9-]+)\.")
_MOST_SHOWN = 300
_NO_CREDENTIALS = (
    "There are no AWS credentials to sign with ({}). Set AWS_PROFILE or AWS_ACCESS_KEY_ID, or name a key by --key."
)
_UNUSABLE = (
    "The environment names a proxy or certificates that cannot be used ({}). "
    "Unset HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and SSL_CERT_FILE for this command, or correct them."
)
_NO_REGION = "Set AWS_REGION: the URL does not say in which region the gateway is."
_NO_ACCESS = "Allow your role execute-api:Invoke on the API's /admin/*, see docs/administration.md."


@dataclass(frozen=True, slots=True)
class Request:
    """What is sent. `path` is below the gateway's URL, and has nothing to be encoded."""

    method: str
    path: str
    query: Mapping[str, str]
    body: bytes


class Signer(Protocol):
    """Who says whose request it is."""

    def headers(self, url: str, request: Request, query: str) -> dict[str, str]:
        """Those to send with it; `query` is as it is sent."""
        ...


@dataclass(frozen=True, slots=True)
class KeySigner(Signer):
    """By a virtual key."""

    key: Secret

    @override
    def headers(self, url: str, request: Request, query: str) -> dict[str, str]:
        return {"authorization": f"Bearer {self.key.reveal()}"}


@dataclass(frozen=True, slots=True)
class AwsSigner(Signer):
    """By AWS credentials, as API Gateway's authorizer AWS_IAM checks them. Raises UsageError where there are none."""

    account: Account
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    @override
    def headers(self, url: str, request: Request, query: str) -> dict[str, str]:
        parts = urlsplit(url)
        sent = {"host": parts.netloc, "content-type": "application/json"}
        scope = Scope(self._region(parts.netloc), "execute-api")
        try:
            credentials = self.account.credentials()
        except AwsError as error:
            raise UsageError(_NO_CREDENTIALS.format(error.code)) from None
        path = f"{parts.path}{request.path}"
        return signed(path, sent, request.body, scope, credentials, self.now(), method=request.method, query=query)

    def _region(self, host: str) -> str:
        if found := _REGION.match(host):
            return found[1]
        try:
            return self.account.region()
        except AwsError:
            raise UsageError(_NO_REGION) from None


def _trusted(address: Address) -> ssl.SSLContext | bool:
    """All the world's certificates, but for plain HTTP on this machine: to load them takes some 25 ms."""
    plain = address.is_here and address.url.startswith("http://")
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT) if plain else True


class Gateway:
    """Calls one gateway. Raises GatewayAway where it does not answer, and CommandError with what it refuses."""

    def __init__(
        self, address: Address, signer: Signer | None, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self._url = address.url
        self._signer = signer
        timeout = httpx.Timeout(_READ_S, connect=_CONNECT_S)
        try:
            # What is on this machine is asked itself; a proxy for others sees what TLS lets it see.
            self._http = httpx.AsyncClient(
                timeout=timeout, trust_env=not address.is_here, verify=_trusted(address), transport=transport
            )
        except (ImportError, OSError, ValueError, httpx.InvalidURL) as error:
            raise UsageError(_UNUSABLE.format(type(error).__name__)) from None

    async def close(self) -> None:
        await self._http.aclose()

    async def call(
        self,
        method: str,
        path: str,
        body: object = None,
        query: Mapping[str, str] | None = None,
        has: Sequence[str] = (),
        more: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        """The answer's document, empty for none. Sent once: whether to try again is the caller's to say.

        One without what it `has` to have is no gateway's. `more`: see `opened`.
        """
        async with self.opened(method, path, body, query, more) as response:
            content = await response.aread()
        found = json_object(content or b"{}")
        if found is None or not found.keys() >= {*has}:
            raise CommandError(f"{self._url} answered {response.status_code}, but not as a gateway does.")
        return found

    @asynccontextmanager
    async def opened(
        self,
        method: str,
        path: str,
        body: object = None,
        query: Mapping[str, str] | None = None,
        more: Mapping[str, str] | None = None,
    ) -> AsyncGenerator[httpx.Response]:
        """The open answer, to be read as it comes; a refusal is raised. `more`: headers that need no signature."""
        content = b"" if body is None else json.dumps(body, ensure_ascii=False).encode()
        request = Request(method, path, query or {}, content)
        asked = query_text(request.query)
        headers = {"content-type": "application/json", **(more or {})}
        if self._signer:
            headers |= self._signer.headers(self._url, request, asked)
        url = f"{self._url}{path}{'?' if asked else ''}{asked}"
        try:
            async with self._http.stream(method, url, content=content, headers=headers) as response:
                if not response.is_success:
                    raise _refusal(response.status_code, await response.aread(), self._url)
                yield response
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise GatewayAway(f"{self._url} does not answer ({type(error).__name__}).") from None


def administrator(options: argparse.Namespace, environ: Mapping[str, str], address: Address) -> Signer:
    """Who administers: a key that is named, on this machine the development key, else AWS credentials."""
    if options.key:
        return KeySigner(named_key(options.key, environ))
    if not address.is_here:
        return AwsSigner(Account(environ))
    if key := key_in(environ, DEV_KEY):
        return KeySigner(key)
    raise UsageError(f"Set {DEV_KEY} to the key that the gateway at {address.url} was started with or printed.")


def caller(options: argparse.Namespace, environ: Mapping[str, str], address: Address) -> Signer:
    """Who asks models: a key that is named, else that of the environment."""
    if options.key:
        return KeySigner(named_key(options.key, environ))
    key = key_in(environ, KEY) or (key_in(environ, DEV_KEY) if address.is_here else None)
    if key is None:
        raise UsageError(f"Set {KEY} to a virtual key: `gateway keys create --project ID` makes one.")
    return KeySigner(key)


def named_key(source: str, environ: Mapping[str, str]) -> Secret:
    """From the variable of that name, or for - a line of standard input."""
    if source == "-":
        line = getpass.getpass("Key: ") if sys.stdin.isatty() else sys.stdin.readline()
        if found := key_in({"-": line}, "-"):
            return found
        raise UsageError("There is no key on standard input.")
    if found := key_in(environ, source):
        return found
    raise UsageError(f"{source} is not set; --key names the variable that holds the key.")


def json_object(content: bytes) -> dict[str, Any] | None:
    """None for what is none."""
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _refusal(status: int, content: bytes, url: str) -> GatewayRefused:
    found = json_object(content) or {}
    error = found.get("error")
    if isinstance(error, dict) and isinstance(error.get("message"), str):
        code = str(error.get("code"))
        return GatewayRefused(f"{error['message']} ({status} {code})", status, code)
    said = next((text for text in (error, found.get("message"), found.get("Message")) if isinstance(text, str)), None)
    if said is None:
        return GatewayRefused(f"{url} answered {status}, and not as a gateway does.", status)
    remedy = f" {_NO_ACCESS}" if status == httpx.codes.FORBIDDEN else ""  # API Gateway's own
    return GatewayRefused(f"{url} refuses: {said[:_MOST_SHOWN]} ({status}).{remedy}", status)
