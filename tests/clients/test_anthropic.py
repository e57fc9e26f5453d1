"""Anthropic's SDK for Python, on models of all providers."""

import pytest

from tests.clients.conftest import MODELS

pytestmark = [pytest.mark.xdist_group("clients"), pytest.mark.usefixtures("gateway")]

PROGRAM = "anthropic"
every_model = pytest.mark.parametrize("model", MODELS)


@every_model
def test_answers(program, counted, model):
    """Whole and streamed: the same text, a stop reason, and the usage that the provider counted."""
    whole, streamed = program.do("create", model=model), program.do("stream", model=model)
    heard = f"{MODELS[model][1]} heard: Say hello to everybody"
    assert (whole["text"], whole["stop"], whole["model"]) == (heard, "end_turn", model)
    assert (streamed["text"], streamed["stop"]) == (heard, "end_turn")
    assert streamed["pieces"] > 3
    assert whole["usage"] == streamed["usage"]
    taken, written = whole["usage"]
    assert counted() == {model: (2, 2 * taken, 2 * written)}


@every_model
@pytest.mark.parametrize("mode", [None, "budget", "adaptive"], ids=["plain", "budget", "adaptive"])
def test_conversations_with_tools(program, thinkers, model, mode):
    """Each question is answered with the tool's help; thoughts go back with their signatures, and hold."""
    told = program.do("tools", model=model, mode=mode)
    heard = f"{MODELS[model][1]} heard: "
    assert told["called"] == [{"city": "text"}] * 2
    assert told["texts"] == [f"{heard}What is the weather?", f"{heard}And tomorrow?"]
    assert mode is None or thinkers() == {MODELS[model][1]}


@pytest.mark.parametrize("model", [model for model in MODELS if model != "deepseek-v3.2"])
def test_structured_output(program, model):
    """An instance of the class, which the provider is told."""
    assert program.do("parse", model=model) == {"kind": "Answer", "value": {"answer": "text"}}


def test_counting(program, bodies):
    """An estimate for any model, for which nobody is asked to answer."""
    assert all(program.do("count", model=model) > 10 for model in MODELS)
    assert [body for provider in ("anthropic", "openai") for body in bodies(provider) if "max_tokens" in body] == []


def test_models(program):
    """The SDK's pages; models of all providers, and groups."""
    told = program.do("models")
    assert {*MODELS, "fast"} <= set(told["listed"])
    assert told["name"]


def test_errors_are_the_sdks_own(program, run_gateway):
    """By status, with Anthropic's type."""
    poor = run_gateway("keys", "create", "--project", "sdk", "--day-usd", "0.000001")["key"]
    assert program.do("fail", model="gpt-5.1", key="gk_dev_wrong") == "AuthenticationError 401 authentication_error"
    assert program.do("fail", model="no-such-model") == "NotFoundError 404 not_found_error"
    assert program.do("fail", model="gpt-5.1", max_tokens=0) == "BadRequestError 400 invalid_request_error"
    assert program.do("fail", model="gpt-5.1", key=poor) == "PaymentRequiredError 402 billing_error"


def test_an_overloaded_provider(program, providers):
    """Where nobody else may answer: an error that the SDK would try again."""
    providers.post("/__faults", json={"provider": "anthropic", "kind": "unavailable"}).raise_for_status()
    assert program.do("fail", model="claude-haiku-3.5") == "InternalServerError 502 api_error"


@every_model
def test_a_cut_stream_is_an_error(program, cut, model):
    """After what had come; it never passes for an answer."""
    cut(model)
    told = program.do("broken", model=model)
    assert "content_block_delta" in told["kinds"]
    assert "message_stop" not in told["kinds"]
    assert told["error"] == "api_error"
