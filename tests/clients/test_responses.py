"""OpenAI's Responses by its SDK for Python and by its Agents SDK, on models of all providers."""

import pytest

from tests.clients.conftest import MODELS

pytestmark = [pytest.mark.xdist_group("clients"), pytest.mark.usefixtures("gateway")]

PROGRAM = "agents"
every_model = pytest.mark.parametrize("model", MODELS)
without_deepseek = pytest.mark.parametrize("model", [model for model in MODELS if model != "deepseek-v3.2"])
QUESTIONS = ("What is the weather?", "And tomorrow?")


@every_model
def test_answers(program, counted, model):
    """Whole and streamed: the same text, and the usage that the provider counted; events are numbered."""
    whole, streamed = program.do("create", model=model), program.do("stream", model=model)
    heard = f"{MODELS[model][1]} heard: Say hello to everybody"
    assert (whole["text"], whole["status"], whole["model"]) == (heard, "completed", model)
    assert (streamed["text"], streamed["joined"], streamed["status"]) == (heard, heard, "completed")
    assert streamed["pieces"] > 3
    assert streamed["numbers"] == sorted(set(streamed["numbers"]))
    taken, written = whole["usage"]
    assert streamed["usage"] == [taken, written]
    assert counted() == {model: (2, 2 * taken, 2 * written)}


@without_deepseek
def test_parse(program, model):
    """An instance of the class."""
    assert program.do("parse", model=model) == {"kind": "Answer", "value": {"answer": "text"}}


def test_errors_are_the_sdks_own(program):
    """By status, with our code; what would need OpenAI's storage is refused for all."""
    assert program.do("fail", model="no-such-model") == "NotFoundError 404 unknown_model"
    for fields in ({"previous_response_id": "resp_1"}, {"background": True}, {"conversation": "conv_1"}):
        assert program.do("fail", model="gpt-5.1", **fields) == "BadRequestError 400 invalid_request"


@every_model
def test_a_cut_stream_is_an_error(program, cut, model):
    """After what had come; it never passes for an answer."""
    cut(model)
    told = program.do("broken", model=model)
    assert any(kind.endswith(".delta") for kind in told["kinds"])
    assert not {"response.completed", "response.incomplete"} & set(told["kinds"])
    assert told["error"] == "provider_error" or told["kinds"][-1] in ("error", "response.failed")


@every_model
@pytest.mark.parametrize(
    ("streamed", "effort"), [(False, None), (True, None), (True, "medium")], ids=["whole", "streamed", "thinking"]
)
def test_an_agent_with_a_tool(program, thinkers, model, streamed, effort):
    """Two questions, each answered with the tool's help; what a model thought goes back with the conversation."""
    heard = MODELS[model][1]
    told = program.do("agent", model=model, streamed=streamed, effort=effort)
    assert told == {"called": ["text", "text"], "outputs": [f"{heard} heard: {question}" for question in QUESTIONS]}
    assert effort is None or thinkers() == {heard}


@without_deepseek
def test_an_agent_that_hands_off(program, model):
    """To one with an output type."""
    assert program.do("typed", model=model) == {"by": "Expert", "value": {"answer": "text"}}
