"""Instructor: an answer of a class, and what is asked again when an answer is not valid."""

import pytest

pytestmark = [pytest.mark.xdist_group("clients"), pytest.mark.usefixtures("gateway")]

PROGRAM = "instructor"
all_models = pytest.mark.parametrize("model", ["fast", "reasoning", "gemini-flash", "gpt-5.1", "deepseek-v3.2"])


@all_models
@pytest.mark.parametrize("mode", ["json", "tools"])
def test_an_answer(program, model, mode):
    """At once: by JSON mode, and by a tool that has to be called."""
    told = program.do("extract", model=model, mode=mode, refusals=0)
    assert (told["kind"], told["times"]) == ("Hesitant", 1)


@pytest.mark.parametrize("model", ["fast", "reasoning", "gemini-flash", "gpt-5.1"])
def test_an_answer_by_schema(program, model):
    """The same."""
    told = program.do("extract", model=model, mode="schema", refusals=0)
    assert (told["kind"], told["times"]) == ("Hesitant", 1)


@all_models
def test_asked_again_in_json_mode(program, model):
    """Twice, with the answers that were not valid and what is wrong with them."""
    told = program.do("extract", model=model, mode="json", refusals=2)
    assert (told["kind"], told["times"]) == ("Hesitant", 3)
    assert told["roles"][-4:] == ["assistant", "user"] * 2


@all_models
def test_asked_again_by_a_tool(program, model):
    """What is wrong is told as the tool's result, with the tool's name."""
    told = program.do("extract", model=model, mode="tools", refusals=2)
    assert (told["kind"], told["times"]) == ("Hesitant", 3)
    assert told["roles"][-4:] == ["assistant", "tool"] * 2


@all_models
def test_asked_again_by_a_tool_while_it_thinks(program, model):
    """A model that may not be forced while it thinks is still served."""
    told = program.do("extract", model=model, mode="tools", refusals=1, reasoning_effort="medium")
    assert (told["kind"], told["times"]) == ("Hesitant", 2)
