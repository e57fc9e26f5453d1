"""What users of gateways reported of histories: calls, thoughts and empty turns, sent back as they came."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.wires.asking import CLAUDES, EVERY_MODEL, HI, LOOK_UP, PING, PROVIDERS, STREAMED, TURN, Q, answer, body, chat
from tests.wires.case import assistant, call, calling, result, system, text, user
from tests.wires.gateway import Lab


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with Lab("native", tmp_path_factory.mktemp("cases")) as made:
        yield made


class TestCallsWithoutArguments:
    """F1 and F8."""

    @STREAMED
    @pytest.mark.parametrize("model", ["gemini-flash", "gemini-3-pro"])
    def test_gemini_leaves_args_out(self, lab: Lab, model: str, *, streamed: bool) -> None:
        """They are an empty object."""
        told = answer(chat(lab, model, [user("ping it [[tool]]")], tools=[PING], streamed=streamed))
        assert (told.finish, [(one.name, one.arguments) for one in told.calls]) == ("tool_calls", [("ping", "{}")])

    @STREAMED
    @pytest.mark.parametrize("model", ["gpt-5.1", "deepseek-v3.2", "codex-max"])
    def test_others_leave_them_empty(self, lab: Lab, model: str, *, streamed: bool) -> None:
        """And are given JSON back."""
        told = answer(chat(lab, model, [user("[[tool]] [[no_args]]")], tools=[PING], streamed=streamed))
        assert [one.arguments for one in told.calls] == ["{}"]

    def test_empty_arguments_in_the_history(self, lab: Lab) -> None:
        """Nothing is made up for Gemini."""
        history = [Q, calling(call("ping", "")), result("call_1", "pong")]
        (sent,) = chat(lab, "gemini-3-pro", history, tools=[PING]).sent
        assert sent.values("call") == [("ping", {})]

    @EVERY_MODEL
    def test_cut_arguments_in_the_history(self, lab: Lab, model: str) -> None:
        """Everybody gets them in a form that he takes."""
        history = [Q, calling(call("look_up", '{"q": "x')), result("call_1", "what?"), user("go on")]
        heard = chat(lab, model, history, tools=[LOOK_UP])
        assert heard.told.status == 200
        assert "what?" in heard.sent[0].values("result")

    @STREAMED
    def test_arguments_with_the_end_of_the_call(self, lab: Lab, *, streamed: bool) -> None:
        """Over Responses, streamed as well."""
        heard = chat(lab, "codex-max", [user("[[tool]] [[done_only]]")], tools=[LOOK_UP], streamed=streamed)
        assert [one.arguments for one in answer(heard).calls] == ['{"q": "text"}']


class TestThinkingOverToolTurns:
    """F2 and F4."""

    @CLAUDES
    def test_a_history_that_nobody_signed(self, lab: Lab, model: str) -> None:
        """Claude does not think for that turn where it would have to have its thoughts back, and that is said."""
        heard = chat(lab, model, TURN, tools=[LOOK_UP], reasoning_effort="medium")
        thinks = body(heard).get("thinking", {}).get("type")
        assert (thinks is None) == (heard.told.dropped == ("reasoning_effort",))
        assert thinks in (None, "adaptive")

    @STREAMED
    @pytest.mark.parametrize("model", ["claude-opus-4.5", "claude-haiku-3.5", "deepseek-v3.2", "gemini-3-pro"])
    def test_an_answer_comes_back_as_it_came(self, lab: Lab, model: str, *, streamed: bool) -> None:
        """By the shape of OpenAI's SDK, whole or put together from a stream: with thoughts, and thinking goes on."""
        options: dict[str, Any] = {"tools": [LOOK_UP], "reasoning_effort": "high", "streamed": streamed}
        messages: list[Any] = [user("[[tool]] [[reasoning=9]]")]
        first = answer(chat(lab, model, messages, **options))
        back = [result(one.id, "r") for one in first.calls]
        heard = chat(lab, model, [*messages, first.message, *back], **options)
        assert (answer(heard).finish, heard.told.dropped) == ("stop", ())
        assert heard.sent[0].values("thought") != []

    @STREAMED
    def test_a_client_that_keeps_known_fields_alone(self, lab: Lab, *, streamed: bool) -> None:
        """The ids of calls carry what thinking needs."""
        options: dict[str, Any] = {"tools": [LOOK_UP], "reasoning_effort": "high", "streamed": streamed}
        messages: list[Any] = [user("[[tool]] [[reasoning=9]]")]
        for model in ("claude-opus-4.5", "deepseek-v3.2"):
            told = answer(chat(lab, model, messages, **options))
            known = {name: told.message[name] for name in ("role", "content", "tool_calls")}
            heard = chat(lab, model, [*messages, known, result(told.calls[0].id, "r")], **options)
            assert (answer(heard).dropped, heard.sent[0].values("thought") != []) == ((), True)

    @pytest.mark.parametrize("choice", ["required", {"type": "function", "function": {"name": "look_up"}}])
    def test_deepseek_is_made_to_call(self, lab: Lab, choice: Any) -> None:
        """It does not think then."""
        heard = chat(lab, "deepseek-coder", [HI], tools=[LOOK_UP], tool_choice=choice)
        assert body(heard)["thinking"] == {"type": "disabled"}
        assert [one.name for one in heard.told.calls] == ["look_up"]

    def test_deepseek_after_another_models_calls(self, lab: Lab) -> None:
        """The last of `code` in an agent's history: without reasoning to give back no thinking; `content` is there."""
        sent = body(chat(lab, "deepseek-coder", TURN, tools=[LOOK_UP]))
        assert sent["thinking"] == {"type": "disabled"}
        assert "content" in sent["messages"][1]


class TestEmptyTurns:
    """F5."""

    @EVERY_MODEL
    @pytest.mark.parametrize(
        "empty",
        [
            assistant(None, refusal=None),
            assistant(""),
            assistant(None, reasoning_content="Hm."),
            user(""),
            system(""),
            user([text("")]),
            assistant([{"type": "refusal", "refusal": "No."}]),
            assistant("", tool_calls=[]),
        ],
        ids=str,
    )
    def test_an_empty_turn_is_taken(self, lab: Lab, model: str, empty: Any) -> None:
        """By all."""
        assert answer(chat(lab, model, [Q, empty, user("go on")])).finish == "stop"

    @STREAMED
    @EVERY_MODEL
    def test_our_own_empty_answer_comes_back(self, lab: Lab, model: str, *, streamed: bool) -> None:
        """As OpenAI's SDK has it; it has a role, even streamed (F15)."""
        first = answer(chat(lab, model, [user("[[say=]]")], streamed=streamed))
        assert (first.role, first.text) == ("assistant", "")
        assert answer(chat(lab, model, [Q, first.message, user("go on")])).finish == "stop"

    @EVERY_MODEL
    def test_an_answer_that_thinking_used_up_comes_back(self, lab: Lab, model: str) -> None:
        """The limit was for both."""
        first = answer(chat(lab, model, [user("think [[reasoning=200]]")], max_completion_tokens=16))
        assert (first.finish, first.text) == ("length", "")
        assert answer(chat(lab, model, [Q, first.message, user("go on")])).finish == "stop"

    def test_an_empty_result(self, lab: Lab) -> None:
        """A tool that gives nothing back."""
        for model in PROVIDERS:
            history = [Q, calling(call("ping", "{}")), result("call_1", [])]
            assert answer(chat(lab, model, history, tools=[PING])).finish == "stop"
