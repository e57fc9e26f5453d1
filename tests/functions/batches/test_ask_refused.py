"""POST /ask: everything that is wrong with a batch, and who may not ask."""

import pytest

from gateway_core.domain.answer import ProviderAnswer, Usage
from tests.functions.batches.asking import post, q, results


@pytest.mark.parametrize(
    ("questions", "param"),
    [
        ([], "questions"),
        ({"index": 1}, "questions"),
        ([q(1), q(1)], "questions.1.index"),
        ([q("1")], "questions.0.index"),
        ([q(1.0)], "questions.0.index"),
        ([{"index": True, "question": "?"}], "questions.0.index"),
        ([q(1, "")], "questions.0.question"),
        ([{"index": 1}], "questions.0.question"),
        ([q(1, "{Q2_result}"), q(2)], "questions.0.question"),
        ([q(1), q(2, "{Q2_result}")], "questions.1.question"),
        ([q(1, "{Q99999999999999999999_result}")], "questions.0.question"),
        ([q(1, "{Q" + "9" * 10_000 + "_result}")], "questions.0.question"),
        ([q(1, method="parallel")], "questions.0.method"),
        ([q(1, model="")], "questions.0.model"),
        ([q(1, temperature=2.1)], "questions.0.temperature"),
        ([q(1, max_tokens=0)], "questions.0.max_tokens"),
        ([q(1, max_validation_retries=-1)], "questions.0.max_validation_retries"),
        ([q(1, response_schema="{}")], "questions.0.response_schema"),
        ([q(1, api_key="sk-x")], "questions.0.api_key"),
        ([q(1, messages=[])], "questions.0.messages"),
        ([q(index) for index in range(21)], "questions"),
    ],
)
async def test_a_batch_against_the_schema(client, world, questions, param):
    """422 that names the field, also for the last question, before anybody is asked or charged."""
    answer = await client.post("/ask", json={"questions": questions})
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["param"]) == (422, "invalid_request", param)
    assert (world.provider.calls, await world.spent()) == ([], (0, 0))


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"timeout_s": 0}, "timeout_s"),
        ({"timeout_s": 291}, "timeout_s"),
        ({"timeout_s": 841, "stream": True}, "timeout_s"),
        ({"stream": "yes"}, "stream"),
        ({"model": "other"}, "model"),
        ({"project_id": "Not A Project"}, "project_id"),
    ],
)
async def test_fields_of_the_batch_against_the_schema(client, world, fields, param):
    """As for a question."""
    answer = await post(client, q(1), **fields)
    assert (answer.status_code, answer.json()["error"]["param"]) == (422, param)
    assert world.provider.calls == []


async def test_a_body_over_the_limit_is_413(client, world):
    """Before it is parsed."""
    assert (await post(client, q(1, "x" * 5_000_000))).status_code == 413
    assert world.provider.calls == []


async def test_a_prompt_may_not_grow_beyond_the_limit_of_a_body(client, world):
    """300,000 references to a long answer are refused without being written out."""
    world.behave["other"] = lambda call: ProviderAnswer("y" * 100_000, (), "stop", Usage(1, 1))
    told = await results(client, q(1, model="other"), q(2, "{Q1_result}" * 300_000))
    assert told[2]["error_code"] == "invalid_request"
    assert len(world.provider.calls) == 1


@pytest.mark.parametrize("headers", [{"authorization": ""}, {"authorization": "Bearer gk_alpha_wrongwrongwrong"}])
async def test_no_valid_key_is_401(client, headers):
    """The body is not even read."""
    assert (await client.post("/ask", content=b"{", headers=headers)).status_code == 401


async def test_a_key_without_the_tool_is_403(client, world):
    """The right has the tool's name; other tools do not include it."""
    for tools, status in ((("complete",), 403), (("litellm_batch_ask",), 200)):
        headers = {"authorization": f"Bearer {await world.key(tools=tools)}"}
        assert (await post(client, q(1), headers=headers)).status_code == status


async def test_a_foreign_project_is_403(client, world):
    """For the whole batch."""
    answer = await post(client, q(1), project_id="beta")
    assert (answer.status_code, answer.json()["error"]["param"]) == (403, "project_id")
    assert world.provider.calls == []


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"validation_strategy": "vibes"}, "validation_strategy"),
        ({"response_model": "Persona"}, "response_model"),
        ({"response_schema": {"type": "objekt"}}, "response_schema"),
        ({"validation_strategy": "regex"}, "options.pattern"),
        ({"validation_strategy": "citation_check", "options": {"sources": []}}, "options.sources"),
    ],
)
async def test_what_no_strategy_can_use_is_422_before_any_call(client, world, fields, param):
    """With the path of the field."""
    answer = await post(client, q(1), q(2, **fields))
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["param"]) == (422, "invalid_request", f"questions.1.{param}")
    assert world.provider.calls == []


async def test_the_schemas_of_a_batch_are_bounded_together(client, world):
    """Each takes time before anybody is asked; one that comes again counts once."""
    schemas = [{"description": f"{place}" + "x" * 60_000} for place in range(5)]
    world.behave["openai/gpt-4o-mini"] = lambda _call: ProviderAnswer("{}", (), "stop", Usage(3, 2))
    assert (await post(client, *(q(n, response_schema=schemas[0]) for n in range(10)))).status_code == 200
    answer = await post(client, *(q(n, response_schema=schema) for n, schema in enumerate(schemas)))
    assert (answer.status_code, answer.json()["error"]["param"]) == (422, "questions.4.response_schema")
