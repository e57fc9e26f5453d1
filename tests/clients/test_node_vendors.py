"""Vercel's AI SDK by the providers of OpenAI and Anthropic, as they come: Responses and Messages."""

import pytest

from tests.clients.conftest import MODELS
from tests.clients.test_node_frameworks import every_effort, results

pytestmark = [pytest.mark.xdist_group("clients"), pytest.mark.timeout(300)]

SCRIPT = "ai_sdk_vendors.mjs"
HEARD = {f"{wire} {model}": upstream for wire in ("openai", "anthropic") for model, (_, upstream) in MODELS.items()}


def test_answers(run_node):
    """Whole and streamed: text, finish reason and the same usage, of each model by either wire."""
    whole, streamed = (results(run_node, SCRIPT, task, HEARD) for task in ("text", "stream"))
    told = {name: (each["text"], each["finish"]) for name, each in whole.items()}
    assert told == {name: (f"{heard} heard: Say hello to everybody", "stop") for name, heard in HEARD.items()}
    assert streamed == whole


@every_effort
def test_tools(run_node, thinkers, effort):
    """Two questions, each answered with the tool's help; what a model thought goes back with its messages."""
    told = results(run_node, SCRIPT, "tools", HEARD, effort)
    assert told == {
        name: {"called": ["text", "text"], "text": f"{heard} heard: And tomorrow?"} for name, heard in HEARD.items()
    }
    assert effort == "-" or thinkers() == set(HEARD.values())


def test_objects(run_node):
    """By a schema that the provider is told."""
    names = [name for name in HEARD if "deepseek" not in name]
    assert results(run_node, SCRIPT, "object", names) == {name: {"answer": "text"} for name in names}
