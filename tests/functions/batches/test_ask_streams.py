"""POST /ask: results as they come, a crash among them, and a client that leaves."""

import asyncio
import json

import pytest

from gateway_core.api import ask
from gateway_core.config.settings import GatewaySettings
from gateway_core.domain.answer import ProviderAnswer, Usage
from tests.conftest import World, catalog_of, model, settings_for
from tests.functions.batches.asking import Leaver, post, q
from tests.patience import patience
from tests.virtual_time import LoopClock, run


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
