"""OpenAI's SDK for Python: what people send beside text and tools, and answers that go back as they came."""

import openai
import pytest
from pydantic import BaseModel

from tests.clients.conftest import MODELS, PDF
from tests.e2e.conftest import KEY

pytestmark = pytest.mark.xdist_group("clients")

HELLO = [{"role": "user", "content": "Say hello to everybody"}]
HEARD = "gpt-5.1 heard: Say hello to everybody"
PAPER = {"filename": "paper.pdf", "file_data": f"data:{PDF['media_type']};base64,{PDF['data']}"}
WEATHER = {
    "type": "function",
    "function": {
        "name": "weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
QUESTIONS = ("Is it warm? [[tool]]", "And tomorrow? [[tool]]", "And then? [[tool]]")
READERS = {key: MODELS[key] for key in ("claude-haiku-3.5", "gpt-5.1", "codex-max", "gemini-flash")}
THINKERS = {
    "claude-haiku-3.5": ("anthropic", "claude-haiku-4-5"),
    "claude-opus-4.5": ("anthropic", "claude-opus-4-5"),
    "claude-sonnet-4": ("anthropic", "claude-sonnet-4-6"),
    "deepseek-v3.2": ("deepseek", "deepseek-v4-flash"),
    "gemini-flash": ("gemini", "gemini-3.8-flash"),
    "gemini-3-pro": ("gemini", "gemini-3.1-pro-preview"),
    "gpt-5.1": ("openai", "gpt-5.1"),
    "codex-max": ("openai", "gpt-5.3-codex"),
}
anyhow = pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])


class Answer(BaseModel):
    """What is asked for."""

    answer: str


@pytest.fixture
def sdk(gateway):
    """With nothing but base URL and key."""
    with openai.OpenAI(base_url=f"{gateway.base_url}/v1", api_key=KEY, max_retries=0) as client:
        yield client


def ask(sdk, streamed, **request):
    """The completion; one that is streamed is put together by the SDK."""
    if not streamed:
        return sdk.chat.completions.create(**request)
    with sdk.chat.completions.stream(**request) as stream:
        return stream.get_final_completion()


def kept_thinking(provider, body):
    """Whether the call that the last message answers was sent with what the model thought when it made it."""
    if provider == "anthropic":
        first = body["messages"][-2]["content"][0]
        return "thinking" in body and first["type"] == "thinking" and bool(first["signature"])
    if provider == "deepseek":
        return bool(body["messages"][-2].get("reasoning_content"))
    if provider == "gemini":
        calls = [part for part in body["contents"][-2]["parts"] if "functionCall" in part or "function_call" in part]
        return all(part.get("thoughtSignature") or part.get("thought_signature") for part in calls)
    return True


@anyhow
@pytest.mark.parametrize("model", THINKERS)
def test_three_turns_with_tools_while_it_thinks(sdk, bodies, model, streamed):
    """What the SDK gives is appended as it is; the provider gets back what it needs of it."""
    provider, upstream = THINKERS[model]
    messages, texts = [], []
    for question in QUESTIONS:
        messages.append({"role": "user", "content": question})
        for _step in range(2):
            request = {"model": model, "messages": messages, "tools": [WEATHER], "reasoning_effort": "medium"}
            message = ask(sdk, streamed, **request).choices[0].message
            messages.append(message)
            messages += [
                {"role": "tool", "tool_call_id": call.id, "content": "Sunny."} for call in message.tool_calls or ()
            ]
        texts.append(message.content)
    assert texts == [f"{upstream} heard: {question.removesuffix(' [[tool]]')}" for question in QUESTIONS]
    sent = bodies(provider)
    assert len(sent) == 6
    assert [kept_thinking(provider, body) for body in sent[1::2]] == [True] * 3


@anyhow
@pytest.mark.parametrize("model", ["claude-opus-4.5", "gpt-5.1", "gemini-flash", "deepseek-v3.2"])
def test_a_turn_that_only_thought_goes_back(sdk, model, streamed):
    """Its limit was spent before it could say a word; the conversation goes on."""
    thinking = {"role": "user", "content": "Think hard. [[reasoning=2000]]"}
    request = {"model": model, "messages": [thinking], "max_completion_tokens": 1100, "reasoning_effort": "low"}
    if streamed:
        chunks = list(sdk.chat.completions.create(**request, stream=True))
        assert chunks[-1].choices[0].finish_reason == "length"
        message = {"role": "assistant", "content": "".join(each.choices[0].delta.content or "" for each in chunks)}
    else:
        (choice,) = sdk.chat.completions.create(**request).choices
        assert (choice.finish_reason, choice.message.content or "") == ("length", "")
        message = choice.message
    history = [thinking, message, {"role": "user", "content": "Go on."}]
    answer = sdk.chat.completions.create(model=model, messages=history)
    assert answer.choices[0].message.content.endswith(" Go on.")  # who takes no empty turn gets one of the user's


@pytest.mark.parametrize("model", ["claude-haiku-3.5", "gpt-5.1", "gemini-flash", "codex-max"])
def test_an_answer_of_a_class(sdk, model):
    """By the class's schema."""
    parsed = sdk.chat.completions.parse(model=model, messages=HELLO, response_format=Answer)
    assert parsed.choices[0].message.parsed == Answer(answer="text")


@anyhow
@pytest.mark.parametrize("model", ["gpt-5.1", "codex-max"])
def test_a_refusal(sdk, model, streamed):
    """It is where the SDK looks for it, and is not taken for an answer of the class."""
    request = {"model": model, "messages": [{"role": "user", "content": "[[refusal]]"}], "response_format": Answer}
    if streamed:
        message = ask(sdk, streamed, **request).choices[0].message
    else:
        message = sdk.chat.completions.parse(**request).choices[0].message
    assert (message.refusal, message.parsed, message.content or None) == ("I can't help with that.", None, None)
    history = [*request["messages"], message, {"role": "user", "content": "Why?"}]
    answer = sdk.chat.completions.create(model=model, messages=history)
    assert answer.choices[0].message.content == f"{THINKERS[model][1]} heard: Why?"


@anyhow
def test_log_probabilities(sdk, streamed):
    """Of each token, with the likeliest others."""
    (choice,) = ask(sdk, streamed, model="gpt-5.1", messages=HELLO, logprobs=True, top_logprobs=2).choices
    tokens = choice.logprobs.content
    assert "".join(each.token for each in tokens) == choice.message.content == HEARD
    assert all(len(each.top_logprobs) == 2 for each in tokens)


@anyhow
def test_two_answers(sdk, counted, streamed):
    """To one question, with what both have cost."""
    options = {"stream_options": {"include_usage": True}} if streamed else {}
    completion = ask(sdk, streamed, model="gpt-5.1", messages=HELLO, n=2, **options)
    assert [(each.index, each.message.content) for each in completion.choices] == [(0, HEARD), (1, HEARD)]
    usage = completion.usage
    assert counted() == {"gpt-5.1": (1, usage.prompt_tokens, usage.completion_tokens)}


@pytest.mark.parametrize("options", [{"logprobs": True}, {"n": 2}], ids=["logprobs", "n"])
def test_what_claude_cannot_say(sdk, bodies, options):
    """An error names the field before anybody is asked."""
    with pytest.raises(openai.BadRequestError, match=next(iter(options))):
        sdk.chat.completions.create(model="claude-haiku-3.5", messages=HELLO, **options)
    assert bodies("anthropic") == []


@anyhow
@pytest.mark.parametrize("model", READERS)
def test_a_pdf(sdk, bodies, model, streamed):
    """It reaches the model."""
    provider, upstream = READERS[model]
    parts = [{"type": "text", "text": "What does it say?"}, {"type": "file", "file": PAPER}]
    answer = ask(sdk, streamed, model=model, messages=[{"role": "user", "content": parts}])
    assert answer.choices[0].message.content == f"{upstream} heard: What does it say?"
    (body,) = bodies(provider)
    assert PDF["data"] in str(body)


def test_a_pdf_for_a_model_that_reads_none(sdk, bodies):
    """An error says so before anybody is asked."""
    parts = [{"type": "text", "text": "What does it say?"}, {"type": "file", "file": PAPER}]
    with pytest.raises(openai.BadRequestError, match="cannot read documents"):
        sdk.chat.completions.create(model="deepseek-v3.2", messages=[{"role": "user", "content": parts}])
    assert bodies("deepseek") == []


def test_groups_are_models(sdk):
    """Who fills a menu from the list can offer them."""
    assert {"fast", "reasoning", "code", "vision", "gpt-5.1"} <= {model.id for model in sdk.models.list()}
    assert sdk.models.retrieve("fast").id == "fast"


def test_the_sdk_knows_the_request_id(sdk):
    """It is what people are asked for when they ask for help."""
    answer = sdk.chat.completions.create(model="fast", messages=HELLO)
    assert answer._request_id.startswith("req_")
    with pytest.raises(openai.NotFoundError) as caught:
        sdk.chat.completions.create(model="no-such-model", messages=HELLO)
    assert caught.value.request_id.startswith("req_")
