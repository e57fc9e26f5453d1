"""The forms of answers on clients' wires. A provider's own answer is forwarded: more members may come than are here."""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict


class ChatMessage(TypedDict):
    role: Literal["assistant"]
    content: str | None


class ChatChoice(TypedDict):
    index: int
    message: ChatMessage
    finish_reason: str | None


class ChatUsage(TypedDict):
    """As it is billed."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    prompt_tokens_details: dict[str, Any]
    completion_tokens_details: dict[str, Any]


class ChatCompletion(TypedDict):
    id: str
    object: Literal["chat.completion"]
    created: int
    model: str
    choices: list[ChatChoice]
    usage: ChatUsage


class ResponseItem(TypedDict):
    type: str


class ResponseUsage(TypedDict):
    """As it is billed."""

    input_tokens: int
    output_tokens: int
    total_tokens: int


class ResponseAnswer(TypedDict):
    id: str
    object: Literal["response"]
    status: str
    model: str
    output: list[ResponseItem]
    usage: ResponseUsage


class ContentBlock(TypedDict):
    type: str


class MessagesUsage(TypedDict):
    """As it is billed; `input_tokens` without what was read from or written to a cache, as at Anthropic."""

    input_tokens: int
    output_tokens: int


class MessagesAnswer(TypedDict):
    id: str
    type: Literal["message"]
    role: Literal["assistant"]
    model: str
    content: list[ContentBlock]
    stop_reason: str | None
    stop_sequence: str | None
    usage: MessagesUsage


class CountAnswer(TypedDict):
    input_tokens: int


class Embedding(TypedDict):
    """`embedding` is base64 of little-endian 32-bit floats where `encoding_format` asks for it."""

    object: Literal["embedding"]
    index: int
    embedding: list[float] | str


class EmbeddingsUsage(TypedDict):
    prompt_tokens: int
    total_tokens: int


class EmbeddingsAnswer(TypedDict):
    object: Literal["list"]
    data: list[Embedding]
    model: str
    usage: EmbeddingsUsage


class ResourceMetadata(TypedDict):
    """As in RFC 9728."""

    resource: str
    authorization_servers: list[str]
    scopes_supported: NotRequired[list[str]]
    bearer_methods_supported: list[str]
    resource_name: str


class JsonRpcAnswer(TypedDict):
    """`result` or `error`."""

    jsonrpc: Literal["2.0"]
    id: NotRequired[str | int | None]
    result: NotRequired[dict[str, Any]]
    error: NotRequired[dict[str, Any]]


class JsonRpcMessage(TypedDict):
    """A message of the Model Context Protocol; a request has an `id`, a notification none."""

    jsonrpc: Literal["2.0"]
    id: NotRequired[str | int]
    method: str
    params: NotRequired[dict[str, Any]]
