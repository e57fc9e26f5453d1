"""OpenAI's SDK for Node: what people send beside text and tools, and answers that go back as they came."""

import pytest

from tests.clients.conftest import PDF
from tests.clients.test_openai_fields import HEARD, PAPER, QUESTIONS, READERS, THINKERS, kept_thinking

pytestmark = [pytest.mark.xdist_group("clients"), pytest.mark.timeout(300)]


def results(run_node, task, *models):
    """By model; no model may have failed."""
    told = run_node("openai_fields.mjs", task, *models, PDF=PDF["data"])["result"]
    assert {model: each["error"] for model, each in told.items() if "error" in each} == {}
    return {model: each["result"] for model, each in told.items()}


@pytest.mark.parametrize("task", [pytest.param("loop", marks=pytest.mark.long), "streamedLoop"])
@pytest.mark.parametrize("model", THINKERS)
def test_three_turns_with_tools_while_it_thinks(run_node, bodies, task, model):
    """What the SDK gives is pushed as it is; the provider gets back what it needs of it."""
    provider, upstream = THINKERS[model]
    texts = [f"{upstream} heard: {question.removesuffix(' [[tool]]')}" for question in QUESTIONS]
    assert results(run_node, task, model) == {model: texts}
    assert [kept_thinking(provider, body) for body in bodies(provider)[1::2]] == [True] * 3


def test_log_probabilities(run_node):
    """Of each token."""
    assert results(run_node, "logprobs", "gpt-5.1") == {"gpt-5.1": HEARD}


def test_two_answers(run_node):
    """To one question, whole and streamed."""
    assert results(run_node, "choices", "gpt-5.1") == {"gpt-5.1": [[HEARD, HEARD]] * 2}


@pytest.mark.parametrize("model", ["gpt-5.1", "codex-max"])
def test_a_refusal(run_node, model):
    """It is where the SDK looks for it, whole and streamed, and nothing is parsed."""
    assert results(run_node, "refusal", model) == {model: [["I can't help with that.", None]] * 2}


def test_a_pdf(run_node, bodies):
    """It reaches the models that can read one."""
    assert results(run_node, "pdf", *READERS) == {
        model: f"{upstream} heard: What does it say?" for model, (_provider, upstream) in READERS.items()
    }
    sent = [body for provider in ("anthropic", "gemini", "openai") for body in bodies(provider)]
    assert [PAPER["file_data"].partition(",")[2] in str(body) for body in sent] == [True] * 4
