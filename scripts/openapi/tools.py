"""The Model Context Protocol."""

from __future__ import annotations

from typing import Any

from scripts.openapi import clients_answers
from scripts.openapi.operation import BAD_REQUEST, OWN, READS_BODY, UNKNOWN, Example, Operation

LIST_TOOLS: dict[str, Any] = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
CALL_TOOL: dict[str, Any] = {
    "jsonrpc": "2.0",
    "id": 2,
    "method": "tools/call",
    "params": {"name": "count_tokens", "arguments": {"model": "fast", "text": "Say hello"}},
}
MCP_HEADERS = {"accept": "application/json, text/event-stream"}


def _metadata(name: str, path: str) -> Operation:
    return Operation(
        name,
        "GET",
        path,
        "MCP",
        "Who issues tokens for /mcp (RFC 9728); 404 where only keys are taken",
        {200: (clients_answers.ResourceMetadata,)},
        (UNKNOWN,),
        description="Both paths say the same: clients look for the one, then for the other. See docs/oauth.md.",
        is_open=True,
        examples=(Example("none", "A gateway that takes keys alone", status=404, with_key=False),),
    )


OPERATIONS = (
    Operation(
        "mcp",
        "POST",
        "/mcp",
        "MCP",
        "The tools, by the Model Context Protocol over streamable HTTP",
        {200: (clients_answers.JsonRpcAnswer,), 202: ()},
        (*READS_BODY, 406, 421),
        errors_as=(*OWN, "JsonRpcAnswer"),
        description="Tools and their arguments are in docs/mcp.md. What breaks JSON-RPC is told in its own form.",
        body=clients_answers.JsonRpcMessage,
        headers={"accept": "Both application/json and text/event-stream", "mcp-protocol-version": "As agreed"},
        streams="`message` with a JSON-RPC message each.",
        examples=(
            Example("tools", "All tools", LIST_TOOLS, headers=MCP_HEADERS),
            Example("call", "A call", CALL_TOOL, headers=MCP_HEADERS),
        ),
    ),
    Operation(
        "register",
        "POST",
        "/register",
        "MCP",
        "Registers no client of OAuth: says so, and who does, in OAuth's form",
        {},
        (BAD_REQUEST,),
        errors_as=("OAuthErrorAnswer",),
        is_open=True,
        examples=(Example("refused", "A client whose key is wrong", {"client_name": "a client"}, status=400),),
    ),
    _metadata("mcp_metadata", "/.well-known/oauth-protected-resource/mcp"),
    _metadata("resource_metadata", "/.well-known/oauth-protected-resource"),
)
