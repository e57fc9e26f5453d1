"""One question's answer: checked, corrected, added up; and what is kept of it."""

from dataclasses import dataclass, field

import pytest

from gateway_core.batch.answerer import QuestionAnswerer
from gateway_core.batch.questions import Question
from gateway_core.batch.validation.registry import Registry, UsersOwn
from gateway_core.domain.answer import Cost, ProviderAnswer, ToolCall, Usage
from gateway_core.domain.caller import Attribution, Caller
from gateway_core.domain.errors import LLMError
from gateway_core.domain.provider_errors import ProviderUnavailable
from gateway_core.domain.result import Attempt, Completion
from tests.conftest import catalog_of, model

CATALOG = catalog_of(model("m"), model("old", capabilities=frozenset()), groups={"fast": ("m", "old")})
CALLER = Caller("alpha", "key_1", "d", "t")
GOOD, BAD = '{"decision": "yes", "reason": "so"}', '{"decision": "maybe"}'


@dataclass
class Scripted:
    """Answers with what it is told, and remembers what it was asked."""

    clock: object
    script: list[object]
    takes_s: float = 1.0
    asked: list[tuple[object, str]] = field(default_factory=list)

    async def complete(self, request, caller, request_id, *, timeout_s):
        assert request.timeout_s == timeout_s
        self.asked.append((request, request_id))
        self.clock.advance(self.takes_s)
        said = self.script.pop(0)
        if isinstance(said, LLMError):
            said.attempts = (Attempt("m", "p", "failed", said.code),)
            raise said
        plain = ProviderAnswer(str(said), (), "stop", Usage(10, 5), confidence=0.25)
        answer = said if isinstance(said, ProviderAnswer) else plain
        return Completion(
            request_id,
            answer,
            CATALOG.models["m"],
            None,
            Usage(10, 5),
            Cost(100, 50, "list"),
            1,
            (Attempt("m", "p", "ok"),),
        )


@dataclass
class Keeping(Scripted):
    """The same, with a cache."""

    accepted: list[bool] = field(default_factory=list)
    kept: list[tuple[object, str]] = field(default_factory=list)

    async def complete(self, request, caller, request_id, *, timeout_s, accept=None):
        done = await super().complete(request, caller, request_id, timeout_s=timeout_s)
        if accept:
            self.accepted.append(accept(done.answer))
        return done

    async def keep(self, request, caller, completion):
        self.kept.append((request, completion.answer.content))


@pytest.fixture
def clock(world):
    return world.clock


def answerer(completer, clock):
    return QuestionAnswerer(completer, CATALOG, Registry(), CALLER, Attribution("alpha"), "req_b", clock)


def question(**fields):
    return Question(**{"index": 7, "text": "?", "model": "m", "response_model": "Decision", **fields})


async def test_a_text_is_given_as_it_is(clock):
    """With what it cost, who answered, and how sure it is."""
    completer = Scripted(clock, ["hello"])
    found = await answerer(completer, clock).answer(question(response_model=None), "Hi", 3, timeout_s=60)
    assert (found.index, found.status, found.result, found.retry_count) == (7, "success", "hello", 0)
    assert (found.cost.total_nano, found.usage, found.model, found.confidence) == (150, Usage(10, 5), "m", 0.25)
    ((request, request_id),) = completer.asked
    assert request_id == "req_b-3"
    assert request.messages == ({"role": "user", "content": "Hi"},)
    assert (dict(request.params), request.max_output_tokens) == ({"temperature": 0.2}, 1000)


async def test_an_invalid_answer_is_corrected(clock):
    """The model reads its answer and what is wrong with it; each try is a request of its own, and all are paid."""
    completer = Scripted(clock, [BAD, "nonsense", GOOD])
    found = await answerer(completer, clock).answer(question(), "Well?", 1, timeout_s=60)
    assert (found.result, found.retry_count) == ({"decision": "yes", "reason": "so"}, 2)
    assert (found.cost.total_nano, found.usage, len(found.attempts)) == (450, Usage(30, 15), 3)
    assert [request_id for _, request_id in completer.asked] == ["req_b-1", "req_b-1-r1", "req_b-1-r2"]
    first, second, third = (request.messages for request, _ in completer.asked)
    assert [message["role"] for message in second[len(first) :]] == ["assistant", "user"]
    assert second[len(first)]["content"] == BAD
    assert "- decision: Input should be 'yes' or 'no'" in second[-1]["content"]
    assert "- reason: Field required" in second[-1]["content"]
    assert third[len(first)]["content"] == "nonsense"
    assert [request.timeout_s for request, _ in completer.asked] == [60, 59, 58]


async def test_one_that_stays_invalid_is_an_error_that_says_why_and_what_it_cost(clock):
    """After as many corrections as were allowed."""
    completer = Scripted(clock, [BAD, BAD])
    found = await answerer(completer, clock).answer(question(max_validation_retries=1), "Well?", 1, timeout_s=60)
    assert (found.status, found.error_code, found.result, found.retry_count) == ("error", "validation_failed", None, 1)
    assert found.error_message.startswith(
        "Asked 2 times, the model gave no answer that is valid by pydantic: decision:"
    )
    assert found.cost.total_nano == 300


async def test_no_correction_is_asked_for_if_none_is_allowed(clock):
    """Zero is zero."""
    completer = Scripted(clock, [BAD])
    found = await answerer(completer, clock).answer(question(max_validation_retries=0), "Well?", 1, timeout_s=60)
    assert (found.error_code, found.retry_count, len(completer.asked)) == ("validation_failed", 0, 1)


async def test_a_failed_call_is_not_a_failed_check(clock):
    """The gateway's own error, with its attempts and with what earlier tries cost; nothing is asked again."""
    completer = Scripted(clock, [BAD, ProviderUnavailable("down")])
    found = await answerer(completer, clock).answer(question(), "Well?", 1, timeout_s=60)
    assert (found.error_code, found.retry_count) == ("provider_error", 0)
    assert found.error_message.startswith("down It was asked again because of an invalid answer: decision:")
    assert (found.cost.total_nano, [attempt.outcome for attempt in found.attempts]) == (150, ["ok", "failed"])


async def test_all_tries_share_one_deadline(clock):
    """With no time left nobody is asked: it would be billed."""
    completer = Scripted(clock, [BAD, BAD], takes_s=30)
    found = await answerer(completer, clock).answer(question(max_validation_retries=9), "Well?", 1, timeout_s=60)
    assert (found.error_code, found.retry_count, found.cost.total_nano) == ("deadline_exceeded", 1, 300)


async def test_structured_output_where_the_model_has_it(clock):
    """Else the prompt asks for it; the question's own format wins."""
    completer = Scripted(clock, [GOOD, GOOD, GOOD])
    asking = answerer(completer, clock)
    await asking.answer(question(), "?", 1, timeout_s=60)
    await asking.answer(question(model="old"), "?", 2, timeout_s=60)
    await asking.answer(question(model_group="fast", params={"seed": 1}), "?", 3, timeout_s=60)
    native, plain, grouped = (request for request, _ in completer.asked)
    assert native.params["response_format"]["json_schema"]["strict"] is True
    assert [message["role"] for message in native.messages] == ["user"]
    assert "response_format" not in plain.params
    assert plain.messages[0]["role"] == "system"
    assert '"decision"' in plain.messages[0]["content"]
    assert (grouped.model, grouped.model_group, dict(grouped.params)) == (None, "fast", {"temperature": 0.2, "seed": 1})


async def test_only_a_valid_first_answer_comes_from_the_cache(clock):
    """A correction is asked for because the kept one would be wrong; what it mends is kept for the first question."""
    completer = Keeping(clock, [BAD, GOOD])
    await answerer(completer, clock).answer(question(), "Well?", 1, timeout_s=60)
    (first, _), (second, _) = completer.asked
    assert (completer.accepted, first.cache, second.cache) == ([False], True, False)
    ((kept_for, content),) = completer.kept
    assert (kept_for.messages, content) == (first.messages, GOOD)


async def test_a_valid_first_answer_is_kept_by_the_cache_itself(clock):
    """And nothing is kept where the question does not want it."""
    completer = Keeping(clock, [GOOD, BAD, GOOD])
    asking = answerer(completer, clock)
    await asking.answer(question(), "Well?", 1, timeout_s=60)
    await asking.answer(question(cache=False), "Well?", 2, timeout_s=60)
    assert (completer.accepted, completer.kept) == ([True], [])


async def test_an_unknown_model_is_an_answer_and_no_crash(clock):
    """It may have gone from the catalog since the batch was checked."""
    found = await answerer(Scripted(clock, []), clock).answer(question(model="nobody"), "?", 1, timeout_s=60)
    assert found.error_code == "unknown_model"


async def test_token_probabilities_are_asked_for_by_an_option(clock):
    """They make the confidence where a provider has none of its own."""
    completer = Scripted(clock, ["hi"])
    asked = question(response_model=None, options={"logprobs": True})
    await answerer(completer, clock).answer(asked, "?", 1, timeout_s=60)
    assert completer.asked[0][0].params["logprobs"] is True


async def test_a_call_of_a_tool_is_handed_on(clock):
    """It is no answer yet: it is neither checked nor lost, nor paid for three times."""
    call = ToolCall("c1", "weather", '{"city": "Portree"}')
    completer = Keeping(clock, [ProviderAnswer("", (call,), "tool_calls", Usage(10, 5))])
    answer = await answerer(completer, clock).answer(question(), "?", 1, timeout_s=60)
    told = {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": call.arguments}}
    assert (answer.result, answer.retry_count) == ({"content": "", "tool_calls": [told]}, 0)
    assert completer.accepted == [True]


async def test_an_answer_that_was_cut_off_is_told_so(clock):
    """Otherwise the model would write as much again."""
    completer = Scripted(clock, [ProviderAnswer('{"decision": "y', (), "length", Usage(10, 5)), GOOD])
    await answerer(completer, clock).answer(question(), "?", 1, timeout_s=60)
    assert "cut off at max_tokens" in completer.asked[1][0].messages[-1]["content"]


async def test_a_check_that_breaks_is_not_repeated(clock):
    """It would break again. The paid answer counts; the exception's text, which may be anything, is not told."""

    def broken(_text, _options):
        raise KeyError("secret")

    registry = Registry(strategies={"own": lambda asked, _models: UsersOwn(broken, asked.options)})
    completer = Keeping(clock, ["hi"])
    asking = QuestionAnswerer(completer, CATALOG, registry, CALLER, Attribution("alpha"), "req_b", clock)
    answer = await asking.answer(question(validation_strategy="own"), "?", 1, timeout_s=60)
    assert (answer.error_code, answer.cost.total_nano, completer.accepted) == ("validation_failed", 150, [False])
    assert "KeyError" in answer.error_message
    assert "secret" not in answer.error_message
