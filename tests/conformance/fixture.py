"""The tools, resources and prompts that the conformance suite asks for by name, on the production server and app.

They show that every kind of content and notification passes the gate and the per-request transport. What they say is
given by the suite's scenarios.
"""

from __future__ import annotations

import base64
import json
from typing import Any

import mcp_types
from fastmcp import Context, FastMCP
from fastmcp.exceptions import ToolError
from fastmcp.prompts import Message
from mcp.shared.exceptions import MCPError
from mcp_types import AudioContent, EmbeddedResource, ImageContent, TextContent, TextResourceContents
from starlette.responses import JSONResponse
from starlette.types import ASGIApp

from gateway_core.adapters.clock import SystemClock
from gateway_core.adapters.invoke_asgi import AsgiInvoker
from gateway_core.domain.caller import Caller
from gateway_core.mcp_front.app import serve_server
from gateway_core.mcp_front.logs import quiet_libraries
from gateway_core.mcp_front.server import create_server
from gateway_core.mcp_front.settings import McpSettings
from gateway_core.telemetry.telemetry import Telemetry

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGP4z8DwHwAFAAH/iZk9HQAAAABJRU5ErkJggg=="
WAV = "UklGRiQAAABXQVZFZm10IBAAAAABAAEARKwAAIhYAQACABAAZGF0YQAAAAA="


class AnyKey:
    """Knows everybody."""

    def known(self, key: str) -> Caller:
        return Caller("dev", key, key, "")

    async def authenticate(self, key: str) -> Caller:
        return self.known(key)


def fixture_app() -> ASGIApp:
    """The production app around the production server, with the suite's primitives added."""
    telemetry = Telemetry(level="CRITICAL")
    quiet_libraries(telemetry)
    server = create_server(AsgiInvoker({"models": JSONResponse({"data": []})}), telemetry, SystemClock())
    install(server)
    return serve_server(server, AnyKey(), McpSettings(is_local=True), telemetry)


def install(server: FastMCP[Any]) -> None:
    """Add all of them."""
    for tool in (
        test_simple_text,
        test_image_content,
        test_audio_content,
        test_embedded_resource,
        test_multiple_content_types,
        test_error_handling,
        test_tool_with_progress,
        test_tool_with_logging,
        test_logging_tool,
        test_streaming_elicitation,
        test_missing_capability,
    ):
        server.tool(tool)
    server.resource("test://static-text", mime_type="text/plain")(static_text)
    server.resource("test://static-binary", mime_type="image/png")(static_binary)
    server.resource("test://template/{id}/data", mime_type="application/json")(template_data)
    for prompt in (
        test_simple_prompt,
        test_prompt_with_arguments,
        test_prompt_with_embedded_resource,
        test_prompt_with_image,
    ):
        server.prompt(prompt)
    server.completion(complete_argument)


def test_simple_text() -> str:
    """Text."""
    return "This is a simple text response for testing."


def test_image_content() -> ImageContent:
    """An image."""
    return ImageContent(data=PNG, mime_type="image/png")


def test_audio_content() -> AudioContent:
    """A sound."""
    return AudioContent(data=WAV, mime_type="audio/wav")


def test_embedded_resource() -> EmbeddedResource:
    """A resource in the result."""
    return _embedded("test://embedded-resource", "text/plain", "This is an embedded resource content.")


def test_multiple_content_types() -> list[TextContent | ImageContent | EmbeddedResource]:
    """Several kinds of content in one result."""
    return [
        TextContent(text="Multiple content types test:"),
        ImageContent(data=PNG, mime_type="image/png"),
        _embedded("test://mixed-content-resource", "application/json", '{"test":"data","value":123}'),
    ]


def test_error_handling() -> str:
    """A failure."""
    raise ToolError("This tool intentionally returns an error for testing")


async def test_tool_with_progress(ctx: Context) -> str:
    """Progress on the way."""
    for progress in (0, 50, 100):
        await ctx.report_progress(progress, 100)
    return "Done."


async def test_tool_with_logging(ctx: Context) -> str:
    """Log messages on the way."""
    for text in ("Tool execution started", "Tool processing data", "Tool execution completed"):
        await ctx.info(text)
    return "Done."


async def test_logging_tool(ctx: Context) -> str:
    """A log message, for those who asked for one."""
    await ctx.info("Only to those who asked")
    return "Done."


async def test_streaming_elicitation(ctx: Context) -> str:
    """A stream without requests of the server's own."""
    await ctx.report_progress(1, 1)
    return "Done."


def test_missing_capability(ctx: Context) -> str:
    """Only for clients that sample."""
    declared = ctx.session.client_capabilities
    if declared is None or declared.sampling is None:
        needed = {"requiredCapabilities": {"sampling": {}}}
        raise MCPError(mcp_types.MISSING_REQUIRED_CLIENT_CAPABILITY, "This needs sampling.", needed)
    return "Done."


def static_text() -> str:
    """Text."""
    return "This is the content of the static text resource."


def static_binary() -> bytes:
    """An image."""
    return base64.b64decode(PNG)


def template_data(id: str) -> str:  # noqa: A002 - the suite's name
    """The parameter comes back."""
    return json.dumps({"id": id, "templateTest": True, "data": f"Data for ID: {id}"})


def test_simple_prompt() -> str:
    """Text."""
    return "This is a simple prompt for testing."


def test_prompt_with_arguments(arg1: str, arg2: str) -> str:
    """The arguments come back."""
    return f"Prompt with arguments: arg1='{arg1}', arg2='{arg2}'"


def test_prompt_with_embedded_resource(resourceUri: str) -> list[Message]:  # noqa: N803 - the suite's name
    """A resource in a message."""
    embedded = _embedded(resourceUri, "text/plain", "Embedded resource content for testing.")
    return [Message(embedded), Message("Please process the embedded resource above.")]


def test_prompt_with_image() -> list[Message]:
    """An image in a message."""
    return [Message(ImageContent(data=PNG, mime_type="image/png")), Message("Please analyze the image above.")]


def complete_argument(ref: Any, argument: Any, context: Any) -> list[str]:
    """Suggestions for an argument."""
    return [word for word in ("paris", "park", "party") if word.startswith(argument.value)]


def _embedded(uri: str, mime_type: str, text: str) -> EmbeddedResource:
    return EmbeddedResource(resource=TextResourceContents(uri=uri, mime_type=mime_type, text=text))
