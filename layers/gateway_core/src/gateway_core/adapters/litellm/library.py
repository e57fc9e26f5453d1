"""LiteLLM, tamed: the one place that imports it, sets its switches and touches its global state.

It is loaded by name: its import costs seconds of CPU, and a type checker would read its 3,500 modules to learn
nothing that a contract test does not show. What is set here, and why:

* `LITELLM_LOCAL_MODEL_COST_MAP`: else the import fetches the price map from GitHub.
* Loggers off: at DEBUG they write prompts and headers. A provider's text is logged by us, redacted, or not at all.
* The caches from which LiteLLM takes its HTTP clients answer with clients that refuse, but for what is sent while an
  attempt lends its transport (`lending`; some providers' handlers take no client). This also ends the fetching of image
  URLs that callers name.
* Gemini's context caching would send requests of its own before the one that is asked for.
"""

from __future__ import annotations

import importlib
import logging
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, override

import httpx

from gateway_core.domain.chat import ProviderCall

# Names of loggers, not of providers: LiteLLM calls some of them through OpenAI's SDK.
_LOGGERS = (
    "LiteLLM",
    "LiteLLM Proxy",
    "LiteLLM Router",
    "openai",
    "openai._base_client",
    "openai._legacy_response",
    "openai._response",
)
_CALLBACKS = ("callbacks", "input_callback", "success_callback", "failure_callback", "service_callback")
_SWITCHES: dict[str, object] = {
    "suppress_debug_info": True,
    "turn_off_message_logging": True,
    "disable_streaming_logging": True,
    "disable_anthropic_gemini_context_caching_transform": True,
    "disable_hf_tokenizer_download": True,
    "cache": None,
    "num_retries": None,
    "model_fallbacks": None,
    "api_base": None,
    "api_key": None,
    "headers": None,
}


@dataclass(frozen=True, slots=True)
class Library:
    """The modules and classes of LiteLLM 1.106 and the OpenAI SDK that the adapter uses."""

    litellm: Any
    openai: Any
    http_handler: Any
    """`AsyncHTTPHandler`, which all paths but OpenAI's take as their `client`."""
    call_log: Any
    """`Logging`, which LiteLLM's handlers want to write to."""

    def log_for(self, call: ProviderCall, call_type: str) -> Any:
        """A log for one call, which nothing reads."""
        return self.call_log(
            model=call.deployment.upstream_model,
            messages=[],
            stream=False,
            call_type=call_type,
            start_time=datetime.now(UTC),
            litellm_call_id=call.request_id,
            function_id="",
        )


def load() -> Library:
    """Import LiteLLM and set it up. May be called again: the second time is free and changes nothing."""
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")
    litellm = importlib.import_module("litellm")
    handlers = importlib.import_module("litellm.llms.custom_httpx.http_handler")
    _switch(litellm)
    _isolate(litellm, handlers)
    _build_models(litellm)
    return Library(
        litellm=litellm,
        openai=importlib.import_module("openai"),
        http_handler=handlers.AsyncHTTPHandler,
        call_log=importlib.import_module("litellm.litellm_core_utils.litellm_logging").Logging,
    )


_LENT: ContextVar[httpx.AsyncBaseTransport | None] = ContextVar("_LENT", default=None)


@contextmanager
def lending(transport: httpx.AsyncBaseTransport) -> Iterator[None]:
    """Let what this task sends through LiteLLM's own clients go through `transport`."""
    token = _LENT.set(transport)
    try:
        yield
    finally:
        _LENT.reset(token)


def _switch(litellm: Any) -> None:
    for name in _LOGGERS:
        logging.getLogger(name).disabled = True
    for name in _CALLBACKS:
        setattr(litellm, name, [])
    for name, value in _SWITCHES.items():
        setattr(litellm, name, value)


def _build_models(litellm: Any) -> None:
    """Here rather than in the first call: pydantic warns as it builds them, and warnings may be errors by then."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        litellm.ModelResponse()
        types = importlib.import_module("litellm.types.utils")
        piece = {"index": 0, "id": "", "type": "function", "function": {"name": "", "arguments": ""}}
        types.ModelResponseStream(choices=[types.StreamingChoices(delta=types.Delta(tool_calls=[piece]))])


def _isolate(litellm: Any, handlers: Any) -> None:
    sync_client = handlers.HTTPHandler(client=httpx.Client(transport=_Refuse(), trust_env=False))
    async_client = handlers.AsyncHTTPHandler(transport=_Refuse(), follow_redirects=False)
    litellm.module_level_client, litellm.module_level_aclient = sync_client, async_client
    base = importlib.import_module("litellm.caching.llm_caching_handler").LLMClientCache
    litellm.in_memory_llm_clients_cache = _refusing_cache(base, sync_client, async_client)


def _refusing_cache(base: Any, sync_client: Any, async_client: Any) -> Any:
    """An `LLMClientCache` that has a client for every httpx key: one that refuses."""

    class RefusingClients(base):  # type: ignore[misc]  # the base class is only known at run time
        def get_cache(self, key: object, **kwargs: object) -> object:
            if str(key).startswith("async_httpx_client"):
                return async_client
            return sync_client if str(key).startswith("httpx_client") else super().get_cache(key, **kwargs)

    return RefusingClients()


class _Refuse(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Sends nothing of its own. `ReadError`, because LiteLLM does not try again after one."""

    @override
    def handle_request(self, request: httpx.Request) -> httpx.Response:
        raise httpx.ReadError("Only the gateway's transport sends requests.", request=request)

    @override
    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if lent := _LENT.get():
            return await lent.handle_async_request(request)
        raise httpx.ReadError("Only the gateway's transport sends requests.", request=request)
