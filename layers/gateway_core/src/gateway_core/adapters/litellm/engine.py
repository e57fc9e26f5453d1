"""LiteLLM as a `TranslationEngine`, for every provider that no wire of ours speaks to."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any, Self

import httpx

from gateway_core.adapters.litellm.answer import answer_of
from gateway_core.adapters.litellm.chat import chat, open_chat
from gateway_core.adapters.litellm.chunks import Translator
from gateway_core.adapters.litellm.claude import marks_of
from gateway_core.adapters.litellm.gaps import Completing
from gateway_core.adapters.litellm.history import LiteLLMHistory, history_of
from gateway_core.adapters.litellm.library import Library, lending, load
from gateway_core.adapters.litellm.params import ParamFitter
from gateway_core.adapters.litellm.rehearsal import rehearse
from gateway_core.adapters.litellm.responses import open_response, respond
from gateway_core.adapters.litellm.transport import HttpxTransport
from gateway_core.adapters.upstream.attempts import Line
from gateway_core.adapters.upstream.streams import Opened
from gateway_core.domain.answer import ProviderAnswer
from gateway_core.domain.chat import Deployment, ProviderCall
from gateway_core.wires.table import traits_of, wire_of


class LiteLLMEngine:
    """Translates by the library, which is loaded by `load` (seconds of CPU)."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._fitter = ParamFitter(library.litellm)

    @classmethod
    def load(cls) -> Self:
        """Import LiteLLM, tame it, and have it load what its first call would. Not from within an event loop."""
        library = load()
        rehearse(library)
        return cls(library)

    async def complete(self, call: ProviderCall, line: Line) -> ProviderAnswer:
        """A whole answer. Raises what LiteLLM raises."""
        history = history_of(call, marks_of(self._library.litellm, call.deployment))
        params, dropped = self._fitter.fit(call, may_think=history.may_think)
        send = respond if call.deployment.mode == "responses" else chat
        transport = Completing(HttpxTransport(line.transport), wire_of(call.deployment))
        with _lending(call.deployment, transport):
            response = await send(self._library, call, params=params, **self._means(call, line, history, transport))
        return answer_of(call, response, line.seen, history.named(dropped))

    async def open(self, call: ProviderCall, line: Line) -> Opened:
        """A stream, once the answer has begun. Raises what LiteLLM raises."""
        history = history_of(call, marks_of(self._library.litellm, call.deployment))
        params, dropped = self._fitter.fit(call, may_think=history.may_think)
        send = open_response if call.deployment.mode == "responses" else open_chat
        transport = HttpxTransport(line.transport)
        with _lending(call.deployment, transport):
            means = self._means(call, line, history, transport)
            parser = await send(self._library, call, params=params, **means)
        return Opened(Translator(call, parser), history.named(dropped))

    def _means(
        self, call: ProviderCall, line: Line, history: LiteLLMHistory, transport: httpx.AsyncBaseTransport
    ) -> dict[str, Any]:
        key = line.key.reveal()
        client = self._client(call.deployment, key, transport)
        return {"messages": history.messages, "api_key": key, "client": client}

    def _client(self, deployment: Deployment, key: str, transport: httpx.AsyncBaseTransport) -> Any:
        """What each path of LiteLLM takes as its `client`: a handler of its own, or the OpenAI SDK's."""
        if traits_of(deployment.provider).litellm.by_openai_sdk and deployment.mode != "responses":
            http = httpx.AsyncClient(transport=transport, follow_redirects=False, trust_env=False)
            return self._library.openai.AsyncOpenAI(
                api_key=key, base_url=deployment.api_base, max_retries=0, http_client=http
            )
        return self._library.http_handler(transport=transport, follow_redirects=False)


def _lending(deployment: Deployment, transport: httpx.AsyncBaseTransport) -> AbstractContextManager[None]:
    """Only for those who leave no other way: what LiteLLM fetches besides the call must find no client at all."""
    return nullcontext() if traits_of(deployment.provider).litellm.takes_client else lending(transport)
