"""LlamaIndex: its class for servers that speak like OpenAI's, and an agent with a tool."""

import pytest

pytestmark = [pytest.mark.xdist_group("clients"), pytest.mark.usefixtures("gateway")]

PROGRAM = "llama_index"
HEARD = {
    "fast": "claude-haiku-4-5",
    "reasoning": "claude-opus-4-5",
    "gemini-flash": "gemini-3.8-flash",
    "gpt-5.1": "gpt-5.1",
    "deepseek-v3.2": "deepseek-v4-flash",
}
every_model = pytest.mark.parametrize("model", HEARD)
every_effort = pytest.mark.parametrize("options", [{}, {"reasoning_effort": "medium"}], ids=["plain", "thinking"])


@every_model
def test_a_whole_answer(program, model):
    """Its text."""
    assert program.do("chat", model=model) == f"{HEARD[model]} heard: Say hello to everybody"


@every_model
def test_a_stream(program, model):
    """Many pieces that add up to the same answer."""
    pieces = [piece for piece in program.do("stream", model=model) if piece]
    assert "".join(pieces) == f"{HEARD[model]} heard: Say hello to everybody"
    assert len(pieces) > 3


@every_model
def test_an_answer_of_a_class(program, model):
    """By a tool that has to be called."""
    assert program.do("structured", model=model) == {"answer": "text"}


@every_model
def test_a_call(program, model):
    """The tool is called, and what it says is the answer."""
    assert program.do("call", model=model) == {"called": ["text"], "text": "Sunny."}


@every_effort
@every_model
def test_an_agent_with_a_tool(program, thinkers, model, options):
    """Two questions, each answered with the tool's help, all of it streamed."""
    assert program.do("agent", model=model, **options) == {
        "called": ["text", "text"],
        "texts": [f"{HEARD[model]} heard: What is the weather?", f"{HEARD[model]} heard: And tomorrow?"],
    }
    assert not options or thinkers() == {HEARD[model]}
