"""POST /ask: its answer, answers in later questions, and how it is counted."""

import httpx

from gateway_core.api import ask
from gateway_core.api.app import create_app
from gateway_core.domain.answer import ProviderAnswer, Usage
from gateway_core.domain.provider_errors import ProviderUnavailable
from tests.conftest import World, catalog_of, model, settings_for
from tests.functions.batches.asking import post, q, results
from tests.functions.completions import failing

FREE = dict.fromkeys(
    (
        "input_tokens",
        "output_tokens",
        "cached_input_tokens",
        "cache_write_tokens",
        "reasoning_tokens",
        "total_tokens",
    ),
    0,
)


async def test_the_answer_has_the_contracts_shape(client):
    """The specification's fields, ours, and the sums."""
    answer = await post(client, q(1, "one two three"), q(2, "again: {Q1_result}", model="nope"))
    assert answer.status_code == 200
    body = answer.json()
    assert body["request_id"] == answer.headers["x-gateway-request-id"]
    assert answer.headers["x-gateway-cost-usd"] == "0.000009"
    first, second = body["results"]
    latency = first["attempts"][0].pop("latency_ms")
    assert isinstance(latency, int)
    usage = {**FREE, "input_tokens": 3, "output_tokens": 3, "total_tokens": 6}
    assert first == {
        "index": 1,
        "status": "success",
        "result": "one two three",
        "error_message": None,
        "confidence": None,
        "retry_count": 0,
        "error_code": None,
        "usage": usage,
        "cost": {
            "input_usd": "0.000003",
            "output_usd": "0.000006",
            "total_usd": "0.000009",
            "price_source": "test-prices",
        },
        "cached": False,
        "model": "openai/gpt-4o-mini",
        "attempts": [{"model": "openai/gpt-4o-mini", "provider": "openai", "outcome": "ok", "error_code": None}],
    }
    assert (second["status"], second["result"], second["error_code"]) == ("error", None, "unknown_model")
    assert "/v1/models" in second["error_message"]
    assert body["totals"] == {
        "questions": 2,
        "succeeded": 1,
        "failed": 1,
        "cached": 0,
        "retries": 0,
        "usage": usage,
        "cost": {"input_usd": "0.000003", "output_usd": "0.000006", "total_usd": "0.000009"},
        "saved_usd": "0",
    }


async def test_defaults_are_the_specifications(client, world):
    """Model, temperature and length; options go by OpenAI's names, and nothing else does."""
    await post(client, q(1, "hi"), q(2, "ho", temperature=None, max_tokens=7, seed=1, stop=["x"], model="other"))
    first, second = world.provider.calls
    assert (first.params, first.max_output_tokens) == ({"temperature": 0.2}, 1000)
    assert first.messages == ({"role": "user", "content": "hi"},)
    assert (second.params, second.max_output_tokens) == ({"seed": 1, "stop": ["x"]}, 7)


async def test_options_go_on_as_they_came(client, world):
    """Nothing is added to a tool or a format; custom tools have no place in an answer."""
    tools = [{"type": "function", "function": {"name": "f"}}]
    format_ = {"type": "json_schema", "json_schema": {"name": "s", "schema": {"type": "object"}}}
    await post(client, q(1, "hi", tools=tools, response_format=format_, seed=None, temperature=None))
    assert world.provider.calls[-1].params == {"tools": tools, "response_format": format_}
    refused = await post(client, q(1, "hi", tools=[{"type": "custom", "custom": {"name": "run"}}]))
    assert (refused.status_code, refused.json()["error"]["param"]) == (422, "questions.0.tools")


async def test_answers_go_into_later_questions(client):
    """From sequential and concurrent ones, into both."""
    told = await results(
        client,
        q(7, "seven", method="sequential"),
        q(-1, "minus"),
        q(3, "<{Q7_result}|{Q-1_result}|{Q-1_result.x}>", method="sequential"),
        q(4, "{{Q3_result}}"),
    )
    assert told[4]["result"] == "{<seven|minus|{Q-1_result.x}>}"


async def test_results_are_sorted_by_index(client):
    """As the specification has it; questions run in list order."""
    answer = await post(client, q(3), q(-1), q(2))
    assert [result["index"] for result in answer.json()["results"]] == [-1, 2, 3]


async def test_a_failed_answer_fails_what_cites_it(client, world):
    """Without a call, through any number of questions, and it costs nothing."""
    world.behave["other"] = failing(ProviderUnavailable("down"))
    told = await results(client, q(1, model="other"), q(2, "{Q1_result}"), q(3, "{Q2_result}"), q(4, "free"))
    assert {index: result["error_code"] for index, result in told.items()} == {
        1: "provider_error",
        2: "dependency_failed",
        3: "dependency_failed",
        4: None,
    }
    assert "question 1, which failed (provider_error)" in told[2]["error_message"]
    assert told[1]["attempts"][0]["outcome"] == "failed"
    assert (told[2]["attempts"], told[2]["usage"]) == ([], FREE)
    assert [call.deployment.upstream_model for call in world.provider.calls].count("openai/gpt-4o-mini") == 1


async def test_an_index_may_be_any_integer(client):
    """Negative, zero, or longer than a machine word."""
    told = await results(client, q(0, "a"), q(-7, "{Q0_result}"), q(10**30, f"{{Q-7_result}}{{Q{0}_result}}"))
    assert told[10**30]["result"] == "aa"


async def test_groups_apply_to_each_question():
    """What the key may not use is that question's error."""
    catalog = catalog_of(model("a"), model("b"), groups={"mine": ("a",), "theirs": ("b",)})
    world = World(catalog, settings_for(catalog))
    headers = {"authorization": f"Bearer {await world.key(groups=('mine',))}"}
    transport = httpx.ASGITransport(create_app(world.services, ask.router))
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway", headers=headers) as client:
        told = await results(client, q(1, model="a"), q(2, model="b"), q(3, model="mine"), q(4, model="theirs"))
    assert {index: result["status"] for index, result in told.items()} == {
        1: "success",
        2: "error",
        3: "success",
        4: "error",
    }


async def test_each_question_is_a_record_with_an_id_of_its_own(client, world):
    """For whom it counts is the batch's."""
    answer = await post(client, q(5, "a b"), q(6, "c"), agent_id="bot", user_id="u")
    records = await world.records()
    assert sorted(record.request_id for record in records) == [f"{answer.json()['request_id']}-{n}" for n in (1, 2)]
    assert {(record.agent_id, record.user_id) for record in records} == {("bot", "u")}


async def test_a_budget_may_end_in_the_middle(client, world):
    """What was asked is answered and paid, what was not says why, and what cites it names it."""
    questions = [q(n, f"a b {n}", method="sequential", max_tokens=10) for n in range(1, 9)]
    await world.budget(day_nano=180_000)
    answer = await post(client, *questions, q(9, "{Q8_result}"))
    body = answer.json()
    codes = [result["error_code"] for result in body["results"]]
    asked = codes.index("budget_exceeded")
    assert codes == [None] * asked + ["budget_exceeded"] * (8 - asked) + ["dependency_failed"]
    assert asked == 4
    assert "budget" in body["results"][asked]["error_message"]
    assert len(world.provider.calls) == asked == body["totals"]["succeeded"]
    assert await world.spent() == (asked * 9000, 0)
    assert body["totals"]["cost"]["total_usd"] == f"{asked * 9000 / 1e9:.6f}"


async def test_a_batch_has_a_line_in_the_log(client, world):
    """With what became of its questions, and nothing of what they say."""
    answer = await post(client, q(1, "my secret plan"), q(2, model="nope"), q(3, "{Q2_result}"), q(4, "{Q3_result}"))
    (line,) = [line for line in world.lines() if line["message"] == "batch ended"]
    assert (line["request_id"], line["project_id"]) == (answer.json()["request_id"], "alpha")
    assert line["outcomes"] == {"ok": 1, "unknown_model": 1, "dependency_failed": 2}
    assert (line["questions"], line["succeeded"]) == (4, 1)
    assert "secret plan" not in world.log.getvalue()


async def test_an_invalid_answer_is_corrected_and_both_are_paid(client, world):
    """Each try has a line of its own in the books; the result is the object."""
    said = iter(["maybe", '{"decision": "no", "reason": "rain"}'])
    world.behave["openai/gpt-4o-mini"] = lambda _call: ProviderAnswer(next(said), (), "stop", Usage(3, 2))
    found = (await results(client, q(1, response_model="Decision")))[1]
    assert (found["status"], found["result"], found["retry_count"]) == (
        "success",
        {"decision": "no", "reason": "rain"},
        1,
    )
    assert (found["usage"]["total_tokens"], len(found["attempts"])) == (10, 2)
    assert [record.request_id.rpartition("-")[2] for record in await world.records()] == ["1", "r1"]


async def test_an_object_stands_in_a_prompt_as_json(client, world):
    """So that the next model can read it."""
    answer = ProviderAnswer('{ "items": ["é", "b"] }', (), "stop", Usage(3, 2))
    world.behave["openai/gpt-4o-mini"] = lambda _call: answer
    asked = [q(1, response_model="ItemList"), q(2, "Sort {Q1_result}.", model="other")]
    assert (await results(client, *asked))[1]["result"] == {"items": ["é", "b"]}
    assert world.provider.calls[-1].messages[-1]["content"] == 'Sort {"items": ["é", "b"]}.'


async def test_half_of_a_surrogate_pair_does_not_break_the_batch(client, world):
    """Models may say one; it can be sent to nobody, and the other answers have been paid for."""
    world.behave["openai/gpt-4o-mini"] = lambda _call: ProviderAnswer("a\ud800b", (), "stop", Usage(3, 2))
    told = await results(client, q(1), q(2, "hello", model="other"))
    assert (told[1]["result"], told[2]["result"]) == ("a?b", "hello")
