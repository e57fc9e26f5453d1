"""Puts the document together: OpenAPI 3.1, with the schemas that the routes themselves check."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from pydantic import TypeAdapter

from gateway_core import __version__
from scripts.openapi import accounts, answers, clients_answers, looks
from scripts.openapi.operation import Example, Operation

type Json = dict[str, Any]
type Recorded = Mapping[str, Mapping[str, Json]]
"""Answers by operation and example: `{"status", "type", "answer"}`."""

REF = "#/components/schemas/"
NOT_ACCEPTABLE, REDIRECTS = 406, 300
ERRORS = {
    400: "`invalid_request`, `context_length_exceeded` or `content_filtered`",
    401: "`unauthenticated`: no key, a malformed or a revoked one",
    402: "`budget_exceeded`; the message has what is left, and the `max_tokens` that would fit",
    403: "`forbidden`: the key has no right to this",
    404: "`unknown_model`, `unknown_job`, `unknown_response` or `not_found`",
    405: "`method_not_allowed`",
    406: "The client does not accept both JSON and events",
    409: "`conflict`: somebody else changed it at the same time",
    413: "`body_too_large`: more than 4 MiB",
    415: "`unsupported_encoding`: a body with a Content-Encoding",
    421: "`wrong_host`: called under a name that is not the gateway's",
    422: "`invalid_request`: breaks the schema; `param` names the field",
    426: "`no_websocket`",
    429: "`rate_limited`, by the key's limits or by all providers, with Retry-After",
    500: "`internal_error`",
    502: "`provider_error`: a provider's answer makes no sense, and no other model could take over",
    503: "`no_deployment_available`, `store_unavailable`, `overloaded` or `shutting_down`, mostly with Retry-After",
    504: "`deadline_exceeded`",
}
_CLOSED = vars(answers).keys() | vars(looks).keys() | vars(accounts).keys()
_OPEN = vars(clients_answers).keys()
_LONG = re.compile(r"(?:gateway_core__api|scripts__openapi)__(\w+?)__(_*[A-Z]\w*)")
_FAMILIES = {
    "admin_": "Admin",
    "anthropic": "Messages",
    "responses": "Responses",
    "embeddings": "Embeddings",
    "ask": "Ask",
}
_MOST_SHOWN = 20_000
SERVER = {
    "url": "{gateway}",
    "description": "Your gateway, without a slash at its end",
    "variables": {
        "gateway": {
            "default": "http://127.0.0.1:8787",
            "description": "What `make run` prints, or the stack's `Url`, which ends in `/live`",
        }
    },
}


def document(operations: Sequence[Operation], recorded: Recorded) -> Json:
    """The whole document."""
    forms = [*_forms(operations), answers.ErrorAnswer, answers.MessagesErrorAnswer, answers.OAuthErrorAnswer]
    names, schemas = _schemas(forms)
    paths: dict[str, Json] = {}
    for operation in operations:
        described = _operation(operation, names, schemas, recorded.get(operation.id, {}))
        paths.setdefault(operation.path, {})[operation.method.lower()] = described
    queries = {names[id(query)][len(REF) :] for operation in operations for query in operation.queries}
    shown = {name: schema for name, schema in schemas.items() if name not in queries}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Serverless LLM gateway",
            "version": __version__,
            "summary": "One endpoint for all agents and apps: failover, budgets, a price on every token",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [SERVER],
        "security": [{"bearer": []}, {"apiKey": []}],
        "tags": [{"name": tag} for tag in dict.fromkeys(operation.tag for operation in operations)],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "gk_{project}_{secret}"},
                "apiKey": {"type": "apiKey", "in": "header", "name": "x-api-key"},
            },
            "schemas": dict(sorted(shown.items())),
        },
    }


def _forms(operations: Iterable[Operation]) -> Iterator[Any]:
    for operation in operations:
        yield from operation.queries
        yield from (form for forms in operation.answers.values() for form in forms)
        if operation.body is not None:
            yield operation.body


def _schemas(forms: Iterable[Any]) -> tuple[dict[int, str], dict[str, Json]]:
    """References by form, and the schemas by name."""
    known = {id(form): form for form in forms}
    adapters = [(key, "validation", TypeAdapter(form)) for key, form in known.items()]
    made, defined = TypeAdapter.json_schemas(adapters, ref_template=REF + "{model}")
    short = {name: _short(name) for name in defined["$defs"]}
    if len(set(short.values())) != len(short):
        raise ValueError(f"two schemas have the same short name: {sorted(short.values())}")
    schemas = {short[name]: _clean(schema, short) for name, schema in defined["$defs"].items()}
    for name, schema in schemas.items():
        if name in _CLOSED:
            schema["additionalProperties"] = False
        if name in _OPEN:
            schema["additionalProperties"] = True
    references = {key: _clean(schema, short).get("$ref", "") for (key, _), schema in made.items()}
    return references, schemas


def _short(name: str) -> str:
    found = _LONG.fullmatch(name)
    family = next((word for part, word in _FAMILIES.items() if found and part in f"{found[1]}_"), "")
    own = found[2] if found else name
    return family + ("Any" + own.lstrip("_") if own.startswith("_") else own)  # private ones are unions


def _clean(schema: Any, short: Mapping[str, str]) -> Any:
    """Without generated titles, with short names."""
    if isinstance(schema, list):
        return [_clean(one, short) for one in schema]
    if isinstance(schema, dict):
        kept = {name: value for name, value in schema.items() if not (name == "title" and isinstance(value, str))}
        return {name: _clean(value, short) for name, value in kept.items()}
    is_reference = isinstance(schema, str) and schema.startswith(REF)
    return REF + short[schema.removeprefix(REF)] if is_reference else schema


def _operation(
    operation: Operation, names: Mapping[int, str], schemas: Mapping[str, Json], recorded: Mapping[str, Json]
) -> Json:
    examples = {example.name: example for example in operation.examples}
    told = {name: one for name, one in recorded.items() if name in examples}
    answered: dict[str, Json] = {
        str(status): _answer(operation, status, [names.get(id(form)) for form in forms], told, examples)
        for status, forms in operation.answers.items()
    }
    for status in sorted(set(operation.errors)):
        answered[str(status)] = _error(operation, status, told, examples)
    body = {"requestBody": _body(operation, names)} if operation.body is not None else {}
    security = {"security": []} if operation.is_open else {}
    description = {"description": operation.description} if operation.description else {}
    parameters = [*_parameters(operation, names, schemas)]
    return {
        "operationId": operation.id,
        "tags": [operation.tag],
        "summary": operation.summary,
        **description,
        **security,
        **({"parameters": parameters} if parameters else {}),
        **body,
        "responses": answered,
    }


def _body(operation: Operation, names: Mapping[int, str]) -> Json:
    sent = {one.name: {"summary": one.summary, "value": one.body} for one in operation.examples if _is_valid(one)}
    content = {"schema": {"$ref": names[id(operation.body)]}, **({"examples": sent} if sent else {})}
    return {"required": True, "content": {"application/json": content}}


def _is_valid(example: Example) -> bool:
    return example.body is not None and example.status < 400  # noqa: PLR2004 - where errors begin


def _parameters(operation: Operation, names: Mapping[int, str], schemas: Mapping[str, Json]) -> Iterator[Json]:
    for name in re.findall(r"\{(\w+)\}", operation.path):
        yield {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
    for query in operation.queries:
        for name, schema in schemas[names[id(query)][len(REF) :]]["properties"].items():
            yield {"name": name, "in": "query", "schema": _unless_null(schema)}
    for name, what in operation.headers.items():
        yield {"name": name, "in": "header", "description": what, "schema": {"type": "string"}}


def _unless_null(schema: Json) -> Json:
    """A parameter is there or not: it is never null."""
    without = {name: value for name, value in schema.items() if not (name == "default" and value is None)}
    ways = [way for way in without.get("anyOf", []) if way != {"type": "null"}]
    return ways[0] if len(ways) == 1 else without


def _answer(
    operation: Operation,
    status: int,
    forms: Sequence[str | None],
    recorded: Mapping[str, Json],
    examples: Mapping[str, Example],
) -> Json:
    content: dict[str, Json] = {}
    if forms:
        content["application/json"] = {"schema": _one_of(forms)}
    if operation.streams and status == min(operation.answers):
        content["text/event-stream"] = {"schema": {"description": operation.streams}}
    content |= {media: {"schema": {"type": "string"}} for media in operation.files if status < REDIRECTS}
    for name, one in recorded.items():
        if one["status"] == status and one["type"] in content and len(str(one["answer"])) <= _MOST_SHOWN:
            shown = {"summary": examples[name].summary, "value": one["answer"]}
            content[one["type"]].setdefault("examples", {})[name] = shown
    return {"description": _DESCRIBED.get(status, "The answer"), **({"content": content} if content else {})}


_DESCRIBED = {201: "Made", 202: "Accepted", 304: "The browser has it", 308: "It is elsewhere"}


def _error(operation: Operation, status: int, recorded: Mapping[str, Json], examples: Mapping[str, Example]) -> Json:
    if status == NOT_ACCEPTABLE:  # in whichever form: the client has said that it reads none
        return {"description": ERRORS[status]}
    content: Json = {"schema": _one_of([REF + form for form in operation.errors_as])}
    for name, one in recorded.items():
        if one["status"] == status:
            shown = {"summary": examples[name].summary, "value": one["answer"]}
            content.setdefault("examples", {})[name] = shown
    return {"description": ERRORS[status], "content": {"application/json": content}}


def _one_of(references: Sequence[str | None]) -> Json:
    ways: list[Json] = [{"$ref": reference} if reference else {"type": "object"} for reference in references]
    return ways[0] if len(ways) == 1 else {"anyOf": ways}
