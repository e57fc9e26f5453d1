"""LangChain for JavaScript and Vercel's AI SDK: models, tools over several turns, structured answers, files."""

import pytest

from tests.clients.conftest import PDF

pytestmark = [pytest.mark.xdist_group("clients"), pytest.mark.timeout(300)]

HEARD = {"fast": "claude-haiku-4-5", "reasoning": "claude-opus-4-5", "gemini-flash": "gemini-3.8-flash"}
AGENTS = {**HEARD, "deepseek-v3.2": "deepseek-v4-flash", "gpt-5.1": "gpt-5.1"}
LANGCHAIN, AI_SDK = "langchain.mjs", "ai_sdk.mjs"

either = pytest.mark.parametrize("script", [LANGCHAIN, AI_SDK], ids=["langchain", "ai-sdk"])
every_effort = pytest.mark.parametrize(
    "effort", [pytest.param("-", marks=pytest.mark.long), "medium"], ids=["plain", "thinking"]
)


def results(run_node, script, task, models, effort="-"):
    """By model; no model may have failed."""
    told = run_node(script, task, effort, *models, PDF=PDF["data"])["result"]
    assert {model: each["error"] for model, each in told.items() if "error" in each} == {}
    return {model: each["result"] for model, each in told.items()}


@pytest.mark.parametrize(("script", "task"), [(LANGCHAIN, "invoke"), (AI_SDK, "text")], ids=["langchain", "ai-sdk"])
def test_whole_answers(run_node, script, task):
    """Text and finish reason."""
    told = results(run_node, script, task, HEARD)
    assert {model: (each["text"], each["finish"]) for model, each in told.items()} == {
        model: (f"{upstream} heard: Say hello to everybody", "stop") for model, upstream in HEARD.items()
    }


@either
def test_streams(run_node, script):
    """Many pieces that add up to the same answer, and usage at the end."""
    told = results(run_node, script, "stream", HEARD)
    assert {model: (each["text"], each["finish"]) for model, each in told.items()} == {
        model: (f"{upstream} heard: Say hello to everybody", "stop") for model, upstream in HEARD.items()
    }
    for each in told.values():
        assert each["pieces"] > 3
        usage = each.get("usage") or {"input_tokens": each["input"], "output_tokens": each["output"]}
        assert min(usage["input_tokens"], usage["output_tokens"]) > 0


@every_effort
@pytest.mark.parametrize("task", ["loop", "agent", "streamingAgent"])
def test_langchains_tools(run_node, thinkers, task, effort):
    """Two questions, each answered with the tool's help: by hand with `ToolMessage`s, and by `createAgent`."""
    assert results(run_node, LANGCHAIN, task, AGENTS, effort) == {
        model: {
            "called": ["text", "text"],
            "kinds": ["human", "ai", "tool", "ai"] * 2,
            "text": f"{upstream} heard: And tomorrow?",
        }
        for model, upstream in AGENTS.items()
    }
    assert effort == "-" or thinkers() == set(AGENTS.values())


@every_effort
def test_langchains_agent_as_it_speaks(run_node, thinkers, effort):
    """Its model is streamed."""
    assert results(run_node, LANGCHAIN, "streamedAgent", AGENTS, effort) == {
        model: {"called": ["text"], "text": f"{upstream} heard: What is the weather?"}
        for model, upstream in AGENTS.items()
    }
    assert effort == "-" or thinkers() == set(AGENTS.values())


@every_effort
@pytest.mark.parametrize("task", ["tools", "streamedTools"])
def test_the_ai_sdks_tools(run_node, thinkers, task, effort):
    """Two questions, each answered with the tool's help; what a model thought goes back with its messages."""
    assert results(run_node, AI_SDK, task, AGENTS, effort) == {
        model: {
            "called": ["text", "text"],
            "roles": ["user", "assistant", "tool", "assistant"] * 2,
            "text": f"{upstream} heard: And tomorrow?",
        }
        for model, upstream in AGENTS.items()
    }
    assert effort == "-" or thinkers() == set(AGENTS.values())


def test_langchains_structured_answers(run_node):
    """By a schema, and by a function that has to be called."""
    told = results(run_node, LANGCHAIN, "structured", HEARD)
    assert told == {key: {"schema": {"answer": "text"}, "calling": {"answer": "text"}} for key in HEARD}


@pytest.mark.parametrize("task", ["object", "streamedObject"])
def test_the_ai_sdks_objects(run_node, task):
    """Whole and as they grow."""
    assert results(run_node, AI_SDK, task, HEARD) == {key: [{"answer": "text"}] * 2 for key in HEARD}


@either
def test_json_mode(run_node, script):
    """Any JSON object from each model; the AI SDK asks for it where it is not told that the server knows schemas."""
    told = results(run_node, script, "json", AGENTS)
    answers = [answer for each in told.values() for answer in (each if isinstance(each, list) else [each])]
    assert all(isinstance(answer, dict) for answer in answers)


@either
def test_a_pdf(run_node, bodies, script):
    """It reaches the models that can read one."""
    models = {**HEARD, "gpt-5.1": "gpt-5.1"}
    assert results(run_node, script, "pdf", models) == {
        model: f"{upstream} heard: What does it say?" for model, upstream in models.items()
    }
    sent = [body for provider in ("anthropic", "gemini", "openai") for body in bodies(provider)]
    assert [PDF["data"] in str(body) for body in sent] == [True] * 4
