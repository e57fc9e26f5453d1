"""Every example of docs/validation.md, on the whole stack: what is invalid is mended, or an error if it stays so."""

import json
import re
from pathlib import Path

import pytest

from tests.e2e.test_ask import fault
from tests.e2e.test_complete import calls

pytestmark = pytest.mark.xdist_group("e2e")

PAGE = Path(__file__).parents[2] / "docs/validation.md"
EXAMPLES = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", PAGE.read_text(), re.DOTALL)]
DECISION = {"decision": "yes", "reason": "5 °C."}
PERSON = {"name": "Joyce", "born": 1882}
CITED = 'It has "5 °C" [1] and rain [2].'
ANSWERS = [  # one that is invalid, one that is valid, and its result, for each example in its order
    ('{"decision": "maybe", "reason": ""}', json.dumps(DECISION), DECISION),
    ('{"name": "Joyce"}', json.dumps(PERSON), PERSON),
    ("In 1989.", " 1989\n", "1989"),
    ('It has "9 °C" [1] and rain [2].', CITED, CITED),
]
PAIRS = list(zip(EXAMPLES, ANSWERS, strict=True))
NAMES = ["response model", "schema", "regex", "citations"]


@pytest.mark.parametrize(("example", "answers"), PAIRS, ids=NAMES)
def test_an_invalid_answer_is_mended(gateway, providers, example, answers):
    """It takes a second call, which is counted and paid, and the result is the valid one."""
    invalid, valid, expected = answers
    fault(providers, "answer", say=invalid, times=1)
    fault(providers, "answer", say=valid)
    [question] = example["questions"]
    answer = gateway.post("/ask", json={"questions": [question | {"cache": False}]})
    assert answer.status_code == 200, answer.text
    [result] = answer.json()["results"]
    assert (result["status"], result["result"], result["retry_count"]) == ("success", expected, 1)
    assert [attempt["outcome"] for attempt in result["attempts"]] == ["ok", "ok"]
    assert calls(providers, "openai") == 2


@pytest.mark.parametrize(("example", "answers"), PAIRS, ids=NAMES)
def test_an_answer_that_stays_invalid_is_an_error(gateway, providers, example, answers):
    """After the two corrections that there are if the question does not say how many."""
    fault(providers, "answer", say=answers[0])
    [question] = example["questions"]
    [result] = gateway.post("/ask", json={"questions": [question | {"cache": False}]}).json()["results"]
    assert (result["status"], result["error_code"], result["result"]) == ("error", "validation_failed", None)
    assert (result["retry_count"], calls(providers, "openai")) == (2, 3)
