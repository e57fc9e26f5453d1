"""The batch service on the whole stack: the specification's own calls, dependencies, faults, money."""

import json
import re
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from tests.e2e.conftest import KEY
from tests.e2e.test_complete import calls
from tests.patience import patience

pytestmark = pytest.mark.xdist_group("e2e")

EXAMPLE = """
{
  "questions": [
    {
      "index": 1,
      "question": "What is the approximate average temperature in Dublin, Ireland during January in Celsius?",
      "method": "sequential",
      "model": "gemini/gemini-1.5-flash"
    },
    {
      "index": 2,
      "question": "Based on the previous answer ({Q1_result}), what type of clothing (e.g., light jacket, heavy coat, layers) would you recommend packing for a trip there in January?",
      "method": "sequential",
      "model": "openai/gpt-4o-mini"
    },
    {
      "index": 3,
      "question": "What are the primary colors?",
      "method": "concurrent",
      "model": "openai/gpt-4o-mini"
    }
  ]
}
"""  # noqa: E501 - verbatim
CURL = """
curl -X POST http://localhost:8000/ask \\
-H "Content-Type: application/json" \\
-d '{
  "questions": [
    { "index": 1, "question": "What is 1+1?", "model": "openai/gpt-4o-mini" },
    { "index": 2, "question": "What color is the sky?", "model": "openai/gpt-4o-mini" }
  ]
}'
"""
PROGRAM = """
import requests
import json

api_url = "http://localhost:8000/ask"
payload = {
  "questions": [
    { "index": 1, "question": "What is the capital of France?", "model": "openai/gpt-4o-mini" }
  ]
}

response = requests.post(api_url, json=payload)

if response.status_code == 200:
  print(json.dumps(response.json(), indent=2))
else:
  print(f"Error: {response.status_code}")
  print(response.text)
"""
PAGE = (Path(__file__).parents[2] / "docs/ask.md").read_text()
DOCUMENTED = re.findall(r"```sh\n(curl .*?)```", PAGE, re.DOTALL)
CHAT = {"provider": "openai", "endpoint": "chat"}
GIVEN_UP_S = 100
"""How long a test waits: not until a question that hangs is over by itself, which takes 120 s."""


def ask(gateway, questions, **fields):
    return gateway.post("/ask", json={"questions": questions, **fields})


def q(index, text, **fields):
    return {"index": index, "question": text, "model": "openai/gpt-4o-mini", "cache": False, **fields}


def fault(providers, kind, **params):
    providers.post("/__faults", json={**CHAT, "kind": kind, **params}).raise_for_status()


def test_the_specifications_request(gateway, providers):
    """Verbatim: three answers, the first of which is in the second's prompt."""
    answer = gateway.post("/ask", content=EXAMPLE, headers={"content-type": "application/json"})
    assert answer.status_code == 200, answer.text
    results = answer.json()["results"]
    assert [result["index"] for result in results] == [1, 2, 3]
    for result in results:
        spec = {name: result[name] for name in ("status", "error_message", "confidence", "retry_count")}
        assert spec == {"status": "success", "error_message": None, "confidence": None, "retry_count": 0}
        assert Decimal(result["cost"]["total_usd"]) > 0
    first, second, third = (result["result"] for result in results)
    assert "temperature in Dublin" in first
    assert f"({first})" in second
    assert "primary colors" in third
    assert [result["attempts"][0]["provider"] for result in results] == ["gemini", "openai", "openai"]
    assert (calls(providers, "gemini"), calls(providers, "openai")) == (1, 2)


def test_the_specifications_curl(stack, gateway):
    """But for the host, and the key that every route wants."""
    place = CURL.replace("http://localhost:8000", stack.urls["Gateway"])
    code = place.replace("curl ", f"curl -sS --fail -H 'Authorization: Bearer {KEY}' ", 1)
    done = subprocess.run(["/bin/sh", "-c", code], capture_output=True, text=True, timeout=patience(50), check=True)
    assert [result["status"] for result in json.loads(done.stdout)["results"]] == ["success"] * 2


def test_the_specifications_program(stack, gateway):
    """Python's requests, but for the host and the key."""
    place = PROGRAM.replace("http://localhost:8000", stack.urls["Gateway"])
    code = place.replace("json=payload", f'json=payload, headers={{"Authorization": "Bearer {KEY}"}}')
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=patience(50), check=True
    )
    assert "capital of France" in json.loads(done.stdout)["results"][0]["result"]


@pytest.mark.parametrize("code", DOCUMENTED, ids=["whole", "streamed"])
def test_the_documented_calls(stack, gateway, code):
    """Every question of them is answered."""
    code = code.replace("http://127.0.0.1:8787", stack.urls["Gateway"]).replace("curl ", "curl -sS --fail ", 1)
    done = subprocess.run(["/bin/sh", "-c", code], capture_output=True, text=True, timeout=patience(50), check=True)
    assert '"failed":0' in done.stdout


def test_a_stream_tells_each_result_when_it_is_there(gateway, gemini_gate):
    """The quick one before the slow one, though it comes later in the list: the latter is answered only then."""
    gemini_gate.shut()
    questions = [q(1, "slow", model="gemini-flash"), q(2, "quick"), q(3, "{Q1_result}")]
    with gateway.stream("POST", "/ask", json={"questions": questions, "stream": True}) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        told = (json.loads(line.removeprefix("data: ")) for line in answer.iter_lines() if line.startswith("data: "))
        first = next(told)
        gemini_gate.open()
        *results, done = told
    assert [result["index"] for result in (first, *results)] == [2, 1, 3]
    assert done["totals"]["succeeded"] == 3


def test_a_batch_with_faults_is_answered_before_its_deadline(gateway, providers, run_gateway):
    """A fifth of the calls fails: what heals is not seen, what does not says so, and what hangs is cut."""
    key = run_gateway("keys", "create", "--project", "batch")["key"]
    for kind in ("server_error", "content_filter", "reset", "content_filter", "timeout", "unavailable"):
        fault(providers, "answer", times=4)
        fault(providers, kind, times=1)
    chains = [q(n, f"ask {n} {{Q{n - 10}_result}}" if n >= 10 else f"ask {n}") for n in range(60)]
    for question in chains[::6]:
        question["method"] = "sequential"
    headers = {"authorization": f"Bearer {key}"}
    asked = {"questions": chains, "timeout_s": min(patience(8), GIVEN_UP_S / 2)}
    answer = gateway.post("/ask", json=asked, headers=headers, timeout=GIVEN_UP_S)
    assert answer.status_code == 200
    body = answer.json()
    results = {result["index"]: result for result in body["results"]}
    assert sorted(results) == list(range(60))
    codes = [result["error_code"] for result in results.values()]
    assert codes.count("content_filtered") == 2
    assert codes.count("deadline_exceeded") >= 1
    for index, result in results.items():
        before = results.get(index - 10)
        if before and before["status"] == "error":
            assert result["error_code"] in {"dependency_failed", "deadline_exceeded"}
        if before and result["status"] == "success":
            assert before["result"] in result["result"]
    found = gateway.get("/v1/usage/records", params={"project_id": "batch"}).json()["records"]
    assert len({record["request_id"] for record in found}) == len(found)
    assert {record["request_id"] for record in found} <= {f"{body['request_id']}-{number}" for number in range(1, 61)}
    asked = [result for result in results.values() if result["attempts"] or result["error_code"] is None]
    assert len(asked) <= len(found)
    paid = Decimal(body["totals"]["cost"]["total_usd"])
    assert paid == sum(Decimal(result["cost"]["total_usd"]) for result in results.values())
    counted = providers.get("/__calls", params={"wait_idle_s": patience(5)}).json()["providers"]["openai"]
    assert sum(model["ok"] for model in counted.values()) == body["totals"]["succeeded"]


def test_an_equal_question_costs_nothing(gateway, providers):
    """It is answered from the cache, in whatever batch it comes, unless the batch says otherwise."""
    text = "What is asked twice?"
    asked = [ask(gateway, [q(1, text, cache=True), q(2, "{Q1_result}")]), ask(gateway, [q(7, text, cache=True)])]
    first, second = (answer.json()["results"][0] for answer in asked)
    assert (first["cached"], second["cached"]) == (False, True)
    assert first["result"] == second["result"]
    assert Decimal(first["cost"]["total_usd"]) > 0 == Decimal(second["cost"]["total_usd"])
    assert asked[1].json()["totals"]["cached"] == 1
    assert calls(providers, "openai") == 2


def test_a_budget_that_ends_in_the_middle(gateway, providers, run_gateway):
    """What was asked is paid; what was not says why, and was not asked."""
    key = run_gateway("keys", "create", "--project", "askers")["key"]
    run_gateway("budgets", "set", "--project", "askers", "--day-usd", "0.002")
    headers = {"authorization": f"Bearer {key}"}
    questions = [q(n, f"[[words=200]] {n}", method="sequential", max_tokens=300) for n in range(20)]
    body = gateway.post("/ask", json={"questions": questions}, headers=headers).json()
    codes = [result["error_code"] for result in body["results"]]
    asked = codes.count(None)
    assert 0 < asked < 20
    assert codes == [None] * asked + ["budget_exceeded"] * (20 - asked)
    assert calls(providers, "openai") == asked
    spent = gateway.get("/v1/budgets", params={"project_id": "askers"}).text
    assert body["totals"]["cost"]["total_usd"] in spent
    assert re.search(r"budget of this project", body["results"][-1]["error_message"])


def test_bad_batches_reach_no_provider(gateway, providers):
    """A sample over real HTTP; the route's own tests have the whole list."""
    for questions in (
        [q(1, "a"), q(1, "b")],
        [q(1, "{Q2_result}"), q(2, "b")],
        [q(1, "{Q99999999999999999999_result}")],
        [q(n, "x") for n in range(1001)],
    ):
        answer = ask(gateway, questions)
        assert (answer.status_code, answer.json()["error"]["code"]) == (422, "invalid_request")
    assert calls(providers, "openai") == 0


def test_hostile_templates_are_text(gateway):
    """Neither formats nor attributes, in questions or in what answers them."""
    said = "[[say={Q2_result!r} {0.__class__} {{}} %s]]"
    first, second = ask(gateway, [q(1, said), q(2, "{Q1_result.__class__} %s {Q1_result}")]).json()["results"]
    assert first["result"] == "{Q2_result!r} {0.__class__} {{}} %s"
    assert f"{{Q1_result.__class__}} %s {first['result']}" in second["result"]
