"""What is refused at the door because two readers may read it in two ways, on every front; and HEAD, which is not."""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
from collections.abc import Callable
from contextlib import closing
from typing import Any

import httpx
import pytest

from gateway_core.api.app import create_app
from gateway_core.crowd.limiter import Limiter
from gateway_core.domain.chat import Deployment
from gateway_core.lambda_stream import streaming_handler
from local.front import Front, function_of
from tests.classic import classic
from tests.conftest import World, catalog_of, model, settings_for
from tests.functions.conftest import PARTS

HELLO = [{"role": "user", "content": "one two three"}]
BODIES: dict[str, dict[str, Any]] = {
    "/v1/complete": {"messages": HELLO},
    "/v1/stream": {"messages": HELLO},
    "/v1/chat/completions": {"messages": HELLO, "model": "first"},
    "/v1/responses": {"input": "one two three", "model": "first"},
    "/v1/embeddings": {"input": "one", "model": "embedding"},
    "/v1/tokens": {"text": "one", "model": "first"},
    "/ask": {"questions": [{"index": 0, "question": "one", "model": "first"}]},
}
READS = ["/v1/usage", "/v1/usage/records", "/v1/budgets", "/v1/models", "/v1/models/first", "/health/providers"]

type Ask = Callable[..., Any]


def beside_paths(*values: str) -> list[Any]:
    """Each of them with each path that takes a body; `make test` has each path once, and so each value."""
    usual = set(zip(itertools.cycle(values), BODIES, strict=False))
    pairs = itertools.product(values, BODIES)
    return [pytest.param(*pair, marks=[pytest.mark.long] * (pair not in usual)) for pair in pairs]


@pytest.fixture
def world() -> World:
    """A model that talks, and one that embeds."""
    place = Deployment("large-provider", "large", "https://large.example", "embedding")
    large = model("large", deployment=place, capabilities=frozenset({"embeddings"}), max_output_tokens=0)
    catalog = catalog_of(model("first"), large, groups={"reasoning": ("first",), "embedding": ("large",)})
    return World(catalog, settings_for(catalog))


def streaming(app: Any, event: Any) -> Any:
    with closing(streaming_handler(app)) as handler:
        return handler(event, None)


def event_of(method: str, path: str, query: list[tuple[str, str]], headers: dict[str, str], body: bytes) -> Any:
    """As a REST API sends it."""
    several: dict[str, list[str]] = {}
    for name, value in query:
        several.setdefault(name, []).append(value)
    return {
        "resource": path,
        "path": path,
        "httpMethod": method,
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "queryStringParameters": dict(query) or None,
        "multiValueQueryStringParameters": several or None,
        "requestContext": {"path": path, "httpMethod": method, "identity": {}},
        "body": base64.b64encode(body).decode(),
        "isBase64Encoded": True,
    }


@pytest.fixture(params=["asgi", "mangum", "streaming"])
async def ask(request, world) -> Ask:
    """Asks with a valid key; the answer's status, headers and body."""
    app = create_app(world.services, *(part.router for part in PARTS))
    key = await world.key()

    async def over_http(method: str, path: str, query: Any, headers: dict[str, str], body: bytes) -> Any:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://gateway") as http:
            answer = await http.request(method, path, params=query, headers=headers, content=body)
        return answer.status_code, dict(answer.headers), answer.content

    async def over_lambda(*asked: Any) -> Any:
        run = classic if request.param == "mangum" else streaming
        answer = await asyncio.to_thread(run, app, event_of(*asked))
        text = answer.get("body") or ""
        raw = base64.b64decode(text) if answer.get("isBase64Encoded") else text.encode()
        several = {name: values[-1] for name, values in (answer.get("multiValueHeaders") or {}).items()}
        return answer["statusCode"], {**(answer.get("headers") or {}), **several}, raw

    async def asked(
        method: str, path: str, *, query: Any = (), headers: Any = None, body: bytes | dict[str, Any] = b""
    ) -> Any:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        sent = {"authorization": f"Bearer {key}", "content-type": "application/json", **(headers or {})}
        send = over_http if request.param == "asgi" else over_lambda
        return await send(method, path, list(query), sent, raw)

    return asked


def refused(answer: Any, status: int, code: str, param: str | None) -> str:
    """The message of an error in our shape."""
    found, _, raw = answer
    error = json.loads(raw)["error"]
    assert (found, error["code"], error["param"]) == (status, code, param)
    assert error["request_id"].startswith("req_")
    return str(error["message"])


@pytest.mark.parametrize("path", READS)
async def test_head_is_get_without_a_body(ask, path):
    """With the same status and headers."""
    status, headers, body = await ask("GET", path)
    assert (status, bool(body)) == (200, True)
    head_status, head_headers, nothing = await ask("HEAD", path)
    assert (head_status, nothing) == (200, b"")
    assert head_headers["content-type"] == headers["content-type"]
    assert "x-request-id" in head_headers


async def test_monitors_may_ask_head_without_a_key(ask):
    """As they do."""
    assert (await ask("HEAD", "/health", headers={"authorization": ""}))[::2] == (200, b"")
    assert (await ask("HEAD", "/v1/usage", headers={"authorization": ""}))[::2] == (401, b"")
    assert (await ask("HEAD", "/v1/complete"))[::2] == (405, b"")
    assert (await ask("HEAD", "/nowhere"))[::2] == (404, b"")


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/v1/usage", "model"),
        ("/v1/usage", "project_id"),
        ("/v1/usage/records", "date"),
        ("/v1/budgets", "project_id"),
    ],
)
async def test_a_parameter_that_comes_twice_is_refused(ask, path, name):
    """Also with the same value: which one counts is nobody's guess."""
    for values in (("alpha", "beta"), ("alpha", "alpha")):
        answer = await ask("GET", path, query=[(name, value) for value in values])
        assert refused(answer, 400, "invalid_request", name) == f"{name}: the query has it 2 times. Send it once."


async def test_a_mode_that_comes_twice_is_refused(ask):
    """A batch is a job or it is not."""
    answer = await ask("POST", "/ask", query=[("mode", "job"), ("mode", "x")], body=BODIES["/ask"])
    refused(answer, 400, "invalid_request", "mode")


@pytest.mark.parametrize(("encoding", "path"), beside_paths("gzip", "br", "identity, gzip", "deflate"))
async def test_an_encoded_body_is_refused_by_its_header(ask, path, encoding):
    """Whatever is in it."""
    answer = await ask("POST", path, headers={"content-encoding": encoding}, body=BODIES[path])
    text = refused(answer, 415, "unsupported_encoding", "content-encoding")
    assert text == "Content-Encoding: bodies are taken as they are. Send the JSON uncompressed, without this header."


async def test_identity_is_no_encoding(ask):
    """It says that there is none."""
    answer = await ask("POST", "/v1/complete", headers={"content-encoding": "Identity"}, body=BODIES["/v1/complete"])
    assert answer[0] == 200


@pytest.mark.parametrize(
    ("encoding", "path"), beside_paths("utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be")
)
async def test_other_encodings_than_utf_8_are_refused(ask, path, encoding):
    """With a text that says which one is wanted."""
    text = refused(
        await ask("POST", path, body=json.dumps(BODIES[path]).encode(encoding)), 400, "invalid_request", "body"
    )
    assert text == f"The body is in {encoding[:6].upper()}. Send a JSON object in UTF-8."


async def test_a_byte_order_mark_of_utf_8_is_none_of_the_text(ask):
    """Editors write it."""
    body = b"\xef\xbb\xbf" + json.dumps(BODIES["/v1/complete"]).encode()
    assert (await ask("POST", "/v1/complete", body=body))[0] == 200


@pytest.mark.parametrize("body", [b'{"messages": "\xff"}', b"\xfe", b"\xff\xfe", b"\x00", b""])
async def test_bytes_that_are_no_text_are_refused(ask, body):
    """As JSON that is none."""
    assert "Send a JSON object in UTF-8." in refused(
        await ask("POST", "/v1/complete", body=body), 400, "invalid_request", "body"
    )


NAMES = {"project_id": "x-project-id", "agent_id": "x-agent-id"}


@pytest.mark.parametrize("path", ["/v1/complete", "/v1/stream", "/ask"])
@pytest.mark.parametrize("name", NAMES)
async def test_a_body_and_a_header_have_to_agree(ask, world, path, name):
    """A request counts for one project and one agent."""
    body = {**BODIES[path], name: "alpha"}
    answer = await ask("POST", path, headers={NAMES[name]: "beta"}, body=body)
    text = refused(answer, 400, "invalid_request", name)
    assert text == f"{name}: '{name}' and '{NAMES[name]}' name different ones. Send one of them, or the same in both."
    assert (await ask("POST", path, headers={NAMES[name]: "alpha"}, body=body))[0] == 200
    alone = await ask("POST", path, headers={NAMES[name]: "beta"}, body=BODIES[path])
    assert alone[0] == (403 if name == "project_id" else 200)  # it counts like the field
    assert name == "project_id" or (await world.records())[-1].agent_id == "beta"


@pytest.mark.parametrize("name", NAMES)
async def test_metadata_and_a_header_have_to_agree(ask, name):
    """On OpenAI's wire as well."""
    path, body = "/v1/chat/completions", {**BODIES["/v1/chat/completions"], "metadata": {name: "alpha"}}
    answer = await ask("POST", path, headers={NAMES[name]: "beta"}, body=body)
    assert f"'metadata.{name}' and '{NAMES[name]}'" in refused(answer, 400, "invalid_request", name)
    assert (await ask("POST", path, headers={NAMES[name]: "alpha"}, body=body))[0] == 200
    assert (await ask("POST", path, body=body))[0] == 200


async def test_metadata_and_user_have_to_agree(ask):
    """Both name the user."""
    path, body = "/v1/chat/completions", {**BODIES["/v1/chat/completions"], "metadata": {"user_id": "ann"}}
    answer = await ask("POST", path, body={**body, "user": "bob"})
    assert "'metadata.user_id' and 'user'" in refused(answer, 400, "invalid_request", "user_id")
    assert (await ask("POST", path, body={**body, "user": "ann"}))[0] == 200


async def test_a_header_that_comes_twice_has_to_agree_with_itself(client):
    """Proxies add them."""
    for values, status in ((("alpha", "beta"), 400), (("alpha", "alpha"), 200)):
        headers = [("x-project-id", value) for value in values]
        answer = await client.post("/v1/embeddings", json=BODIES["/v1/embeddings"], headers=headers)
        assert answer.status_code == status
    assert answer.json()["object"] == "list"


@pytest.mark.parametrize("declared", ["4194305", "99999999999", "9" * 400])
@pytest.mark.parametrize("path", BODIES)
async def test_a_declared_length_above_the_limit_is_refused_at_once(world, path, declared):
    """Nothing of the body is waited for."""
    app = create_app(world.services, *(part.router for part in PARTS))
    sent: list[Any] = []

    async def receive() -> Any:
        raise AssertionError("the body was asked for")

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [(b"x-api-key", (await world.key()).encode()), (b"content-length", declared.encode())]
    scope = {"type": "http", "method": "POST", "path": path, "query_string": b"", "headers": headers}
    await app(scope, receive, send)
    assert sent[0]["status"] == 413
    assert json.loads(sent[1]["body"])["error"]["code"] == "body_too_large"


async def front_answer(method: str, path: str) -> tuple[str, str]:
    """The function and the path that the local front hands a raw path to."""
    seen: list[tuple[str, str]] = []

    def function(name: str) -> Any:
        async def app(scope: Any, receive: Any, send: Any) -> None:
            seen.append((name, scope["path"]))
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b""})

        return app

    names = {function_of(known) for known in ("/v1/complete", "/health", "/v1/models", "/ask", "/v1/usage")}
    transport = httpx.ASGITransport(Front({name: function(name) for name in names}, Limiter(lambda _: None)))
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as http:
        await http.request(method, path)
    return seen[0]


@pytest.mark.parametrize(
    ("path", "function", "handed"),
    [
        ("/v1/complete", "complete", "/v1/complete"),
        ("/v1%2fcomplete", "health", "/v1%2fcomplete"),
        ("/v1%2Fcomplete", "health", "/v1%2Fcomplete"),
        ("/health%2Fproviders", "health", "/health%2Fproviders"),
        ("/v1/usage%2frecords", "health", "/v1/usage%2frecords"),
        ("/v1%2fmodels/first", "health", "/v1%2fmodels/first"),
        ("/v1/models%2ffirst", "health", "/v1/models%2ffirst"),
        ("/v1/models/vendor%2Ffirst", "models", "/v1/models/vendor/first"),
        ("/v1/models/vendor/first%20one", "models", "/v1/models/vendor/first one"),
        ("/v1/%63omplete", "complete", "/v1/complete"),
        ("/nowhere", "health", "/nowhere"),
    ],
)
async def test_an_encoded_slash_is_part_of_a_name(path, function, handed):
    """It separates nothing, as at API Gateway; in the id of a model it may stand."""
    assert await front_answer("GET", path) == (function, handed)
