"""A hundred questions that depend on each other, of whose calls a fifth fails, and fifteen seconds; virtual ones."""

import asyncio
import random
import re
from collections import Counter
from decimal import Decimal

import httpx
import pytest

from gateway_core.adapters.echo import echo
from gateway_core.api import ask
from gateway_core.api.app import create_app
from gateway_core.domain.provider_errors import ContentFilterError, ProviderTimeout, ProviderUnavailable, RateLimitError
from tests.conftest import World, catalog_of, model, settings_for
from tests.virtual_time import LoopClock, run

QUESTIONS = 100
DEADLINE_S = 15
FAULTS = 0.2


def mixed_batch(chance):
    """Any indexes; an eighth is sequential; half cite up to three earlier answers, some of them far away."""
    indexes = chance.sample(range(-1000, 1000), QUESTIONS)
    questions = []
    for place, index in enumerate(indexes):
        cites = chance.sample(indexes[:place], min(place, chance.choice([0, 0, 0, 1, 1, 3])))
        text = " ".join([f"ask {index}", *(f"{{Q{name}_result}}" for name in cites)])
        method = "sequential" if chance.random() < 1 / 8 else "concurrent"
        model_name = chance.choice(["one", "two", "three", "reasoning"])
        questions.append({"index": index, "question": text, "method": method, "model": model_name, "max_tokens": 50})
    return questions


class Unreliable:
    """A provider's `complete`: takes its time, and fails in one of five ways."""

    def __init__(self, chance):
        self.chance = chance
        self.calls = []
        self.billed_nano = 0

    async def complete(self, call):
        self.calls.append(call)
        takes_s, fault = self.chance.uniform(0.1, 3), None
        if self.chance.random() < FAULTS:
            fault = self.chance.choice(["unavailable", "limited", "filtered", "hangs", "crashes"])
        try:
            async with asyncio.timeout(call.timeout_s):
                await asyncio.sleep(1e6 if fault == "hangs" else takes_s)
        except TimeoutError:
            raise ProviderTimeout("too slow") from None
        match fault:
            case "unavailable":
                raise ProviderUnavailable("down")
            case "limited":
                raise RateLimitError("busy")
            case "filtered":
                raise ContentFilterError("no")
            case "crashes":
                raise ZeroDivisionError("prompt text")
        answer = echo(call)
        self.billed_nano += 3000 * answer.usage.input_tokens
        return answer


async def played(seed):
    """Ask one batch: the questions, the answer, when it came, the world and its provider."""
    chance = random.Random(seed)  # noqa: S311 - nothing secret
    catalog = catalog_of(model("one"), model("two"), model("three"))
    world = World(catalog, settings_for(catalog), clock=LoopClock())
    provider = Unreliable(chance)
    world.provider.complete = provider.complete
    headers = {"authorization": f"Bearer {await world.key()}"}
    questions = mixed_batch(chance)
    transport = httpx.ASGITransport(create_app(world.services, ask.router))
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway", headers=headers) as client:
        answer = await client.post("/ask", json={"questions": questions, "timeout_s": DEADLINE_S})
    took_s = world.clock.monotonic_s()
    await asyncio.sleep(0.001)  # for the task that listened to the caller, which is over now
    assert len(asyncio.all_tasks()) == 1
    page = await world.store.usage_records("alpha", day=world._day(), limit=1000)
    return questions, answer, took_s, world, provider, page.records, await world.spent()


def expected_text(question, results):
    """The question's text with the answers that were given."""
    return re.sub(r"\{Q(-?\d+)_result\}", lambda found: results[int(found[1])]["result"], question["question"])


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.long) for seed in (1, 2))])
def test_a_batch_full_of_faults_ends_in_order(seed):
    """In time, with one answer for every question, each right or with a reason, and every call in the books."""
    questions, answer, took_s, world, provider, records, (spent, _held) = run(played(seed))
    assert (answer.status_code, took_s <= DEADLINE_S) == (200, True)
    body = answer.json()
    results = {result["index"]: result for result in body["results"]}
    assert results.keys() == {question["index"] for question in questions}
    assert len(body["results"]) == QUESTIONS
    for question in questions:
        result = results[question["index"]]
        cites = [int(name) for name in re.findall(r"\{Q(-?\d+)_result\}", question["question"])]
        lacks = [index for index in cites if results[index]["status"] == "error"]
        if result["status"] == "success":
            assert not lacks
            assert result["result"] == expected_text(question, results)
        elif result["error_code"] == "dependency_failed":
            assert any(f"question {index}, which failed" in result["error_message"] for index in lacks)
            assert not result["attempts"]
    codes = Counter(result["error_code"] for result in results.values())
    assert {None, "dependency_failed", "deadline_exceeded"} <= codes.keys()
    assert codes[None] > QUESTIONS / 4
    assert not any("{Q" in call.messages[-1]["content"] for call in provider.calls)
    assert max(Counter(call.request_id for call in provider.calls).values()) <= 6
    assert {call.request_id for call in provider.calls} == {record.request_id for record in records}
    assert len({record.request_id for record in records}) == len(records)
    assert spent == provider.billed_nano == round(Decimal(body["totals"]["cost"]["total_usd"]) * 10**9)
    assert body["totals"]["succeeded"] == codes[None] == QUESTIONS - body["totals"]["failed"]
    assert "prompt text" not in world.log.getvalue() + answer.text
