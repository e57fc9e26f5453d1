"""The ASGI app: each provider's paths, and the simulator's own under `/__faults`, `/__calls` and `/__bills`."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from local.providers.anthropic.costs import AnthropicCosts
from local.providers.anthropic.messages import AnthropicCountTokens, AnthropicMessages
from local.providers.anthropic.models import AnthropicModels
from local.providers.bedrock.converse import BedrockConverse, BedrockConverseStream
from local.providers.bedrock.models import BedrockModels
from local.providers.bills import Bills
from local.providers.calls import LOG_SIZE, CallLog
from local.providers.deepseek.base import DeepSeekModels
from local.providers.deepseek.chat import DeepSeekChat
from local.providers.gemini.embed import GeminiBatchEmbed, GeminiEmbed, GeminiModels
from local.providers.gemini.generate import GeminiCountTokens, GeminiGenerate, GeminiStream
from local.providers.openai.chat import OpenAIChat
from local.providers.openai.costs import OpenAICosts
from local.providers.openai.embeddings import OpenAIEmbeddings
from local.providers.openai.models import OpenAIModels
from local.providers.openai.responses import OpenAIResponses
from local.providers.service import Endpoint, NotFound, Simulator
from local.providers.wire import Wire

_BASES = {
    "ANTHROPIC_API_BASE": "/anthropic",
    "OPENAI_API_BASE": "/openai/v1",
    "GEMINI_API_BASE": "/gemini/v1beta",
    "DEEPSEEK_API_BASE": "/deepseek/v1",
}


def base_urls(root: str) -> dict[str, str]:
    """The environment that points a gateway at a simulator that is served at `root`."""
    return {name: root.rstrip("/") + path for name, path in _BASES.items()}


def create_app(*, now_s: Callable[[], float] = time.time, pace_ms: float = 0.0, log_size: int = LOG_SIZE) -> Starlette:
    """A fresh simulator. `now_s` dates its answers, `pace_ms` is the time between the chunks of a stream.

    It remembers the last `log_size` requests.
    """
    bills = Bills()
    simulator = Simulator(now_s, pace_ms, calls=CallLog(log_size, lambda call: bills.add(call, now_s())), bills=bills)
    app = Starlette(routes=[*_provider_routes(simulator), *_own_routes(simulator)])
    app.state.simulator = simulator
    return app


def _provider_routes(simulator: Simulator) -> Iterator[BaseRoute]:
    for method, path, wire in _wires(simulator.bills):
        yield Route(path, Endpoint(simulator, wire), methods=[method])
    for wire in (AnthropicModels(), BedrockModels(), OpenAIModels(), DeepSeekModels(), GeminiModels()):
        yield Route(f"/{wire.provider}/{{path:path}}", NotFound(wire))


def _wires(bills: Bills) -> Iterator[tuple[str, str, Wire]]:
    yield "POST", "/anthropic/v1/messages", AnthropicMessages()
    yield "POST", "/anthropic/v1/messages/count_tokens", AnthropicCountTokens()
    yield "GET", "/anthropic/v1/models", AnthropicModels()
    yield "GET", "/anthropic/v1/organizations/cost_report", AnthropicCosts(bills)
    yield "POST", "/bedrock/model/{model:path}/converse", BedrockConverse()
    yield "POST", "/bedrock/model/{model:path}/converse-stream", BedrockConverseStream()
    yield "GET", "/bedrock/foundation-models", BedrockModels()
    yield "POST", "/openai/v1/chat/completions", OpenAIChat()
    yield "POST", "/openai/v1/responses", OpenAIResponses()
    yield "POST", "/openai/v1/embeddings", OpenAIEmbeddings()
    yield "GET", "/openai/v1/models", OpenAIModels()
    yield "GET", "/openai/v1/organization/costs", OpenAICosts(bills)
    for base in ("/deepseek/v1", "/deepseek/beta", "/deepseek"):
        yield "POST", f"{base}/chat/completions", DeepSeekChat()
        yield "GET", f"{base}/models", DeepSeekModels()
    model = "/gemini/v1beta/models/{model}"
    yield "POST", f"{model}:generateContent", GeminiGenerate()
    yield "POST", f"{model}:streamGenerateContent", GeminiStream()
    yield "POST", f"{model}:countTokens", GeminiCountTokens()
    yield "POST", f"{model}:embedContent", GeminiEmbed()
    yield "POST", f"{model}:batchEmbedContents", GeminiBatchEmbed()
    yield "GET", "/gemini/v1beta/models", GeminiModels()


def _own_routes(simulator: Simulator) -> list[Route]:
    async def faults(request: Request) -> Response:
        if request.method == "DELETE":
            simulator.faults.clear()
            return Response(status_code=204)
        if request.method == "POST":
            return await _add_fault(simulator, request)
        return JSONResponse({"faults": simulator.faults.as_json()})

    async def calls(request: Request) -> Response:
        """With `wait_idle_s` it waits, at most that long, until no call is under way."""
        if request.method == "DELETE":
            simulator.forget()
            return Response(status_code=204)
        await simulator.calls.idle(float(request.query_params.get("wait_idle_s", 0)))
        return JSONResponse(simulator.calls.as_json())

    async def bills(request: Request) -> Response:
        try:
            return JSONResponse(simulator.bills.disagree(await request.json()))
        except ValueError as error:
            return JSONResponse({"error": str(error)}, status_code=422)

    return [
        Route("/__bills", bills, methods=["POST"]),
        Route("/__faults", faults, methods=["GET", "POST", "DELETE"]),
        Route("/__calls", calls, methods=["GET", "DELETE"]),
    ]


async def _add_fault(simulator: Simulator, request: Request) -> Response:
    try:
        fault = simulator.faults.add(await request.json())
    except (TypeError, ValueError) as error:
        return JSONResponse({"error": str(error)}, status_code=422)
    return JSONResponse(fault.as_json(), status_code=201)
