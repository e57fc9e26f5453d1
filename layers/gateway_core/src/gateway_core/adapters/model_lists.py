"""Providers' lists of models, over HTTP: one GET, without LiteLLM, whose calls all cost money and whose import seconds.

Where, the provider's wire knows. Pages are as long as the provider allows, and only the first is read.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from gateway_core.adapters.upstream.network import Incoming, Network, OpenSigning
from gateway_core.domain.base_url import is_on_this_machine
from gateway_core.domain.catalog import Provider
from gateway_core.domain.credentials import Secret
from gateway_core.domain.errors import ConfigError, LLMError
from gateway_core.domain.provider_errors import BadCredentials, ProviderRejected, ProviderUnavailable, RateLimitError
from gateway_core.http1 import (
    ConnectError,
    ConnectTimeout,
    HttpError,
    LazyTls,
    Limits,
    Pool,
    Request,
    UnwantedAnswer,
    Url,
)
from gateway_core.http1.whole import whole_body
from gateway_core.ports import Clock
from gateway_core.store.probes import ModelList
from gateway_core.wires.table import traits_of
from gateway_core.wires.wire import ModelsEndpoint

MOST_BYTES = 4 * 1024 * 1024
_ONCE = Limits(keep=0)
_HEADERS = {"accept": "application/json", "accept-encoding": "identity", "user-agent": "llm-gateway"}
_BAD_KEY = b"API_KEY_INVALID"
"""What tells a wrong key from a malformed request at Gemini, on both of its wires, where both are a 400."""
_REFUSES_KEY = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})


class HttpModelLister:
    """Implements the port `ModelLister`. Each call has its own connection, so that nothing outlives an event loop."""

    def __init__(self, clock: Clock, signing: OpenSigning | None = None) -> None:
        """`signing` is for those that take signatures instead of keys, at the clock's time; nobody signs without."""
        self._clock = clock
        self._signing = signing
        self._tls = LazyTls()
        self._tls.context()  # here, as it takes longer than a call

    async def list_models(self, provider: Provider, key: Secret | None) -> ModelList:
        endpoint = traits_of(provider.name).models_endpoint
        headers = {**_HEADERS, **dict(endpoint.headers)}
        if key:
            headers[endpoint.key_header] = endpoint.key_prefix + key.reveal()
        request = Request("GET", Url.parse(endpoint.url(provider.api_base)), headers)
        network = await self._network(provider, key)
        try:
            response = await network.send(request, _nothing)
            try:
                return await _read(response, endpoint)
            finally:
                response.close()
        except ConnectTimeout as error:
            raise _unavailable(type(error).__name__) from None
        except ConnectError:
            raise _unreachable(provider, key) from None
        except UnwantedAnswer as error:
            raise _unavailable(str(error)) from None
        except HttpError as error:
            raise _unavailable(type(error).__name__) from None

    async def _network(self, provider: Provider, key: Secret | None) -> Network:
        """One that signs, where that is in the place of a key. Raises BadCredentials."""
        network = Pool(_ONCE, self._tls)
        if key or not (provider.region and self._signing):
            return network
        service = traits_of(provider.name).signs_for
        return await self._signing().signed(network, service, provider.region, self._clock.now_ms)


def _nothing() -> None:
    """Nobody waits for the first byte to leave."""


async def _read(response: Incoming, endpoint: ModelsEndpoint) -> ModelList:
    body = await whole_body(response, MOST_BYTES)
    if response.status != HTTPStatus.OK:
        raise _refusal(response.status, body)
    try:
        document = json.loads(body)
        names = frozenset(_names(document, endpoint))
        has_more = bool(endpoint.more and document.get(endpoint.more))
        return ModelList(names, complete=endpoint.names_all and not has_more)
    except (ValueError, RecursionError, KeyError, TypeError, AttributeError):
        raise _unavailable("the answer is not a list of models") from None


def _names(document: Any, endpoint: ModelsEndpoint) -> Iterator[str]:
    for entry in document[endpoint.entries]:
        name = entry[endpoint.name]
        if not isinstance(name, str):
            raise TypeError
        yield name.removeprefix("models/")  # Gemini's, which does so on OpenAI's wire as well


def _refusal(status: int, body: bytes) -> LLMError:
    detail = f"HTTP {status}"
    if status in _REFUSES_KEY or (status == HTTPStatus.BAD_REQUEST and _BAD_KEY in body):
        return BadCredentials("The provider refused the gateway's credentials.", detail=detail)
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return RateLimitError("The provider is limiting the rate of requests.", detail=detail)
    if HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.NOT_IMPLEMENTED:
        return ProviderRejected("The provider has no list of models there.", detail=detail)
    return _unavailable(detail)


def _unreachable(provider: Provider, key: Secret | None) -> LLMError:
    """What takes no key and is to run on this machine, but does not, is not in use: it has not failed."""
    if key is None and is_on_this_machine(provider.api_base):
        return ConfigError(f"{provider.base_env}: nothing listens there.", detail="nothing listens there")
    return _unavailable("ConnectError")


def _unavailable(detail: str) -> ProviderUnavailable:
    return ProviderUnavailable("The provider did not answer with a list of models.", detail=detail)
