"""The wires of clients: OpenAI's and Anthropic's."""

from __future__ import annotations

from gateway_core.api.anthropic.schemas import CountBody, MessagesBody
from gateway_core.api.chat import ChatBody
from gateway_core.api.embeddings import EmbeddingsBody
from gateway_core.api.openai_responses.schemas import ResponsesBody
from scripts.openapi import clients_answers
from scripts.openapi.operation import (
    ANTHROPIC,
    ASKS,
    FAILED,
    NO_KEY,
    READS_BODY,
    SAYS_WHOM,
    UNAVAILABLE,
    UNKNOWN,
    Example,
    Operation,
)

HELLO = {"messages": [{"role": "user", "content": "Say hello"}]}
ON_A_WIRE = {"model": "fast", **HELLO}

OPERATIONS = (
    Operation(
        "chat",
        "POST",
        "/v1/chat/completions",
        "Clients' wires",
        "OpenAI's chat completions, on any model",
        {200: (clients_answers.ChatCompletion,)},
        ASKS,
        body=ChatBody,
        headers=SAYS_WHOM,
        streams="With `stream: true`: OpenAI's chunks and `[DONE]`; a stream that breaks ends with an `error` object.",
        examples=(
            Example("hello", "A group", {**ON_A_WIRE, "max_tokens": 50}),
            Example("streamed", "In pieces", {**ON_A_WIRE, "max_tokens": 50, "stream": True}),
        ),
    ),
    Operation(
        "messages",
        "POST",
        "/v1/messages",
        "Clients' wires",
        "Anthropic's Messages, on any model",
        {200: (clients_answers.MessagesAnswer,)},
        ASKS,
        body=MessagesBody,
        headers={"anthropic-beta": "Names of fields that are not documented yet; unknown ones are dropped"},
        streams="With `stream: true`: Anthropic's events; a stream that breaks ends with `error`.",
        errors_as=ANTHROPIC,
        examples=(
            Example("hello", "A group", {**ON_A_WIRE, "max_tokens": 50}),
            Example("no_model", "A model that there is not: 404", {**HELLO, "model": "x", "max_tokens": 5}, status=404),
        ),
    ),
    Operation(
        "count_messages",
        "POST",
        "/v1/messages/count_tokens",
        "Clients' wires",
        "Tokens of a prompt on Anthropic's wire, without calling anybody",
        {200: (clients_answers.CountAnswer,)},
        READS_BODY,
        body=CountBody,
        errors_as=ANTHROPIC,
        examples=(Example("hello", "A group", ON_A_WIRE),),
    ),
    Operation(
        "responses",
        "POST",
        "/v1/responses",
        "Clients' wires",
        "OpenAI's Responses, on any model; nothing is stored",
        {200: (clients_answers.ResponseAnswer,)},
        ASKS,
        body=ResponsesBody,
        headers=SAYS_WHOM,
        streams="With `stream: true`: OpenAI's events; a stream that breaks ends with `response.failed` and `error`.",
        examples=(Example("hello", "A group", {"model": "fast", "input": "Say hello", "max_output_tokens": 50}),),
    ),
    Operation(
        "connect_responses",
        "GET",
        "/v1/responses",
        "Clients' wires",
        "There is no WebSocket: 426 for who wants one, 405 for others",
        {},
        (405, 426, FAILED),
        is_open=True,
        examples=(Example("socket", "A handshake", headers={"openai-beta": "responses_websockets"}, status=426),),
    ),
    Operation(
        "find_response",
        "GET",
        "/v1/responses/{response_id}",
        "Clients' wires",
        "Nothing is kept: always 404",
        {},
        (NO_KEY, UNKNOWN, FAILED, UNAVAILABLE),
        examples=(Example("none", "None", path={"response_id": "resp_1"}, status=404),),
    ),
    Operation(
        "delete_response",
        "DELETE",
        "/v1/responses/{response_id}",
        "Clients' wires",
        "Nothing is kept: always 404",
        {},
        (NO_KEY, UNKNOWN, FAILED, UNAVAILABLE),
    ),
    Operation(
        "embeddings",
        "POST",
        "/v1/embeddings",
        "Clients' wires",
        "OpenAI's embeddings",
        {200: (clients_answers.EmbeddingsAnswer,)},
        ASKS,
        body=EmbeddingsBody,
        headers=SAYS_WHOM,
        examples=(Example("text", "A text", {"model": "embedding", "input": "hello", "dimensions": 4}),),
    ),
)
