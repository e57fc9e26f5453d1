"""LangChain for Python: its chat model, and an agent with a tool."""

import re

import pytest

from tests.clients.conftest import PDF, PINS

pytestmark = [pytest.mark.xdist_group("clients"), pytest.mark.usefixtures("gateway")]

PROGRAM = "langchain"
HEARD = {"fast": "claude-haiku-4-5", "reasoning": "claude-opus-4-5", "gemini-flash": "gemini-3.8-flash"}
every_model = pytest.mark.parametrize("model", HEARD)
anyhow = pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])


def test_the_pins_name_no_registry():
    """The machine's own registry is asked, whichever that is; each package has its hash."""
    pins = PINS.read_text()
    assert "://" not in pins
    assert "index-url" not in pins
    packages = re.findall(r"^\w.*", pins, re.MULTILINE)
    assert len(packages) > 50
    assert len(re.findall(r"^\w\S*==.* \\\n    --hash=sha256:", pins, re.MULTILINE)) == len(packages)


@every_model
def test_a_whole_answer(program, model):
    """With finish reason and usage where LangChain looks for them."""
    told = program.do("invoke", model=model)
    assert (told["text"], told["finish"]) == (f"{HEARD[model]} heard: Say hello to everybody", "stop")
    assert min(told["usage"]) > 0


@every_model
def test_a_stream(program, model):
    """Many pieces that add up to the same answer."""
    told = program.do("stream", model=model)
    assert (told["text"], told["finish"]) == (f"{HEARD[model]} heard: Say hello to everybody", "stop")
    assert told["pieces"] > 3
    assert min(told["usage"]) > 0


@anyhow
@every_model
def test_calls_of_tools(program, model, streamed):
    """Two at once, one of them without arguments."""
    assert program.do("tools", model=model, streamed=streamed) == [
        {"name": "weather", "args": {"city": "text"}},
        {"name": "clock", "args": {}},
    ]


@every_model
@pytest.mark.parametrize("method", ["json_schema", "function_calling"])
def test_structured_output(program, model, method):
    """An instance of the class, by either way to tell the model of it."""
    assert program.do("structured", model=model, method=method) == ["Answer", {"answer": "text"}]


@pytest.mark.parametrize("model", [*HEARD, "gpt-5.1", "deepseek-v3.2"])
def test_json_mode(program, model):
    """Some JSON object, from each provider."""
    assert isinstance(program.do("json_mode", model=model), dict)


@anyhow
@pytest.mark.parametrize(
    ("model", "options"),
    [
        ("fast", {}),
        ("gemini-flash", {}),
        ("deepseek-v3.2", {}),
        ("fast", {"reasoning_effort": "low"}),
        ("reasoning", {"reasoning_effort": "medium"}),
        ("gemini-flash", {"reasoning_effort": "medium"}),
        ("deepseek-v3.2", {"reasoning_effort": "medium"}),
    ],
    ids=lambda value: value if isinstance(value, str) else value.get("reasoning_effort", "plain"),
)
def test_an_agent_with_a_tool(program, thinkers, model, options, streamed):
    """Two questions, each answered with the tool's help; LangChain does not give back what a model thought."""
    told = program.do("agent", model=model, streaming=streamed, **options)
    assert told["called"] == ["text", "text"]
    assert told["kinds"] == ["human", "ai", "tool", "ai"] * 2
    upstream, _, said = told["text"].partition(" heard: ")
    assert said == "And tomorrow?"
    assert not options or thinkers() == {upstream}


@anyhow
@pytest.mark.parametrize(
    ("model", "options"),
    [
        ("codex-max", {}),
        ("codex-max", {"reasoning_effort": "medium"}),
        ("claude-sonnet-4", {"use_responses_api": True}),
        ("gemini-flash", {"use_responses_api": True}),
        ("reasoning", {"wire": "anthropic", "thinking": {"type": "enabled", "budget_tokens": 1024}}),
        ("gpt-5.1", {"wire": "anthropic"}),
        ("deepseek-v3.2", {"wire": "anthropic"}),
    ],
    ids=[
        "codex",
        "codex-thinking",
        "claude-responses",
        "gemini-responses",
        "claude",
        "gpt-messages",
        "deepseek-messages",
    ],
)
def test_an_agent_on_the_other_wires(program, model, options, streamed):
    """Responses, which LangChain takes for codex by itself, and Messages; for models of other providers as well."""
    told = program.do("agent", model=model, streaming=streamed, **options)
    assert told["called"] == ["text", "text"]
    assert told["kinds"] == ["human", "ai", "tool", "ai"] * 2
    assert told["text"].endswith(" heard: And tomorrow?")


@pytest.mark.parametrize(("model", "options"), [("codex-max", {}), ("claude-sonnet-4", {"wire": "anthropic"})])
@pytest.mark.parametrize("method", ["json_schema", "function_calling"])
def test_structured_output_on_the_other_wires(program, model, options, method):
    """By Responses, and by Messages."""
    assert program.do("structured", model=model, method=method, **options) == ["Answer", {"answer": "text"}]


@every_model
def test_a_pdf(program, bodies, model):
    """It reaches the model."""
    assert program.do("read", model=model, **PDF).endswith(" heard: What does it say?")
    (body,) = bodies("gemini" if model == "gemini-flash" else "anthropic")
    assert PDF["data"] in str(body)


def test_log_probabilities(program):
    """Of each token of the answer."""
    assert "".join(program.do("logprobs", model="gpt-5.1")) == "gpt-5.1 heard: Say hello to everybody"


def test_two_answers(program):
    """To one question."""
    assert program.do("choices", model="gpt-5.1") == ["gpt-5.1 heard: Say hello to everybody"] * 2
