"""Pydantic AI: an agent with a tool and an output type."""

import pytest

from tests.clients.conftest import PDF

pytestmark = [pytest.mark.xdist_group("clients"), pytest.mark.usefixtures("gateway")]

PROGRAM = "pydantic_ai"
HEARD = {"fast": "claude-haiku-4-5", "reasoning": "claude-opus-4-5", "gemini-flash": "gemini-3.8-flash"}
OTHERS = {"gpt-5.1": "gpt-5.1", "deepseek-v3.2": "deepseek-v4-flash"}
every_model = pytest.mark.parametrize("model", HEARD)
all_models = pytest.mark.parametrize("model", [*HEARD, *OTHERS])
every_effort = pytest.mark.parametrize("effort", [None, "medium"], ids=["plain", "thinking"])


@every_effort
@all_models
def test_a_tool(program, thinkers, model, effort):
    """Two questions, each answered with the tool's help; what a model thought goes back with its messages."""
    told = program.do("tools", model=model, output="text", effort=effort)
    heard = {**HEARD, **OTHERS}[model]
    assert told == {
        "called": ["text", "text"],
        "outputs": [f"{heard} heard: What is the weather?", f"{heard} heard: And tomorrow?"],
    }
    assert effort is None or thinkers() == {heard}


@every_effort
@every_model
def test_a_tool_and_an_output_type(program, model, effort):
    """The answers are of the type, which the provider is told."""
    told = program.do("tools", model=model, output="native", effort=effort)
    assert told == {"called": ["text", "text"], "outputs": [{"sky": "unknown"}] * 2}


@every_effort
@all_models
def test_an_output_type_by_a_forced_tool(program, model, effort):
    """As it is by default: the model has to call a tool that takes the type, even where it thinks."""
    assert program.do("structured", model=model, output="tool", effort=effort) == {"sky": "unknown"}


@all_models
def test_an_output_type_by_json_mode(program, model):
    """The type is in the prompt, and the model has to answer with an object."""
    assert program.do("structured", model=model, output="prompted") == {"sky": "unknown"}


@every_model
def test_a_stream(program, model):
    """Many pieces that add up, and usage at the end."""
    told = program.do("stream", model=model)
    assert told["text"] == f"{HEARD[model]} heard: Say hello to everybody"
    assert told["pieces"] > 3
    assert min(told["usage"]) > 0


@every_model
def test_a_pdf(program, bodies, model):
    """It reaches the model."""
    assert program.do("read", model=model, **PDF) == f"{HEARD[model]} heard: What does it say?"
    (body,) = bodies("gemini" if model == "gemini-flash" else "anthropic")
    assert PDF["data"] in str(body)
