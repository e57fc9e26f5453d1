"""OpenAI's Responses API (codex models), through LiteLLM's own two translators and its handler.

`litellm.acompletion` and `litellm.aresponses` both import LiteLLM's MCP gateway on this path, and with it the `mcp`
package, used or not. The three parts that they put together are called here directly.
"""

from __future__ import annotations

import importlib
from typing import Any

from gateway_core.adapters.litellm.library import Library
from gateway_core.domain.chat import ProviderCall

_PROVIDER = "openai"
"""What LiteLLM calls the wire, whoever speaks it: its translators are looked up by that name."""
_BRIDGE = "litellm.completion_extras.litellm_responses_transformation.transformation"


async def respond(
    library: Library, call: ProviderCall, *, messages: list[Any], params: dict[str, Any], api_key: str, client: Any
) -> Any:
    """Send the call and return LiteLLM's `ModelResponse`. Raises what LiteLLM raises."""
    bridge, log = _bridge(), library.log_for(call, "aresponses")
    optional, request = _translated(library, call, bridge, log, messages=messages, params=params)
    answer = await _send(call, request, log, api_key=api_key, client=client)
    return bridge.transform_response(
        model=call.deployment.upstream_model,
        raw_response=answer,
        model_response=library.litellm.ModelResponse(),
        logging_obj=log,
        request_data=request,
        messages=messages,
        optional_params=optional,
        litellm_params={},
        encoding=None,
    )


async def open_response(
    library: Library, call: ProviderCall, *, messages: list[Any], params: dict[str, Any], api_key: str, client: Any
) -> Any:
    """Send the call for a stream, and return LiteLLM's translator of its events once the answer has begun."""
    bridge, log = _bridge(), library.log_for(call, "aresponses")
    wanted = {**params, "stream": True}
    _, request = _translated(library, call, bridge, log, messages=messages, params=wanted)
    await _send(call, request, log, api_key=api_key, client=client)
    iterator = importlib.import_module(_BRIDGE).OpenAiResponsesToChatCompletionStreamIterator
    return iterator(streaming_response=None, sync_stream=False)


def _bridge() -> Any:
    return importlib.import_module(_BRIDGE).LiteLLMResponsesTransformationHandler()


def _translated(
    library: Library, call: ProviderCall, bridge: Any, log: Any, *, messages: list[Any], params: dict[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """LiteLLM's options, and the request that it makes of them."""
    model = call.deployment.upstream_model
    optional = library.litellm.utils.get_optional_params(
        model=model, custom_llm_provider=_PROVIDER, drop_params=True, **params
    )
    return optional, bridge.transform_request(model, messages, optional, {}, {}, log)


async def _send(call: ProviderCall, request: dict[str, Any], log: Any, *, api_key: str, client: Any) -> Any:
    config = importlib.import_module("litellm.llms.openai.responses.transformation").OpenAIResponsesAPIConfig()
    handler = importlib.import_module("litellm.llms.custom_httpx.llm_http_handler").BaseLLMHTTPHandler()
    settings = importlib.import_module("litellm.types.router").GenericLiteLLMParams
    plain = {name: value for name, value in request.items() if name not in ("model", "input", "client")}
    plain.pop("litellm_logging_obj")
    # "store" is on by default here, unlike on chat completions: OpenAI would keep prompts for 30 days.
    options = config.map_openai_params({**plain, "store": False}, call.deployment.upstream_model, drop_params=True)
    return await handler.async_response_api_handler(
        model=call.deployment.upstream_model,
        input=request["input"],
        responses_api_provider_config=config,
        response_api_optional_request_params=options,
        custom_llm_provider=_PROVIDER,
        litellm_params=settings(api_key=api_key, api_base=call.deployment.api_base),
        logging_obj=log,
        timeout=call.timeout_s,
        client=client,
    )
