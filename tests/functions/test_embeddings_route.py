"""POST /v1/embeddings and POST /v1/tokens."""

import base64
import struct

import pytest

from gateway_core.domain.chat import Deployment
from tests.conftest import World, catalog_of, model, settings_for


def embedder(key, **changes):
    provider = f"{key}-provider"
    return model(
        key,
        deployment=Deployment(provider, key, f"https://{provider}.example", "embedding"),
        capabilities=frozenset({"embeddings", *changes.pop("can", ())}),
        max_output_tokens=0,
        **changes,
    )


@pytest.fixture
def world():
    """A model that talks, and two that embed."""
    models = [model("first"), embedder("large", can=["dimensions"]), embedder("small")]
    catalog = catalog_of(*models, groups={"reasoning": ("first",), "embedding": ("large", "small")})
    return World(catalog, settings_for(catalog))


async def embed(client, **fields):
    return await client.post("/v1/embeddings", json={"model": "embedding", "input": "one two", **fields})


async def test_openais_shape(client):
    """Vectors in order, usage by OpenAI's names, our headers."""
    answer = await embed(client, input=["one two", "three"])
    assert answer.json() == {
        "object": "list",
        "data": [
            {"object": "embedding", "index": 0, "embedding": [2.0]},
            {"object": "embedding", "index": 1, "embedding": [1.0]},
        ],
        "model": "large",
        "usage": {"prompt_tokens": 3, "total_tokens": 3},
    }
    assert (answer.headers["x-gateway-model"], answer.headers["x-gateway-cost-usd"]) == ("large", "0.000003")


async def test_base64(client):
    """Little-endian 32-bit floats."""
    encoded = (await embed(client, encoding_format="base64")).json()["data"][0]["embedding"]
    assert struct.unpack("<1f", base64.b64decode(encoded)) == (2.0,)


@pytest.mark.parametrize(("given", "vectors"), [("a b", 1), (["a", "b"], 2), ([1, 2, 3], 1), ([[1], [2, 3]], 2)])
async def test_all_four_forms_of_input(client, world, given, vectors):
    """A text, texts, tokens, lists of tokens."""
    assert len((await embed(client, input=given)).json()["data"]) == vectors


@pytest.mark.parametrize(
    ("change", "status", "param"),
    [
        ({"input": ""}, 422, "input"),
        ({"input": []}, 422, "input"),
        ({"input": [""]}, 422, "input.0"),
        ({"input": [-1]}, 422, "input.0"),
        ({"model": "first"}, 400, "model"),
        ({"model": "nope"}, 404, "model"),
        ({"dimensions": 0}, 422, "dimensions"),
        ({"encoding_format": "int8"}, 422, "encoding_format"),
        ({"api_base": "http://x"}, 422, "api_base"),
    ],
)
async def test_bad_input(client, world, change, status, param):
    """Named, and nobody is charged."""
    answer = await embed(client, **change)
    assert (answer.status_code, answer.json()["error"]["param"]) == (status, param)
    assert await world.spent() == (0, 0)


async def test_dimensions_go_to_models_that_can(client):
    """Others are left out."""
    assert (await embed(client, dimensions=8)).json()["model"] == "large"
    assert (await embed(client, model="small", dimensions=8)).status_code == 400


async def test_the_request_counts_for_whom_it_names(client, world):
    """Headers and OpenAI's `user`."""
    headers = {"x-agent-id": "bot", "x-project-id": "alpha"}
    answer = await client.post("/v1/embeddings", json={"model": "small", "input": "a", "user": "ada"}, headers=headers)
    assert answer.status_code == 200
    (record,) = await world.records()
    assert (record.kind, record.agent_id, record.user_id, record.model) == ("embedding", "bot", "ada", "small")
    body = {"model": "small", "input": "a", "user": "long " * 40}
    assert (await client.post("/v1/embeddings", json=body)).status_code == 200
    assert {len(record.user_id) for record in await world.records()} == {3, 34}
    other = await client.post("/v1/embeddings", json={"model": "small", "input": "a"}, headers={"x-project-id": "b"})
    assert other.status_code == 403


async def test_embedding_needs_the_right(client, world):
    """Tools are an allow-list."""
    headers = {"authorization": f"Bearer {await world.key(tools=('complete',))}"}
    assert (await client.post("/v1/embeddings", json={}, headers=headers)).status_code == 403
    assert (await client.post("/v1/tokens", json={}, headers=headers)).status_code == 403


async def test_tokens_are_counted_without_a_call(client, world):
    """Of a text or a conversation; nothing is charged."""
    for prompt in ({"text": "one two three"}, {"messages": [{"role": "user", "content": "one two three"}]}):
        answer = await client.post("/v1/tokens", json={"model": "first", **prompt})
        assert answer.json() == {"model": "first", "input_tokens": 3, "method": "words"}
    assert world.provider.calls == []
    assert await world.spent() == (0, 0)


async def test_a_group_counts_as_its_first_model(client, world):
    """The answer says which that is."""
    for group, keys in world.catalog.groups.items():
        answer = await client.post("/v1/tokens", json={"model": group, "text": "one two three"})
        assert answer.json() == {"model": keys[0], "input_tokens": 3, "method": "words"}


@pytest.mark.parametrize(
    ("body", "status", "param"),
    [
        ({"model": "first"}, 422, "messages"),
        ({"model": "first", "text": "a", "messages": [{"role": "user", "content": "b"}]}, 422, "messages"),
        ({"model": "nope", "text": "a"}, 404, "model"),
        ({"text": "a"}, 422, "model"),
    ],
)
async def test_bad_token_counts(client, body, status, param):
    """Exactly one of text and messages, and a known model."""
    answer = await client.post("/v1/tokens", json=body)
    assert (answer.status_code, answer.json()["error"]["param"]) == (status, param)
