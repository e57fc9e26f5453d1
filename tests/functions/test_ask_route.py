"""POST /ask: its answer whole and streamed, and everything that is wrong with a batch."""

import asyncio
import json

import httpx
import pytest

from gateway_core.api import ask
from gateway_core.api.app import create_app
from gateway_core.config.settings import GatewaySettings
from gateway_core.domain.answer import ProviderAnswer, Usage
from gateway_core.domain.provider_errors import ProviderUnavailable
from tests.conftest import World, catalog_of, model, settings_for
from tests.patience import patience
from tests.virtual_time import LoopClock, run

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


@pytest.fixture
def world():
    """Two models, one of which is the specification's default."""
    catalog = catalog_of(model("openai/gpt-4o-mini", "openai"), model("other"))
    return World(catalog, settings_for(catalog, batch_max_questions=20))


def q(index, text=None, **fields):
    """A question, unlike any other unless `text` says so."""
    return {"index": index, "question": f"ask {index}" if text is None else text, **fields}


async def post(client, *questions, **fields):
    headers = fields.pop("headers", None)
    return await client.post("/ask", json={"questions": list(questions), **fields}, headers=headers)


async def results(client, *questions, **fields):
    """The results by index."""
    answer = await post(client, *questions, **fields)
    assert answer.status_code == 200, answer.text
    return {result["index"]: result for result in answer.json()["results"]}


def failing(error):
    def behave(call):
        raise error

    return behave


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


async def test_an_index_may_be_any_integer(client):
    """Negative, zero, or longer than a machine word."""
    told = await results(client, q(0, "a"), q(-7, "{Q0_result}"), q(10**30, f"{{Q-7_result}}{{Q{0}_result}}"))
    assert told[10**30]["result"] == "aa"


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


def parse(text):
    """(event, data) of each event."""
    blocks = [block.split("\n") for block in text.strip().split("\n\n") if not block.startswith(":")]
    return [(name.removeprefix("event: "), json.loads(data.removeprefix("data: "))) for name, data in blocks]


async def test_a_stream_has_each_result_when_it_is_ready(client):
    """The same results, then the sums."""
    asked = {"method": "sequential", "cache": False}  # else the second batch would cost nothing
    questions = [q(2, "two", **asked), q(1, "{Q2_result}!", **asked), q(3, model="nope")]
    whole = (await post(client, *questions)).json()
    answer = await post(client, *questions, stream=True)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
    *told, (name, done) = parse(answer.text)
    assert [event for event, _ in told] == ["result"] * 3
    assert name == "done"
    assert done == {"totals": whole["totals"], "request_id": answer.headers["x-gateway-request-id"]}
    for result in [result for _, result in told] + whole["results"]:
        for attempt in result["attempts"]:
            attempt.pop("latency_ms")
    assert sorted((result for _, result in told), key=lambda result: result["index"]) == whole["results"]
    assert [result["index"] for _, result in told].index(2) < [result["index"] for _, result in told].index(1)


def test_a_silent_stream_is_kept_alive():
    """By a comment every fifteen seconds; virtual ones."""

    async def streamed():
        catalog = catalog_of(model("m"))
        world = World(catalog, settings_for(catalog), clock=LoopClock())

        async def slow(call):
            await asyncio.sleep(40)
            return ProviderAnswer("done", (), "stop", Usage(1, 1))

        world.provider.complete = slow
        leaver = Leaver(world, {"questions": [q(1, model="m")], "stream": True}, await world.key())
        await leaver.run()
        return b"".join(message.get("body", b"") for message in leaver.sent).decode()

    text = run(streamed())
    assert text.startswith(": keep-alive\n\n: keep-alive\n\nevent: result\n")
    assert [name for name, _ in parse(text)] == ["result", "done"]


async def test_a_bad_batch_is_no_stream(client):
    """Errors before the first question have an HTTP status."""
    assert (await post(client, q(1), q(1), stream=True)).status_code == 422


@pytest.mark.parametrize("stream", [False, True])
async def test_a_crash_is_told_without_a_trace(client, world, stream):
    """In one question it is that question's; nobody sees its text."""

    async def broken(*args, **kwargs):
        raise ZeroDivisionError("prompt text")

    world.services.gateway.complete = broken
    answer = await post(client, q(1), q(2, "{Q1_result}"), stream=stream)
    assert answer.status_code == 200
    assert "internal_error" in answer.text
    assert "prompt text" not in world.log.getvalue() + answer.text
    (line,) = [line for line in world.lines() if line["message"] == "internal error"]
    assert (line["error.type"], line["where"]) == ("ZeroDivisionError", "batch")


async def test_a_crash_of_a_stream_is_an_event(world):
    """It never looks finished."""

    async def answers():
        raise ZeroDivisionError("prompt text")
        yield

    told = b"".join([part async for part in ask._events(answers(), "req_1", world.services.telemetry)]).decode()
    ((name, error),) = parse(told)
    assert (name, error["error"]["code"], error["error"]["request_id"]) == ("error", "internal_error", "req_1")
    assert "prompt text" not in told + world.log.getvalue()


class Leaver:
    """A client that sends a batch and goes away once `seen` says so."""

    def __init__(self, world, body, key):
        self.app = create_app(world.services, ask.router)
        self.content, self.key, self.leave, self.sent = json.dumps(body).encode(), key, asyncio.Event(), []
        self.read = False

    async def receive(self):
        if not self.read:
            self.read = True
            return {"type": "http.request", "body": self.content, "more_body": False}
        await self.leave.wait()
        return {"type": "http.disconnect"}

    async def send(self, message):
        self.sent.append(message)

    async def run(self):
        headers = [(b"authorization", f"Bearer {self.key}".encode())]
        scope = {"type": "http", "method": "POST", "path": "/ask", "headers": headers, "query_string": b""}
        await self.app({**scope, "http_version": "1.1", "scheme": "http"}, self.receive, self.send)


@pytest.mark.parametrize("stream", [False, True])
async def test_leaving_cancels_and_settles(world, stream):
    """Nothing else is asked. What runs is read to its end, or ends with the process, and the books are closed then."""
    asked, ended = [], []

    async def never(call):
        asked.append(call)
        try:
            if len(asked) == 3:
                leaver.leave.set()
            await asyncio.Event().wait()
        finally:
            ended.append(call)

    world.provider.complete = never
    questions = [q(1), q(2), q(3, "{Q1_result}"), *(q(n, method="sequential") for n in (4, 5))]
    body = {"questions": questions, "stream": stream}
    leaver = Leaver(world, body, await world.key())
    running = asyncio.create_task(leaver.run())
    await asyncio.wait_for(leaver.leave.wait(), patience(10))
    for _ in range(20):
        await asyncio.sleep(0)
    assert (len(asked), ended) == (3, [])
    running.cancel()
    await asyncio.wait_for(running, patience(10))
    assert len(ended) == 3
    assert [record.error_code for record in await world.records()] == ["cancelled"] * 3
    (line,) = [line for line in world.lines() if line["message"] == "batch ended"]
    assert (line["questions"], line["outcomes"]) == (5, {})
    spent, held = await world.spent()
    assert (spent, held > 0) == (0, True)


async def test_how_many_are_asked_at_once_is_configured():
    """Here two."""
    catalog = catalog_of(model("m"))
    settings = GatewaySettings.from_env({}, ())
    world = World(catalog, settings_for(catalog, batch_concurrency=2))
    assert (settings.batch_concurrency, settings.batch_max_questions) == (16, 1000)
    running, most = 0, 0

    async def counted(call):
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0)
        running -= 1
        return ProviderAnswer("done", (), "stop", Usage(1, 1))

    world.provider.complete = counted
    body = {"questions": [q(n, model="m") for n in range(10)]}
    leaver = Leaver(world, body, await world.key())
    await leaver.run()
    assert leaver.sent[0]["status"] == 200
    assert most == 2


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


async def test_half_of_a_surrogate_pair_does_not_break_the_batch(client, world):
    """Models may say one; it can be sent to nobody, and the other answers have been paid for."""
    world.behave["openai/gpt-4o-mini"] = lambda _call: ProviderAnswer("a\ud800b", (), "stop", Usage(3, 2))
    told = await results(client, q(1), q(2, "hello", model="other"))
    assert (told[1]["result"], told[2]["result"]) == ("a?b", "hello")


async def test_the_schemas_of_a_batch_are_bounded_together(client, world):
    """Each takes time before anybody is asked; one that comes again counts once."""
    schemas = [{"description": f"{place}" + "x" * 60_000} for place in range(5)]
    world.behave["openai/gpt-4o-mini"] = lambda _call: ProviderAnswer("{}", (), "stop", Usage(3, 2))
    assert (await post(client, *(q(n, response_schema=schemas[0]) for n in range(10)))).status_code == 200
    answer = await post(client, *(q(n, response_schema=schema) for n, schema in enumerate(schemas)))
    assert (answer.status_code, answer.json()["error"]["param"]) == (422, "questions.4.response_schema")
