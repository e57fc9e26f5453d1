"""Chat completions (Anthropic, OpenAI, Gemini, DeepSeek and whoever else LiteLLM knows).

`litellm.acompletion` is a thread hop around `litellm.completion(acompletion=True)`, which hands back a coroutine, and
a decorator that logs, caches, prices and retries. Calling the inner one directly leaves all of that out: it has no
retry to turn off, and takes half the CPU.
"""

from __future__ import annotations

import inspect
from typing import Any

from gateway_core.adapters.litellm.library import Library
from gateway_core.domain.chat import ProviderCall
from gateway_core.wires.table import traits_of


async def chat(
    library: Library, call: ProviderCall, *, messages: list[Any], params: dict[str, Any], api_key: str, client: Any
) -> Any:
    """Send the call and return LiteLLM's `ModelResponse`. Raises what LiteLLM raises."""
    traits = traits_of(call.deployment.provider)
    provider = traits.litellm_name
    return await library.litellm.completion(
        model=f"{provider}/{traits.litellm.model_prefix}{call.deployment.upstream_model}",
        custom_llm_provider=provider,
        messages=messages,
        api_base=call.deployment.api_base,
        api_key=api_key,
        client=client,
        timeout=call.timeout_s,
        num_retries=0,
        max_retries=0,
        drop_params=True,
        acompletion=True,
        litellm_logging_obj=library.log_for(call, "acompletion"),
        _skip_mcp_handler=True,  # or tools make it import the `mcp` package
        _skip_responses_api_bridge=True,  # the catalog says which API a model speaks, not LiteLLM's map
        **params,
    )


async def open_chat(
    library: Library, call: ProviderCall, *, messages: list[Any], params: dict[str, Any], api_key: str, client: Any
) -> Any:
    """Send the call for a stream, and return LiteLLM's translator of its events once the answer has begun.

    LiteLLM's own wrapper around it is let go unread: it keeps all chunks, logs from tasks of its own, and ends a cut
    stream as if it were whole. For Gemini it sends the request as late as when it is read.
    """
    # Other wires report usage unasked, and LiteLLM drops the option there.
    wanted = {**params, "stream": True, "stream_options": {"include_usage": True}}
    wrapper = await chat(library, call, messages=messages, params=wanted, api_key=api_key, client=client)
    stream = wrapper.completion_stream or await wrapper.make_call(client=None)
    # Bedrock's is a generator that was not begun: the translator of its events is what it would work with.
    return inspect.getasyncgenlocals(stream)["self"] if inspect.isasyncgen(stream) else stream
